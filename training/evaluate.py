"""A classifier's answers against gold labels: every figure by which models are compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.classifier import StanceClassifier
from models.manifest import Measured
from models.stance import LEANINGS, STANCES, Answer
from training.data import LabelledStatement
from training.metrics import (
    Figure,
    bootstrap,
    calibration_error,
    condition_exact,
    condition_token_f1,
    confusion,
    macro_f1_four,
    macro_f1_three,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# The source of statements that were written for the project.
WRITTEN = "own"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """
    What was measured.

    Attributes:
        figures: name -> value with interval; those of the condition are missing for a model without one.
        by_stance: stance -> precision, recall and F1.
        confusion: gold by prediction, in Stance order.
        calibration_error: over 15 bins of equal mass.
        groups: contrast groups, and how many of them are wholly right; written statements alone have them.
        answered: share that is not abstained on, and `accuracy_answered` on it beside `accuracy`.
    """

    figures: dict[str, Figure]
    by_stance: dict[str, tuple[float, float, float]]
    confusion: list[list[int]]
    calibration_error: float
    groups: tuple[int, int]
    answered: float
    accuracy_answered: float
    accuracy: float

    def measured(self) -> dict[str, Measured]:
        """Give the main figures as a manifest holds them."""
        values = {
            name: Measured(value=round(f.value, 4), low=round(f.low, 4), high=round(f.high, 4), n=f.n)
            for name, f in self.figures.items()
        }
        n = next(iter(values.values())).n
        error = Measured(value=round(self.calibration_error, 4), low=None, high=None, n=n)
        return {**values, "calibration_error": error}


def answer_each(classifier: StanceClassifier, statements: Sequence[LabelledStatement]) -> list[Answer]:
    """Answer every statement."""
    return [classifier.classify([s.text])[0] for s in tqdm(statements, desc="evaluate", mininterval=2)]


def measure(answers: Sequence[Answer], statements: Sequence[LabelledStatement]) -> Evaluation:
    """Measure answers against the statements' gold labels."""
    gold = np.array([STANCES.index(s.stance) for s in statements])
    probabilities = np.array([[a.probabilities[stance] for stance in STANCES] for a in answers])
    texts = [s.text for s in statements]
    gold_spans = [s.condition for s in statements]
    spans = [(a.condition.start, a.condition.end) if a.condition else None for a in answers]
    documents = [s.document for s in statements]
    figures = stance_figures(gold, probabilities, documents)
    conditions = sum(span is not None for span in gold_spans)
    for name, function in (("condition_token_f1", condition_token_f1), ("condition_exact", condition_exact)):
        figures[name] = bootstrap(
            lambda at, function=function: function(  # type: ignore[misc]
                [texts[i] for i in at], [gold_spans[i] for i in at], [spans[i] for i in at]
            ),
            documents,
            n=conditions,
            draws=300,
        )
    right = probabilities.argmax(axis=1) == gold
    kept = np.array([a.abstained is None for a in answers])
    table = confusion(gold, probabilities.argmax(axis=1))
    return Evaluation(
        figures=figures,
        by_stance={str(stance): _by_stance(table, i) for i, stance in enumerate(STANCES)},
        confusion=table,
        calibration_error=calibration_error(gold, probabilities),
        groups=count_groups(statements, right),
        answered=float(kept.mean()),
        accuracy_answered=float(right[kept].mean()) if kept.any() else 0.0,
        accuracy=float(right.mean()),
    )


def stance_figures(gold: Ints, probabilities: Floats, documents: Sequence[str]) -> dict[str, Figure]:
    """
    Give macro-F1 over four outcomes and over the three stances, with intervals over documents.

    Args:
        gold: (n_statements,), positions in Stance order.
        probabilities: (n_statements, 4).
    """
    stated = int((gold < len(LEANINGS)).sum())
    four = bootstrap(lambda at: macro_f1_four(gold[at], probabilities[at]), documents, n=len(gold))
    three = bootstrap(lambda at: macro_f1_three(gold[at], probabilities[at]), documents, n=stated)
    return {"macro_f1_four": four, "macro_f1_three": three}


def score_conditions(answers: Sequence[Answer], statements: Sequence[LabelledStatement]) -> float:
    """Give the token F1 of the conditions alone."""
    spans = [(a.condition.start, a.condition.end) if a.condition else None for a in answers]
    return condition_token_f1([s.text for s in statements], [s.condition for s in statements], spans)


def count_groups(statements: Sequence[LabelledStatement], right: NDArray[np.bool_]) -> tuple[int, int]:
    """
    Count contrast groups, and those of which every statement was answered right.

    A group is a written scenario with several stances: it differs in a clause, and so should the answers.

    Args:
        right: (n_statements,).
    """
    members: dict[str, list[int]] = {}
    for i, statement in enumerate(statements):
        if statement.source == WRITTEN:
            members.setdefault(statement.document, []).append(i)
    groups = [group for group in members.values() if len({statements[i].stance for i in group}) > 1]
    return len(groups), sum(bool(right[group].all()) for group in groups)


def as_text(title: str, evaluation: Evaluation) -> str:
    """Lay an evaluation out for people, in Markdown."""
    lines = [f"### {title}", "", "| figure | value | 95 % interval | statements |", "| --- | --- | --- | --- |"]
    lines += [figure_row(name, figure) for name, figure in evaluation.figures.items()]
    lines += ["", "| stance | precision | recall | F1 |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {p:.3f} | {r:.3f} | {f:.3f} |" for name, (p, r, f) in evaluation.by_stance.items()]
    lines += ["", "| gold \\ answer | " + " | ".join(STANCES) + " |", "| --- |" + " --- |" * len(STANCES)]
    lines += [
        f"| {stance} | " + " | ".join(map(str, row)) + " |"
        for stance, row in zip(STANCES, evaluation.confusion, strict=True)
    ]
    lines += [
        "",
        f"Calibration error (15 bins of equal mass) {evaluation.calibration_error:.3f}.",
        f"Accuracy {evaluation.accuracy:.3f}; {evaluation.accuracy_answered:.3f} on the {evaluation.answered:.1%} "
        "that were not abstained on.",
        "",
    ]
    groups, wholly = evaluation.groups
    if groups:
        lines += [f"Contrast groups wholly right: {wholly} of {groups}.", ""]
    return "\n".join(lines)


def figure_row(name: str, figure: Figure) -> str:
    """Lay one figure out as a row of a Markdown table."""
    return f"| {name} | {figure.value:.3f} | {figure.low:.3f} to {figure.high:.3f} | {figure.n} |"


def _by_stance(table: list[list[int]], i: int) -> tuple[float, float, float]:
    hits, wanted, said = table[i][i], sum(table[i]), sum(row[i] for row in table)
    precision = hits / said if said else 0.0
    recall = hits / wanted if wanted else 0.0
    return precision, recall, 2 * hits / (wanted + said) if wanted + said else 0.0
