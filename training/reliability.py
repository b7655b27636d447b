"""Whether probabilities keep what they say: against a perfect reader, in Brier's parts, and as promises of coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom

from models.conformal import COVERAGES, thresholds_for
from models.stance import STANCES, Stance
from training.calibrate import conformal_thresholds
from training.metrics import calibration_error

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_BINS = 15


@dataclass(frozen=True, slots=True)
class Brier:
    """
    The Brier score over the four outcomes and its parts, each summed over the outcomes.

    Murphy 1973, "A New Vector Partition of the Probability Score", with 15 bins of equal mass; what varies
    within a bin is the rest between `score` and `reliability - resolution + uncertainty`.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Promise:
    """
    What became of a coverage over resamples.

    Attributes:
        stance: on whose statements; None for all together.
        mean: share of the statements whose set held the right stance.
        held: share of the resamples in which that share was not below what a kept promise reaches in 95 of 100.
        n: statements of the stance in the whole set.
    """

    coverage: float
    stance: Stance | None
    mean: float
    held: float
    n: int


def perfect_error(probabilities: Floats, *, draws: int = 1000, seed: int = 0) -> float:
    """
    Give the 95th percentile of the calibration error of a reader whose probabilities (n_statements, 4) are right.

    Labels are drawn from the probabilities themselves: what is left is what chance does to so many statements.
    """
    random = np.random.default_rng(seed)
    steps = probabilities.cumsum(axis=1)
    steps[:, -1] = 1.0
    errors = [
        calibration_error((random.random((len(steps), 1)) > steps).sum(axis=1), probabilities) for _ in range(draws)
    ]
    return float(np.quantile(errors, 0.95))


def brier(gold: Ints, probabilities: Floats) -> Brier:
    """
    Give the Brier score and its parts.

    Args:
        gold: (n_statements,), positions in Stance order.
        probabilities: (n_statements, 4).
    """
    is_so = np.eye(len(STANCES))[gold]
    parts = [_parts(is_so[:, i], probabilities[:, i]) for i in range(len(STANCES))]
    reliability, resolution, uncertainty = (float(sum(values)) for values in zip(*parts, strict=True))
    return Brier(float(((probabilities - is_so) ** 2).sum(axis=1).mean()), reliability, resolution, uncertainty)


def _parts(is_so: Floats, probabilities: Floats) -> tuple[float, float, float]:
    share = is_so.mean()
    reliability = resolution = 0.0
    for part in np.array_split(np.argsort(probabilities, kind="stable"), _BINS):
        if len(part):
            weight, found = len(part) / len(is_so), is_so[part].mean()
            reliability += weight * (probabilities[part].mean() - found) ** 2
            resolution += weight * (found - share) ** 2
    return float(reliability), float(resolution), float(share * (1 - share))


def accuracy_at(gold: Ints, probabilities: Floats, *, kept: float) -> float:
    """Give the accuracy on the share of statements whose highest probability is highest."""
    best = np.argsort(-probabilities.max(axis=1), kind="stable")[: round(kept * len(gold))]
    return float((probabilities[best].argmax(axis=1) == gold[best]).mean())


def check_promises(
    gold: Ints,
    probabilities: Floats,
    documents: Sequence[str],
    *,
    coverages: Sequence[float] = (0.8, 0.9),
    resamples: int = 100,
    seed: int = 0,
) -> list[Promise]:
    """
    Choose thresholds on one half of the documents and count on the other, many times.

    A share that is drawn can fall short of a promise that holds on average: of n statements the number that the
    sets hold is beta-binomial (Angelopoulos and Bates 2023, "Conformal Prediction", sec. 3.2), and its 5th percentile
    is the mark.
    """
    random = np.random.default_rng(seed)
    _, numbers = np.unique(documents, return_inverse=True)
    found: dict[tuple[float, int], list[tuple[float, bool]]] = {}
    for _ in range(resamples):
        chosen = random.permutation(numbers.max() + 1)[: (numbers.max() + 1) // 2]
        is_first = np.isin(numbers, chosen)
        known = conformal_thresholds(probabilities[is_first], gold[is_first])
        for coverage in coverages:
            for key, outcome in _count(gold, probabilities, is_first, coverage, thresholds_for(coverage, known)):
                found.setdefault((coverage, key), []).append(outcome)
    return [
        Promise(
            coverage,
            STANCES[key] if key < len(STANCES) else None,
            float(np.mean([share for share, _ in outcomes])),
            float(np.mean([is_kept for _, is_kept in outcomes])),
            int((gold == key).sum()) if key < len(STANCES) else len(gold),
        )
        for (coverage, key), outcomes in sorted(found.items())
    ]


def _count(
    gold: Ints, probabilities: Floats, is_first: NDArray[np.bool_], coverage: float, thresholds: Floats
) -> list[tuple[int, tuple[float, bool]]]:
    """Count on the second half, by stance and (after the last stance) over all, where each stance gives its part."""
    hits = probabilities[np.arange(len(gold)), gold] >= thresholds[gold]
    outcomes = []
    least_of_all = 0.0
    for i in range(len(STANCES)):
        tested = ~is_first & (gold == i)
        n = int((is_first & (gold == i)).sum())
        rank = int(round((n + 1) * (1 - coverage), 6))
        least = float(betabinom.ppf(0.05, tested.sum(), n + 1 - rank, rank)) if rank and tested.any() else 0.0
        least_of_all += least
        outcomes.append((i, (float(hits[tested].mean()), bool(hits[tested].sum() >= least))))
    tested = ~is_first
    return [*outcomes, (len(STANCES), (float(hits[tested].mean()), bool(hits[tested].sum() >= least_of_all)))]


def as_text(gold: Ints, probabilities: Floats, documents: Sequence[str]) -> str:
    """Lay it all out in Markdown."""
    parts = brier(gold, probabilities)
    error, bound = calibration_error(gold, probabilities), perfect_error(probabilities)
    kept, whole = accuracy_at(gold, probabilities, kept=0.8), accuracy_at(gold, probabilities, kept=1.0)
    lines = [
        f"Calibration error {error:.4f}; a perfectly calibrated reader with these probabilities stays below "
        f"{bound:.4f} in 95 of 100 draws (1,000 draws).",
        f"Brier score {parts.score:.4f} = reliability {parts.reliability:.4f} - resolution {parts.resolution:.4f} + "
        f"uncertainty {parts.uncertainty:.4f}, up to what varies within bins.",
        f"On the surest 80 % {kept:.3f} are right, of all {whole:.3f}: {100 * (kept - whole):+.1f} points.",
        "",
        "| coverage promised | of | found, mean | kept in | statements |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {p.coverage:.0%} | {p.stance or 'all'} | {p.mean:.3f} | {p.held:.0%} of 100 resamples | {p.n} |"
        for p in check_promises(gold, probabilities, documents)
    ]
    return "\n".join(lines) + "\n"


def shipped_promises(gold: Ints, probabilities: Floats, known: dict[Stance, tuple[float, ...]]) -> str:
    """Lay out what a model's own thresholds give on a side that they were not chosen on."""
    lines = [
        "| coverage asked for | right stance possible | answered | answered, but wrong |",
        "| --- | --- | --- | --- |",
    ]
    for coverage in (0.7, 0.8, 0.9, COVERAGES[-5]):
        is_in = probabilities >= thresholds_for(coverage, known)
        best = probabilities.argmax(axis=1)
        answered = (is_in.sum(axis=1) == 1) & is_in[np.arange(len(gold)), best]
        held = is_in[np.arange(len(gold)), gold].mean()
        lines.append(
            f"| {coverage:.0%} | {held:.3f} | {answered.mean():.3f} | {(answered & (best != gold)).mean():.3f} |"
        )
    return "\n".join(lines) + "\n"
