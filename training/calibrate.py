"""Logits and gold of the tuning side -> temperature, bias and the threshold of abstention."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from models.calibration import calibrate
from models.conformal import COVERAGES
from models.errors import DataError
from models.stance import STANCES, Stance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_FEWEST = 50


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    What turns logits into probabilities (`models.calibration`).

    Attributes:
        temperature: above 0.
        slope: by how much the temperature falls with the margin of the answer; at least 0.
        bias: (4,), in Stance order, summing to 0.
    """

    temperature: float
    slope: float
    bias: tuple[float, float, float, float]

    def probabilities(self, logits: Floats) -> Floats:
        """Give the probabilities (n_statements, 4) of logits (n_statements, 4)."""
        return calibrate(logits, temperature=self.temperature, slope=self.slope, bias=self.bias)


def fit_calibration(logits: Floats, gold: Ints, *, with_bias: bool) -> Calibration:
    """
    Find the temperature, its slope, and a bias for each stance, that make the gold labels likeliest.

    The bias takes back what weighing rare stances in training did to the shares.

    Args:
        logits: (n_statements, 4), before softmax, columns in Stance order.
        gold: (n_statements,), positions in Stance order.

    Raises:
        DataError: fewer than 50 statements, or a stance that never occurs.
    """
    if len(gold) < _FEWEST:
        raise DataError(f"{len(gold)} statements to calibrate on; at least {_FEWEST} are needed")
    if absent := [stance for i, stance in enumerate(STANCES) if not (gold == i).any()]:
        raise DataError(f"no statement to calibrate on is {' or '.join(absent)}")

    def loss(values: Floats) -> float:
        probabilities = _from(values, with_bias=with_bias).probabilities(logits)
        return float(-np.log(probabilities[np.arange(len(gold)), gold] + 1e-12).mean())

    start = np.zeros(1 + len(STANCES) if with_bias else 2)
    bounds = [(None, None), (0, None), *[(None, None)] * (len(start) - 2)]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return _from(found.x, with_bias=with_bias)


def uncertainty_threshold(probabilities: Floats, *, coverage: float) -> float:
    """Give the highest probability that `coverage` of the statements (n_statements, 4) reach."""
    return float(np.quantile(probabilities.max(axis=1), 1 - coverage))


def conformal_thresholds(probabilities: Floats, gold: Ints) -> dict[Stance, tuple[float, ...]]:
    """
    Find for each stance and each of COVERAGES the probability from which it remains possible.

    Of n statements of a stance the floor((n + 1) (1 - coverage))-th smallest probability of that stance: the next
    one reaches it with at least this chance, if it is drawn as they were (split conformal, a threshold a class; see
    `models.conformal`). 0, so always possible, where n is too small for a coverage.

    Args:
        probabilities: (n_statements, 4).
        gold: (n_statements,), positions in Stance order.
    """
    return {stance: _smallest(np.sort(probabilities[gold == i, i])) for i, stance in enumerate(STANCES)}


def _smallest(ordered: Floats) -> tuple[float, ...]:
    # Rounded, or 0.07 * 100 would be less than 7.
    ranks = [int(round((len(ordered) + 1) * (1 - coverage), 6)) for coverage in COVERAGES]
    return tuple(float(ordered[rank - 1]) if rank else 0.0 for rank in ranks)


@dataclass(frozen=True, slots=True)
class ConditionRule:
    """
    When the words of a condition are shown, and how far they reach.

    Attributes:
        bias: added to the logit of each token before the words are chosen.
        threat_floor: a hostile statement has a condition only if the logit of one token reaches this.
    """

    bias: float
    threat_floor: float


def fit_condition_rule(score: Callable[[ConditionRule], float]) -> ConditionRule:
    """Give the rule of a small grid with the highest score: token F1 on the tuning side."""
    grid = [ConditionRule(bias, floor) for bias in (0.0, 0.5, 1.0, 1.5) for floor in (0.0, 0.5, 1.0, 1.5)]
    return max(grid, key=score)


def score_histograms(probabilities: Floats) -> dict[Stance, tuple[int, ...]]:
    """Count each stance's probabilities in ten equal bins from 0 to 1."""
    return {
        stance: tuple(int(n) for n in np.histogram(probabilities[:, i], bins=10, range=(0, 1))[0])
        for i, stance in enumerate(STANCES)
    }


def _from(values: Floats, *, with_bias: bool) -> Calibration:
    first, second, third = (float(v) for v in values[2:]) if with_bias else (0.0, 0.0, 0.0)
    bias = (first, second, third, -(first + second + third))
    return Calibration(float(np.exp(values[0])), float(values[1]), bias)
