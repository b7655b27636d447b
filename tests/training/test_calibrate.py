"""Calibration finds what was done to honest probabilities."""

import numpy as np
import pytest

from models.calibration import calibrate
from models.errors import DataError
from training.calibrate import (
    ConditionRule,
    fit_calibration,
    fit_condition_rule,
    score_histograms,
    uncertainty_threshold,
)

RANDOM = np.random.default_rng(5)
HONEST = RANDOM.normal(0, 1.5, size=(4000, 4))
PROBABILITIES = np.exp(HONEST) / np.exp(HONEST).sum(axis=1, keepdims=True)
GOLD = np.array([RANDOM.choice(4, p=p) for p in PROBABILITIES])


def test_a_sharpened_model_is_softened_again() -> None:
    """Logits three times too large ask for a temperature of three."""
    calibration = fit_calibration(HONEST * 3, GOLD, with_bias=False)
    assert calibration.temperature == pytest.approx(3, rel=0.08)
    assert calibration.bias == (0, 0, 0, 0)


def test_a_model_too_timid_where_it_is_clear_is_sharpened_there() -> None:
    """Logits that fall behind the truth the more, the clearer the answer is: the slope brings them forward again."""
    twice = np.tile(HONEST, (3, 1))
    truth = calibrate(twice, temperature=1.5, slope=0.2, bias=(0, 0, 0, 0))
    gold = np.array([RANDOM.choice(4, p=p) for p in truth])
    calibration = fit_calibration(twice, gold, with_bias=False)
    assert calibration.slope == pytest.approx(0.2, abs=0.05)
    assert calibration.temperature == pytest.approx(1.5, rel=0.1)


def test_probabilities_by_hand() -> None:
    """A margin of 1 at a slope of ln 2 halves the temperature: 2, 1, 0, 0 become 4, 2, 0, 0; then the bias is added."""
    rows = np.array([[2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    bias = (0.0, 0.0, np.log(2), 0.0)
    first, second = calibrate(rows, temperature=1.0, slope=np.log(2), bias=bias)
    e = np.exp(1)
    assert first == pytest.approx(np.array([e**4, e**2, 2, 1]) / (e**4 + e**2 + 3))
    assert second == pytest.approx([0.2, 0.2, 0.4, 0.2])


def test_the_slope_is_never_negative() -> None:
    """Of a model that is too sure where it is clear, too: or its clearest answers would be decided by the bias."""
    too_sure = calibrate(HONEST, temperature=1.0, slope=0.0, bias=(0, 0, 0, 0))
    gold = np.array([RANDOM.choice(4, p=0.7 * p + 0.075) for p in too_sure])
    assert fit_calibration(HONEST, gold, with_bias=True).slope == 0


def test_a_shifted_stance_is_shifted_back() -> None:
    """A stance whose logit was raised by one gets it taken back, relative to the others."""
    calibration = fit_calibration(HONEST + np.array([0, 1.0, 0, 0]), GOLD, with_bias=True)
    others = (calibration.bias[0] + calibration.bias[2] + calibration.bias[3]) / 3
    assert calibration.bias[1] - others == pytest.approx(-1, abs=0.15)
    assert calibration.probabilities(HONEST).sum(axis=1) == pytest.approx(1)


def test_the_threshold_keeps_the_share_that_was_asked_for() -> None:
    """At 0.9, nine in ten are at least as sure."""
    threshold = uncertainty_threshold(PROBABILITIES, coverage=0.9)
    assert (PROBABILITIES.max(axis=1) >= threshold).mean() == pytest.approx(0.9, abs=0.001)


def test_histograms_count_every_statement() -> None:
    """Ten bins for each stance."""
    histograms = score_histograms(PROBABILITIES)
    assert [10] * 4 == [len(counts) for counts in histograms.values()]
    assert [4000] * 4 == [sum(counts) for counts in histograms.values()]


def test_too_little_to_calibrate_on_is_refused() -> None:
    """Fewer than fifty, or a stance that never occurs."""
    with pytest.raises(DataError, match="49 statements"):
        fit_calibration(HONEST[:49], GOLD[:49], with_bias=True)
    with pytest.raises(DataError, match="is hostile"):
        fit_calibration(HONEST, np.where(GOLD == 2, 3, GOLD), with_bias=True)


def test_the_best_rule_of_the_grid_is_taken() -> None:
    """Nearest to a bias of 0.9 and a floor of 1.4."""
    rule = fit_condition_rule(lambda rule: -abs(rule.bias - 0.9) - abs(rule.threat_floor - 1.4))
    assert rule == ConditionRule(1.0, 1.5)
