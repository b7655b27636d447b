"""The noise screen lists what does not fit its neighbours, and changes nothing."""

from dataclasses import replace

import numpy as np
import pytest

from models.errors import DataError
from models.stance import STANCES
from training.data import LabelledStatement
from training.noise import screen

RANDOM = np.random.default_rng(0)
N = 400
STATEMENTS = [LabelledStatement(f"s{i}", f"Text {i}.", STANCES[i % 4], 2, None, "made", f"d{i // 2}") for i in range(N)]
VECTORS = (np.eye(4)[np.arange(N) % 4] + RANDOM.normal(0, 0.2, (N, 4))).astype(np.float32)


def test_flipped_labels_come_first_with_the_stance_that_fits() -> None:
    """Of 40 flipped at least 36 are in the flagged tenth, and the likeliest stance is the one before the flip."""
    noisy = [replace(s, stance=STANCES[(i + 1) % 4]) if i % 10 == 3 else s for i, s in enumerate(STATEMENTS)]
    suspects = screen(noisy, VECTORS, share=0.1, seed=1)
    assert 40 == len(suspects)
    flipped = [suspect for suspect in suspects if int(suspect.statement.id[1:]) % 10 == 3]
    assert len(flipped) >= 36
    assert all(STANCES[int(s.statement.id[1:]) % 4] == s.likeliest for s in flipped)
    assert sorted(s.quality for s in suspects) == [s.quality for s in suspects]


def test_too_few_labels_of_a_stance_are_refused() -> None:
    """Five folds need five."""
    few = [s for i, s in enumerate(STATEMENTS) if s.stance != "hostile" or i < 8]
    with pytest.raises(DataError, match="a stance has 2 labels; to screen for noise each needs 5"):
        screen(few, VECTORS[: len(few)], share=0.1, seed=1)
