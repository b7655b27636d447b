"""Champion and challenger on one evaluation set -> promote, or the reasons against; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.errors import DataError
from models.stance import STANCES, Stance
from training.metrics import calibration_error
from training.paired import holm, lower_bound, macro_f1_draws, mcnemar_p, worse_p

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_CONDITIONAL = STANCES.index(Stance.CONDITIONAL)


class GateRules(BaseModel):
    """
    What a challenger has to reach.

    Attributes:
        mode: "superiority" asks for proof that it is better; "refresh" that it is not worse than by `margin`.
        alpha: of every one-sided test; over slices and suites after Holm, against the anchor shared over the looks.
        fewest: statements of the evaluation set; `fewest_in_slice` those of a slice that is tested.
        calibration_margin: by how much the calibration error may rise.
        conditional_recall: floor of the recall of *conditional*.
        most_bytes, most_milliseconds: of the model folder, and of one answer on the machine of the job.
        draws: of the bootstrap.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["superiority", "refresh"]
    margin: Annotated[float, Field(ge=0)]
    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    fewest: Annotated[int, Field(ge=1)]
    fewest_in_slice: Annotated[int, Field(ge=1)]
    calibration_margin: Annotated[float, Field(ge=0)]
    conditional_recall: Annotated[float, Field(ge=0, le=1)]
    most_bytes: Annotated[int, Field(ge=1)]
    most_milliseconds: Annotated[float, Field(gt=0)]
    draws: Annotated[int, Field(ge=200)]
    seed: int


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """
    What both models answered.

    Attributes:
        name: what it is made of, for people.
        gold: (n_statements,), positions in Stance order.
        documents: (n_statements,), numbers from 0 without a gap.
        slices: name -> (n_statements,), which statements belong to it.
        looks: how often challengers were judged by this set, this time included.
    """

    name: str
    gold: Ints
    documents: Ints
    slices: Mapping[str, Bools]
    looks: int = 1


@dataclass(frozen=True, slots=True)
class Contestant:
    """
    One model's part.

    Attributes:
        probabilities: (n_statements, 4), in Stance order.
        suites: name -> (n_cases,), which written cases it gets right; the same cases for both models.
    """

    probabilities: Floats
    suites: Mapping[str, Bools]
    n_bytes: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of the gate: the figure that was found, the bound that it has to keep, and what it rests on."""

    name: str
    value: float
    bound: str
    n: int
    passed: bool
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What the gate says.

    Attributes:
        falls: slices and suites on which the challenger has fewer right, though not significantly.
    """

    mode: str
    evaluation_set: str
    n: int
    looks: int
    checks: tuple[Check, ...]
    falls: tuple[str, ...] = field(default=())

    @property
    def promote(self) -> bool:
        """Claim that every check was passed."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> list[str]:
        """Give what speaks against the challenger."""
        return [f"{c.name}: {c.value:.4f}, needs {c.bound} (n = {c.n})" for c in self.checks if not c.passed]


def judge(
    on: EvaluationSet, champion: Contestant, challenger: Contestant, anchor: Contestant | None, rules: GateRules
) -> Verdict:
    """
    Hold a challenger against the champion, and against the anchor where there is one.

    Raises:
        DataError: fewer statements than the rules ask for, or suites of different cases.
    """
    n = len(on.gold)
    if n < rules.fewest:
        raise DataError(f"{on.name}: {n} statements to judge by; the rules ask for {rules.fewest}")
    compared, falls = _compare_parts(on, champion, challenger, rules)
    checks = [*_compare_wholes(on, champion, challenger, rules)]
    if anchor:
        # The same set is asked each time: the looks share one alpha, or twelve small losses would pass.
        alpha = rules.alpha / max(on.looks, 1)
        differences = _differences(on, anchor, challenger, rules)
        bound = lower_bound(differences, alpha=alpha)
        beside = f"difference {differences[0]:+.4f}, alpha {alpha:.4f}"
        checks.append(Check("anchor, lower bound", bound, f"above {-rules.margin:g}", n, bound > -rules.margin, beside))
    checks += [compared, *_absolute(on, champion, challenger, rules)]
    return Verdict(rules.mode, on.name, n, on.looks, tuple(checks), tuple(falls))


def _differences(on: EvaluationSet, old: Contestant, new: Contestant, rules: GateRules) -> Floats:
    values = [
        macro_f1_draws(on.gold, one.probabilities.argmax(axis=1), on.documents, draws=rules.draws, seed=rules.seed)
        for one in (old, new)
    ]
    return values[1] - values[0]


def _compare_wholes(
    on: EvaluationSet, champion: Contestant, challenger: Contestant, rules: GateRules
) -> Iterator[Check]:
    differences = _differences(on, champion, challenger, rules)
    bound = lower_bound(differences, alpha=rules.alpha)
    floor = 0.0 if rules.mode == "superiority" else -rules.margin
    right = [one.probabilities.argmax(axis=1) == on.gold for one in (champion, challenger)]
    beside = f"difference {differences[0]:+.4f}, McNemar p = {mcnemar_p(*right):.4f}"
    yield Check("macro-F1, lower bound", bound, f"above {floor:g}", len(on.gold), bound > floor, beside)
    if rules.mode == "refresh":
        estimate = float(differences[0])
        yield Check("macro-F1, difference", estimate, "at least 0", len(on.gold), estimate >= 0)


def _compare_parts(
    on: EvaluationSet, champion: Contestant, challenger: Contestant, rules: GateRules
) -> tuple[Check, list[str]]:
    """Test every slice and suite, Holm over all together; beside the check, name the falls that are no more."""
    parts = [*_slices(on, champion, challenger, rules), *_suites(champion, challenger)]
    adjusted = holm([p for _, p, _, _ in parts])
    worst = min(adjusted, default=1.0)
    significant = [name for (name, _, _, _), p in zip(parts, adjusted, strict=True) if p <= rules.alpha]
    falls = [
        f"{name}: {fall:+.3f} of {n}, p = {p:.3f} after Holm"
        for (name, _, fall, n), p in zip(parts, adjusted, strict=True)
        if fall < 0 and p > rules.alpha
    ]
    beside = f"{len(parts)} tested" + (f"; worse: {', '.join(significant)}" if significant else "")
    bound = f"above {rules.alpha:g}"
    return Check("slices and suites, least p", worst, bound, len(on.gold), not significant, beside), falls


def _slices(
    on: EvaluationSet, champion: Contestant, challenger: Contestant, rules: GateRules
) -> Iterator[tuple[str, float, float, int]]:
    old, new = (one.probabilities.argmax(axis=1) == on.gold for one in (champion, challenger))
    for name, members in on.slices.items():
        n = int(members.sum())
        if n >= rules.fewest_in_slice:
            _, documents = np.unique(on.documents[members], return_inverse=True)
            fall = float(new[members].mean() - old[members].mean())
            yield name, worse_p(old[members], new[members], documents), fall, n


def _suites(champion: Contestant, challenger: Contestant) -> Iterator[tuple[str, float, float, int]]:
    for name, old in champion.suites.items():
        new = challenger.suites.get(name)
        if new is None or len(new) != len(old):
            raise DataError(f"suite {name}: both models must be asked the same {len(old)} cases")
        fall = float(new.mean() - old.mean())
        yield f"suite {name}", worse_p(old, new, np.arange(len(old))), fall, len(old)


def _absolute(on: EvaluationSet, champion: Contestant, challenger: Contestant, rules: GateRules) -> Iterator[Check]:
    n = len(on.gold)
    errors = [calibration_error(on.gold, one.probabilities) for one in (champion, challenger)]
    rise = errors[1] - errors[0]
    beside = f"{errors[0]:.4f} -> {errors[1]:.4f}"
    bound = f"at most {rules.calibration_margin:g}"
    yield Check("calibration error, rise", rise, bound, n, rise <= rules.calibration_margin, beside)
    conditional = on.gold == _CONDITIONAL
    hits = challenger.probabilities[conditional].argmax(axis=1) == _CONDITIONAL
    recall = float(hits.mean()) if len(hits) else 0.0
    floor = rules.conditional_recall
    yield Check("recall of conditional", recall, f"at least {floor:g}", len(hits), recall >= floor)
    size, time = challenger.n_bytes, challenger.milliseconds
    yield Check("size in bytes", size, f"at most {rules.most_bytes}", 1, size <= rules.most_bytes)
    limit = rules.most_milliseconds
    yield Check("milliseconds an answer", time, f"at most {limit:g}", n, time <= limit)
