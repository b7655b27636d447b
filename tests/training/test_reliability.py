"""Honest probabilities are found honest, and others not."""

import numpy as np
import pytest

from models.conformal import COVERAGES
from models.stance import STANCES, Stance
from training.calibrate import conformal_thresholds
from training.metrics import calibration_error
from training.reliability import accuracy_at, as_text, brier, check_promises, perfect_error, shipped_promises

RANDOM = np.random.default_rng(11)
LOGITS = RANDOM.normal(0, 1.5, size=(3000, 4))
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
GOLD = np.array([RANDOM.choice(4, p=p) for p in PROBABILITIES])
SHARP = np.exp(3 * LOGITS) / np.exp(3 * LOGITS).sum(axis=1, keepdims=True)
DOCUMENTS = [f"d{i // 2}" for i in range(3000)]


def test_a_perfect_reader_stays_below_what_chance_does() -> None:
    """Honest probabilities are within it, sharpened ones are not."""
    assert calibration_error(GOLD, PROBABILITIES) < perfect_error(PROBABILITIES, draws=200)
    assert calibration_error(GOLD, SHARP) > 3 * perfect_error(SHARP, draws=200)


def test_the_parts_of_the_brier_score_add_up() -> None:
    """By hand for a reader who always says the shares: no resolution, no fault in reliability."""
    gold = np.array([0, 1, 2, 3] * 30)
    flat = brier(gold, np.full((120, 4), 0.25))
    assert (flat.score, flat.uncertainty) == (pytest.approx(0.75), pytest.approx(0.75))
    assert flat.reliability == pytest.approx(flat.resolution, abs=1e-9)
    found = brier(GOLD, PROBABILITIES)
    assert found.score == pytest.approx(found.reliability - found.resolution + found.uncertainty, abs=0.01)
    assert found.reliability < 0.01 < brier(GOLD, SHARP).reliability


def test_the_surest_are_more_often_right() -> None:
    """Two sure ones right, two unsure ones wrong."""
    probabilities = np.array([[0.9, 0.1, 0, 0], [0.8, 0.2, 0, 0], [0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]])
    gold = np.array([0, 0, 1, 2])
    assert (1.0, 0.5) == (accuracy_at(gold, probabilities, kept=0.5), accuracy_at(gold, probabilities, kept=1.0))


def test_thresholds_are_the_smallest_that_keep_the_promise() -> None:
    """Of 99 statements of a stance, the tenth smallest probability at 90 %: ten in a hundred may fall below."""
    probabilities = np.zeros((396, 4))
    gold = np.repeat(np.arange(4), 99)
    for stance in range(4):
        probabilities[gold == stance, stance] = np.arange(1, 100) / 100
    found = conformal_thresholds(probabilities, gold)
    at_90 = COVERAGES.index(0.9)
    assert {stance: found[stance][at_90] for stance in STANCES} == dict.fromkeys(STANCES, 0.1)
    assert 0.01 == found[Stance.HOSTILE][COVERAGES.index(0.99)]


def test_too_few_statements_leave_a_stance_always_possible() -> None:
    """Nine cannot promise 99 %."""
    gold = np.repeat(np.arange(4), 9)
    found = conformal_thresholds(np.full((36, 4), 0.25), gold)
    assert 0.0 == found[Stance.NONE][COVERAGES.index(0.99)]
    assert 0.25 == found[Stance.NONE][COVERAGES.index(0.9)]


def test_promises_are_kept_where_both_halves_are_alike_and_not_where_they_differ() -> None:
    """Close to the coverage on average, for each stance; a reader who errs on some documents alone breaks it."""
    kept = check_promises(GOLD, PROBABILITIES, DOCUMENTS, coverages=(0.9,))
    assert [None, *STANCES] == sorted((p.stance for p in kept), key=lambda s: -1 if s is None else STANCES.index(s))
    for promise in kept:
        assert promise.mean == pytest.approx(0.9, abs=0.015)
        assert promise.held >= 0.88
    # Ten documents of 300 statements each: five of them do not tell what the others are like.
    clustered = [f"d{i // 300}" for i in range(3000)]
    shifts = np.repeat(RANDOM.normal(0, 3, size=(10, 4)), 300, axis=0)
    torn = np.exp(LOGITS + shifts) / np.exp(LOGITS + shifts).sum(axis=1, keepdims=True)
    assert min(p.held for p in check_promises(GOLD, torn, clustered, coverages=(0.9,))) < 0.8


def test_the_page_has_all_of_it() -> None:
    """Each figure beside what it is to be compared with."""
    page = as_text(GOLD[:600], PROBABILITIES[:600], DOCUMENTS[:600])
    assert "a perfectly calibrated reader" in page
    assert "= reliability" in page
    assert "| 80% | conditional |" in page
    assert "| 90% | 0." in shipped_promises(GOLD, PROBABILITIES, conformal_thresholds(PROBABILITIES, GOLD))
