"""Answers against gold labels, worked out by hand."""

import numpy as np
import pytest

from models.stance import LEANINGS, STANCES, Abstention, Answer, Condition, Stance
from training.data import LabelledStatement
from training.evaluate import as_text, count_groups, measure


def _statement(n: int, stance: Stance, document: str, source: str = "own") -> LabelledStatement:
    condition = (8, 18) if stance == Stance.CONDITIONAL else None
    return LabelledStatement(f"s{n}", "We talk if they go.", stance, 3, condition, source, document)


def _answer(stance: Stance, p: float, abstained: Abstention | None = None) -> Answer:
    rest = (1 - p) / 3
    probabilities = {one: p if one == stance else rest for one in STANCES}
    condition = Condition(8, 18, "if they go") if stance == Stance.CONDITIONAL else None
    leaning = stance if stance in LEANINGS else Stance.CONCILIATORY
    return Answer(stance, leaning, probabilities, condition, abstained, None, truncated=False)


STATEMENTS = [
    _statement(0, Stance.CONDITIONAL, "a"),
    _statement(1, Stance.HOSTILE, "a"),
    _statement(2, Stance.CONCILIATORY, "b"),
    _statement(3, Stance.NONE, "b"),
    _statement(4, Stance.NONE, "c", source="wire"),
]
ANSWERS = [
    _answer(Stance.CONDITIONAL, 0.9),
    _answer(Stance.HOSTILE, 0.8),
    _answer(Stance.CONCILIATORY, 0.7),
    _answer(Stance.HOSTILE, 0.4, Abstention.UNCERTAIN),
    _answer(Stance.NONE, 0.6),
]


def test_every_figure_is_what_hand_and_eye_find() -> None:
    """Four of five right; hostile is said twice and right once; the wrong one was abstained on."""
    evaluation = measure(ANSWERS, STATEMENTS)
    assert evaluation.accuracy == pytest.approx(0.8)
    assert (evaluation.answered, evaluation.accuracy_answered) == (pytest.approx(0.8), 1.0)
    assert evaluation.by_stance["hostile"] == (0.5, 1.0, pytest.approx(2 / 3))
    assert evaluation.figures["macro_f1_four"].value == pytest.approx((1 + 1 + 2 / 3 + 2 / 3) / 4)
    assert evaluation.figures["macro_f1_three"].value == 1
    assert evaluation.figures["macro_f1_three"].n == 3
    assert evaluation.figures["condition_token_f1"].value == 1
    assert evaluation.figures["condition_exact"].n == 1


def test_a_group_counts_only_when_all_of_it_is_right() -> None:
    """Of two written groups one is; a wire report is no group."""
    right = np.array([True, True, True, False, True])
    assert count_groups(STATEMENTS, right) == (2, 1)
    assert "Contrast groups wholly right: 1 of 2." in as_text("x", measure(ANSWERS, STATEMENTS))


def test_measured_figures_carry_their_interval_and_count() -> None:
    """As the manifest holds them; the calibration error has no interval."""
    measured = measure(ANSWERS, STATEMENTS).measured()
    three = measured["macro_f1_three"]
    assert (1, 3) == (three.value, three.n)
    assert measured["macro_f1_four"].low <= measured["macro_f1_four"].value  # type: ignore[operator]
    assert (None, None, 5) == (
        measured["calibration_error"].low, measured["calibration_error"].high, measured["calibration_error"].n
    )  # fmt: skip
