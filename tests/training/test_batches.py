"""What the network reads, and in what order."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from models.stance import STANCES, Stance
from models.tokens import tokenizer_from
from training.batches import Encoded, collate, encode_statement, order_epoch
from training.data import LabelledStatement

NONE = STANCES.index(Stance.NONE)


@pytest.fixture(scope="module")
def tokenizer(tiny_folder: Path) -> Tokenizer:
    return tokenizer_from((tiny_folder / "tokenizer.json").read_bytes())


def test_the_tokens_of_the_condition_are_marked(tokenizer: Tokenizer) -> None:
    """Exactly the tokens that touch the span, and no mark of the tokenizer."""
    text = "We sign if they go, not before."
    encoded = encode_statement(
        tokenizer, LabelledStatement("a", text, Stance.CONDITIONAL, 2, (8, 18), "own", "d"), max_tokens=64
    )
    offsets = tokenizer.encode(text).offsets
    marked = [offsets[i] for i, inside in enumerate(encoded.in_condition) if inside]
    assert (8, 18) == (marked[0][0], marked[-1][1])
    assert not encoded.in_condition[0]
    assert not encoded.in_condition[-1]


def test_two_epochs_of_half_read_each_statement_without_a_stance_once() -> None:
    """All with a stance each time; of a hundred without, fifty and then the other fifty."""
    encoded = [Encoded([0] * (5 + n % 9), [False] * (5 + n % 9), NONE if n < 100 else 0, 3) for n in range(130)]
    epochs = [
        [i for batch in order_epoch(encoded, none_share=0.5, batch_size=8, seed=7, epoch=epoch) for i in batch]
        for epoch in (0, 1)
    ]
    assert sorted(i for epoch in epochs for i in epoch if i < 100) == list(range(100))
    for epoch in epochs:
        assert sorted(i for i in epoch if i >= 100) == list(range(100, 130))
    assert epochs[0] != epochs[1]


def test_padding_is_masked() -> None:
    """A short row is filled up with the padding id and zeros."""
    batch = collate([Encoded([5, 6, 7], [False, True, False], 1, 2), Encoded([8], [False], 3, 1)], padding_id=1)
    assert batch.ids.tolist() == [[5, 6, 7], [8, 1, 1]]
    assert batch.mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch.in_condition.tolist() == [[0, 1, 0], [0, 0, 0]]
    assert batch.targets.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]
