"""Stances that remain possible, worked out by hand; and abstention at a coverage that was asked for."""

import numpy as np
import pytest

from models.classifier import DEFAULT_FOLDER, StanceClassifier
from models.conformal import COVERAGES, possible_stances, thresholds_for
from models.errors import CoverageError
from models.folder import open_folder
from models.stance import STANCES, Abstention, Stance

KNOWN = {stance: tuple(1 - coverage for coverage in COVERAGES) for stance in STANCES}
TEXTS = ["We welcome the envoys.", "We will come to the table once the blockade is lifted.", "It rained in Geneva."]


def test_a_stance_is_possible_from_its_threshold_on() -> None:
    """At the threshold it is, below it is not; each stance has its own."""
    thresholds = np.array([0.1, 0.3, 0.2, 0.5])
    assert (Stance.CONCILIATORY, Stance.CONDITIONAL) == possible_stances(np.array([0.1, 0.4, 0.1, 0.4]), thresholds)
    assert () == possible_stances(np.array([0.05, 0.2, 0.15, 0.4]), np.array([0.1, 0.3, 0.2, 0.6]))


@pytest.mark.parametrize(("asked", "least"), [(0.57, 0.43), (0.571, 0.42), (0.2, 0.5), (0.99, 0.01), (0.9, 0.1)])
def test_a_coverage_between_two_takes_the_higher(asked: float, least: float) -> None:
    """Never less than was asked for, and the very one where it is kept."""
    assert thresholds_for(asked, KNOWN) == pytest.approx([least] * 4)


def test_what_a_model_cannot_promise_is_refused() -> None:
    """Above the highest coverage, or without thresholds at all."""
    with pytest.raises(CoverageError, match=r"coverage 0\.995 is above 0\.99"):
        thresholds_for(0.995, KNOWN)
    with pytest.raises(CoverageError, match="has no thresholds"):
        thresholds_for(0.9, {})


def test_a_higher_coverage_abstains_more(shipped: StanceClassifier) -> None:
    """And changes nothing else of an answer."""
    folder = open_folder(DEFAULT_FOLDER)
    plain = shipped.classify(TEXTS)
    abstained = []
    for coverage in (0.5, 0.99):
        answers = StanceClassifier(folder, coverage=coverage).classify(TEXTS)
        assert [a.probabilities for a in plain] == [a.probabilities for a in answers]
        abstained.append(sum(a.abstained == Abstention.UNCERTAIN for a in answers))
    assert abstained[0] < abstained[1]
    in_steps = list(shipped.answer_in_steps(TEXTS[1], shipped.thresholds(0.99)))[-1]
    assert in_steps
    assert answers[1] == in_steps


def test_a_classifier_refuses_a_coverage_that_its_model_does_not_have() -> None:
    """When it is made, not when it is asked."""
    with pytest.raises(CoverageError, match="is above"):
        StanceClassifier.load(coverage=0.999)
