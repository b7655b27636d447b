"""Drift: the measures by hand, no alarm where nothing changed, an alarm with its words where something did."""

import numpy as np
import pytest

from models.errors import DataError
from training.drift import describe_answers, find_drift, psi

RANDOM = np.random.default_rng(3)
WORDS = "envoy note toll grain treaty harbour council pilot garrison tribute".split()
ANSWERS = RANDOM.dirichlet([2, 1, 2, 4], size=1200)


def _texts(n: int, words: list[str]) -> list[str]:
    return [" ".join(RANDOM.choice(words, size=12)) for _ in range(n)]


def test_psi_is_that_of_a_hand_worked_table() -> None:
    """Halves become a quarter and three quarters: 0.25 ln 0.5 and 0.25 ln 1.5, with their signs."""
    expected = -0.25 * np.log(0.5) + 0.25 * np.log(1.5)
    assert expected == pytest.approx(psi(np.array([50, 50]), np.array([25, 75])))
    assert 0.0 == psi(np.array([30, 70]), np.array([300, 700]))


def test_two_windows_of_one_kind_raise_no_alarm() -> None:
    """The same words, the same answers."""
    drift = find_drift(_texts(600, WORDS), ANSWERS[:600], _texts(600, WORDS), ANSWERS[600:], alpha=0.01, seed=0)
    assert not drift.alarm
    assert {"stance", "confidence", "length", "script", "words"} == {change.name for change in drift.changes}


def test_new_words_are_named_and_their_texts() -> None:
    """Half of the new window speaks of satellites."""
    new = [*_texts(300, WORDS), *_texts(300, ["satellite", "orbit", *WORDS[:6]])]
    drift = find_drift(_texts(600, WORDS), ANSWERS[:600], new, ANSWERS[600:], alpha=0.05, seed=0)
    assert drift.alarm
    assert {"satellite", "orbit"} == set(drift.words[:2])
    assert all(position >= 300 for position in drift.texts)
    assert "stance_drift_alarm 1" in drift.as_prometheus()


def test_other_answers_to_the_same_words_are_an_alarm() -> None:
    """The stance's PSI says it, not the words."""
    moved = RANDOM.dirichlet([1, 1, 6, 1], size=600)
    drift = find_drift(_texts(600, WORDS), ANSWERS[:600], _texts(600, WORDS), moved, alpha=0.05, seed=0)
    significant = {change.name for change in drift.changes if change.p <= 0.01}
    assert drift.alarm
    assert "stance" in significant
    assert "words" not in significant
    assert describe_answers(moved).startswith("conciliatory ")


def test_a_small_window_is_refused() -> None:
    """499 are too few."""
    with pytest.raises(DataError, match="the new window has 499 texts; drift is not measured below 500"):
        find_drift(_texts(500, WORDS), ANSWERS[:500], _texts(499, WORDS), ANSWERS[:499], alpha=0.05, seed=0)
