"""Suggestions are doubtful, apart from each other, and lean towards rare stances."""

import numpy as np
import pytest

from models.errors import DataError
from training.suggest import suggest

RANDOM = np.random.default_rng(0)
SHARES = [0.25] * 4


def test_of_each_cluster_the_most_doubtful_is_chosen() -> None:
    """Four heaps of texts, one of each in doubt: these four, and none twice."""
    heap = np.repeat(np.arange(4), 25)
    vectors = (np.eye(4)[heap] * 5 + RANDOM.normal(0, 0.01, (100, 4))).astype(np.float32)
    answers = np.tile([0.85, 0.05, 0.05, 0.05], (100, 1))
    answers[[3, 30, 60, 90]] = [0.4, 0.38, 0.12, 0.1]
    assert [3, 30, 60, 90] == sorted(s.position for s in suggest(answers, vectors, n=4, shares=SHARES, seed=0))


def test_of_two_in_equal_doubt_the_rarer_stance_comes_first() -> None:
    """Conditional is rare among the labels so far."""
    answers = np.array([[0.5, 0.0, 0.0, 0.5], [0.0, 0.5, 0.0, 0.5], [1.0, 0.0, 0.0, 0.0]])
    chosen = suggest(answers, np.eye(3, dtype=np.float32), n=1, shares=[0.3, 0.05, 0.3, 0.35], seed=0)
    assert [1] == [suggestion.position for suggestion in chosen]
    assert 1.0 == chosen[0].doubt


def test_as_many_as_asked_for_though_texts_are_alike_and_no_more_than_there_are() -> None:
    """Ten copies of one text."""
    answers, vectors = np.full((10, 4), 0.25), np.ones((10, 3), dtype=np.float32)
    vectors += RANDOM.normal(0, 1e-3, vectors.shape).astype(np.float32)
    assert 5 == len({s.position for s in suggest(answers, vectors, n=5, shares=SHARES, seed=0)})
    with pytest.raises(DataError, match="the pool has 10 texts, not 11"):
        suggest(answers, vectors, n=11, shares=SHARES, seed=0)
