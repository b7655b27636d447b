"""Gold and predictions -> figures, with intervals where documents were drawn; pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from models.stance import LEANINGS, STANCES

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Span = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its 95 % interval and the number of statements that it rests on."""

    value: float
    low: float
    high: float
    n: int


def macro_f1_four(gold: Ints, probabilities: Floats) -> float:
    """
    Give the macro-F1 over the four outcomes.

    Args:
        gold: (n_statements,), positions in Stance order.
        probabilities: (n_statements, 4).
    """
    return _macro_f1(gold, probabilities.argmax(axis=1), len(STANCES))


def macro_f1_three(gold: Ints, probabilities: Floats) -> float:
    """Give the macro-F1 of the leaning over the three stances, on statements whose gold is one of them."""
    stated = gold < len(LEANINGS)
    return _macro_f1(gold[stated], probabilities[stated, : len(LEANINGS)].argmax(axis=1), len(LEANINGS))


def bootstrap(
    measure: Callable[[Ints], float], documents: Sequence[str], *, n: int, seed: int = 0, draws: int = 1000
) -> Figure:
    """
    Give a measure with its percentile interval over documents drawn with replacement.

    Documents, not statements: statements of one speech err together (Efron and Tibshirani 1993, ch. 13).

    Args:
        measure: positions of statements -> value.
        documents: for each statement its document.
        n: the statements that the measure rests on.
    """
    members: dict[str, list[int]] = {}
    for i, document in enumerate(documents):
        members.setdefault(document, []).append(i)
    groups = [np.array(group) for group in members.values()]
    random = np.random.default_rng(seed)
    values = [
        measure(np.concatenate([groups[g] for g in random.integers(len(groups), size=len(groups))]))
        for _ in range(draws)
    ]
    # A draw of documents that hold no stance has no F1 over the stances: it says nothing, and is left out.
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Figure(measure(np.arange(len(documents))), float(low), float(high), n)


def calibration_error(gold: Ints, probabilities: Floats, *, bins: int = 15) -> float:
    """Give the expected calibration error of the top probability over bins of equal mass (Nguyen and O'Connor 2015)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    gaps = [len(part) * abs(confidence[part].mean() - right[part].mean()) for part in parts if len(part)]
    return float(sum(gaps) / len(gold))


def confusion(gold: Ints, predicted: Ints) -> list[list[int]]:
    """Count statements by gold (rows) and prediction (columns), both in Stance order."""
    table = np.zeros((len(STANCES), len(STANCES)), dtype=int)
    np.add.at(table, (gold, predicted), 1)
    return [[int(count) for count in row] for row in table]


def condition_token_f1(texts: Sequence[str], gold: Sequence[Span], predicted: Sequence[Span]) -> float:
    """
    Give the F1 of words marked as condition, counted over all statements together.

    A word (a run of letters and digits) is marked when the span touches it, so a condition found where
    none is costs as many words as it has.
    """
    both = marked = wanted = 0
    for text, gold_span, predicted_span in zip(texts, gold, predicted, strict=True):
        gold_words, predicted_words = _words_in(text, gold_span), _words_in(text, predicted_span)
        both += len(gold_words & predicted_words)
        wanted += len(gold_words)
        marked += len(predicted_words)
    return 2 * both / (wanted + marked) if wanted + marked else 1.0


def condition_exact(texts: Sequence[str], gold: Sequence[Span], predicted: Sequence[Span]) -> float:
    """Give the share of gold conditions whose very words were marked; 1 where there is no gold condition."""
    wanted = [i for i, span in enumerate(gold) if span]
    hits = sum(_words_in(texts[i], gold[i]) == _words_in(texts[i], predicted[i]) for i in wanted)
    return hits / len(wanted) if wanted else 1.0


def _macro_f1(gold: Ints, predicted: Ints, classes: int) -> float:
    if not len(gold):
        return float("nan")
    return float(f1_score(gold, predicted, labels=list(range(classes)), average="macro", zero_division=0))


def _words_in(text: str, span: Span) -> set[int]:
    if span is None:
        return set()
    start, end = span
    return {word.start() for word in re.finditer(r"\w+", text) if word.start() < end and start < word.end()}
