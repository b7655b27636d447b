"""Paired statistics: one truth worked by hand for each."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from training.paired import holm, lower_bound, macro_f1_draws, mcnemar_p, sign_p, worse_p


def _bools(bits: str) -> np.ndarray:
    return np.array([bit == "1" for bit in bits])


def test_the_first_draw_is_the_macro_f1_of_the_whole() -> None:
    """As scikit-learn counts it, with documents of several statements."""
    random = np.random.default_rng(0)
    gold, predicted = random.integers(4, size=300), random.integers(4, size=300)
    drawn = macro_f1_draws(gold, predicted, np.arange(300) // 3, draws=200, seed=1)
    assert f1_score(gold, predicted, average="macro") == pytest.approx(drawn[0], abs=1e-6)
    assert 201 == len(drawn)
    assert 0.01 < drawn.std() < 0.05


def test_the_same_model_twice_differs_in_no_draw() -> None:
    """The draws are the same documents for both."""
    gold = np.arange(40) % 4
    first, second = (macro_f1_draws(gold, gold[::-1], np.arange(40), draws=200, seed=5) for _ in range(2))
    assert 0 == np.abs(first - second).max()


def test_the_lower_bound_reflects_the_draws_about_the_estimate() -> None:
    """Estimate 0.03, draws 0.00 to 0.10: twice 0.03 less the 95 % point 0.095."""
    differences = np.concatenate([[0.03], np.linspace(0, 0.1, 101)])
    assert -0.035 == pytest.approx(lower_bound(differences, alpha=0.05))


def test_mcnemar_counts_the_discordant_alone() -> None:
    """5 gained and 1 lost: (6 + 1) / 64."""
    old, new = _bools("0000011111"), _bools("1111101111")
    assert 7 / 64 == pytest.approx(mcnemar_p(old, new))
    assert 1.0 == mcnemar_p(old, old)


def test_a_document_speaks_once() -> None:
    """Three statements lost in one document are one loss: p = 1/2; in three documents 1/8."""
    old, new = _bools("111"), _bools("000")
    assert 1 / 2 == worse_p(old, new, np.array([0, 0, 0]))
    assert 1 / 8 == worse_p(old, new, np.array([0, 1, 2]))
    assert 1.0 == sign_p(0, 0)


def test_holm_multiplies_by_what_is_left() -> None:
    """0.01, 0.04, 0.03 become 0.03, 0.06, 0.06."""
    assert [0.03, 0.06, 0.06] == pytest.approx(holm([0.01, 0.04, 0.03]))
