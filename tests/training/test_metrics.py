"""Each measure against one truth worked out by hand."""

import numpy as np
import pytest

from training.metrics import (
    bootstrap,
    calibration_error,
    condition_exact,
    condition_token_f1,
    confusion,
    macro_f1_four,
    macro_f1_three,
)

GOLD = np.array([0, 0, 1, 2, 3, 3])
PROBABILITIES = np.array(
    [
        [0.7, 0.1, 0.1, 0.1],  # right
        [0.2, 0.1, 0.1, 0.6],  # none, but leans to conciliatory: right among three
        [0.1, 0.6, 0.2, 0.1],  # right
        [0.1, 0.4, 0.3, 0.2],  # conditional for hostile
        [0.1, 0.1, 0.1, 0.7],  # right
        [0.1, 0.1, 0.1, 0.7],  # right
    ]
)


def test_macro_f1_over_four() -> None:
    """F1: conciliatory 2/3, conditional 2/3, hostile 0, none 4/5; their mean."""
    assert macro_f1_four(GOLD, PROBABILITIES) == pytest.approx((2 / 3 + 2 / 3 + 0 + 4 / 5) / 4)


def test_macro_f1_over_three_asks_only_statements_with_a_stance() -> None:
    """Among four: conciliatory 1, conditional 2/3, hostile 0."""
    assert macro_f1_three(GOLD, PROBABILITIES) == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_confusion_has_gold_in_rows() -> None:
    """One conciliatory statement was answered none."""
    assert confusion(GOLD, PROBABILITIES.argmax(axis=1)) == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 2]]


def test_calibration_error_of_two_bins() -> None:
    """Lower bin 0.4, 0.6, 0.6 with one of three right; upper 0.7 thrice, all right: (3 * 0.2 + 3 * 0.3) / 6."""
    assert calibration_error(GOLD, PROBABILITIES, bins=2) == pytest.approx((3 * 0.2 + 3 * 0.3) / 6)


def test_condition_words_are_counted_over_all_statements() -> None:
    """Gold has 3 + 0 + 1 words, the answers 2 + 1 + 1, of which 2 + 0 + 1 are right."""
    texts = ["talk if they leave", "they left", "talk later"]
    gold = [(5, 18), None, (5, 10)]
    found = [(8, 18), (0, 4), (4, 10)]
    assert condition_token_f1(texts, gold, found) == pytest.approx(2 * 3 / (4 + 4))
    assert condition_exact(texts, gold, found) == pytest.approx(1 / 2)


def test_the_interval_of_a_constant_is_the_constant() -> None:
    """Nothing varies, so neither does the bootstrap; n is what was said."""
    figure = bootstrap(lambda at: 0.25, ["a", "b", "b"], n=2, draws=20)
    assert (0.25, 0.25, 0.25, 2) == (figure.value, figure.low, figure.high, figure.n)


def test_the_interval_covers_the_mean_as_theory_says() -> None:
    """400 coin flips in documents of one: a standard error of 0.025, so about 0.05 to each side."""
    flips = np.arange(400) % 2
    figure = bootstrap(lambda at: float(flips[at].mean()), [str(n) for n in range(400)], n=400)
    assert figure.value - figure.low == pytest.approx(0.049, abs=0.006)
    assert figure.high - figure.value == pytest.approx(0.049, abs=0.006)


def test_documents_are_drawn_whole() -> None:
    """Two documents, one all right and one all wrong: the interval reaches from 0 to 1."""
    right = np.array([1.0] * 50 + [0.0] * 50)
    figure = bootstrap(lambda at: float(right[at].mean()), ["a"] * 50 + ["b"] * 50, n=100)
    assert (0, 1) == (figure.low, figure.high)
