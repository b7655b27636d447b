"""Windows over a long text."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from models.tokens import cut_windows


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
