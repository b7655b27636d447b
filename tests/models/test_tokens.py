"""Windows over a long text."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from models.classifier import StanceClassifier
from models.tokens import Window, cut_windows


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """Make a tokenizer of one id a word: w0 is 4, w1 is 5, and so on."""
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, **{f"w{n}": n + 4 for n in range(30)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def test_a_text_that_fits_is_one_window(tokenizer: Tokenizer) -> None:
    """Marks count: six words and two marks fit into eight."""
    windows = cut_windows(tokenizer, "w0 w1 w2 w3 w4 w5", length=8, overlap=2)
    assert [[0, 4, 5, 6, 7, 8, 9, 2]] == [w.ids for w in windows]
    assert (3, 5) == windows[0].offsets[2]


def test_windows_overlap_and_the_last_ends_with_the_text(tokenizer: Tokenizer) -> None:
    """Ten words in windows of six: 0-5, then on by four to 4-9."""
    windows = cut_windows(tokenizer, " ".join(f"w{n}" for n in range(10)), length=8, overlap=2)
    assert [[0, 4, 5, 6, 7, 8, 9, 2], [0, 8, 9, 10, 11, 12, 13, 2]] == [w.ids for w in windows]


@pytest.mark.parametrize("words", range(1, 30))
def test_every_token_is_in_some_window(tokenizer: Tokenizer, words: int) -> None:
    """Nothing is left out, whatever the length, and offsets follow their tokens."""
    text = " ".join(f"w{n}" for n in range(words))
    windows = cut_windows(tokenizer, text, length=8, overlap=2)
    seen = {text[a:b] for window in windows for a, b in window.offsets if a < b}
    assert {f"w{n}" for n in range(words)} == seen
    assert all(len(window.ids) <= 8 for window in windows)


def test_other_languages_take_more_pieces_a_word(shipped: StanceClassifier) -> None:
    """English takes about one; the count is that of the window's own stretch."""
    english = "We will come back to the table once the blockade is lifted."
    german = "Wir werden an den Verhandlungstisch zurückkehren, sobald die Blockade aufgehoben ist."
    (reading,), _ = shipped.read_windows(english)
    assert 1.0 == reading.window.pieces_a_word(english)
    (reading,), _ = shipped.read_windows(german)
    assert reading.window.pieces_a_word(german) > 2
    assert 0.0 == Window([0, 2], [(0, 0), (0, 0)]).pieces_a_word("")


@pytest.mark.parametrize(
    "text",
    [
        "Wir werden an den Verhandlungstisch zurückkehren, sobald die Blockade aufgehoben ist.",
        "Nous sommes prêts à reprendre les négociations si le blocus est levé.",
        "Estamos dispuestos a dialogar cuando retiren sus tropas de la frontera.",
        "Мы готовы вернуться к переговорам, как только будет снята блокада.",
        "只要封锁解除, 我们就愿意回到谈判桌前。",
        "نحن مستعدون للعودة إلى طاولة المفاوضات إذا رفع الحصار.",
        "Abluka kaldırılırsa müzakere masasına dönmeye hazırız.",
        "xqzt plorf wibbet snarg klop drazzle fent grunk",
    ],
)
def test_what_is_not_english_is_unfamiliar(shipped: StanceClassifier, text: str) -> None:
    """Seven languages and one of nobody: answered, and said not to be relied on."""
    assert "unfamiliar" == shipped.classify([text])[0].abstained


def test_english_with_foreign_names_is_familiar(shipped: StanceClassifier) -> None:
    """Names are cut into pieces too, but a sentence is more than its names."""
    text = "The ministers in Ouagadougou and Bamako said that they would receive the envoy of the Nigerian government."
    assert "unfamiliar" != shipped.classify([text])[0].abstained
