"""All that the page of a batch run shows, gathered in one reading of its output."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path

from models.stance import STANCES, Stance
from serving.trend.results import Record, read_results
from serving.trend.tally import ALL, Every, Tally, period_of

BINS = 10
# Conditions are counted exactly until there are so many different ones; then those seen once give way.
_MOST_CONDITIONS = 100_000
_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Example:
    """A statement with the probability of its stance."""

    probability: float
    text: str
    speaker: str


@dataclass(slots=True)
class Findings:
    """
    What an output holds.

    Attributes:
        by_period, by_speaker: counts of stances; empty where no such column was named.
        undated: scored rows of which the date could not be read.
        examples: the most confident statement of each stance.
        histograms: of each stance's probability over all scored rows, in ten equal bins from 0 to 1.
    """

    stances: Counter[Stance] = field(default_factory=Counter)
    rejected: int = 0
    abstained: int = 0
    undated: int = 0
    by_period: Tally = field(default_factory=Tally)
    by_speaker: Tally = field(default_factory=Tally)
    examples: dict[Stance, Example] = field(default_factory=dict)
    conditions: Counter[str] = field(default_factory=Counter)
    histograms: dict[Stance, list[int]] = field(default_factory=lambda: {stance: [0] * BINS for stance in STANCES})


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns: of the statements, of dates and speakers where there are any, and what ours begin with."""

    text: str
    date: str | None
    speaker: str | None
    prefix: str
    encoding: str


def gather(path: Path, columns: Columns, every: Every) -> Findings:
    """
    Read an output.

    Raises:
        TableError: it has not the columns that are named.
    """
    own = [f"{columns.prefix}{name}" for name in ("abstained", "condition", *(f"p_{each}" for each in STANCES))]
    named = [name for name in (columns.text, columns.date, columns.speaker) if name]
    findings = Findings()
    for row in read_results(path, prefix=columns.prefix, columns=[*named, *own], encoding=columns.encoding):
        if row[f"{columns.prefix}stance"]:
            _add(findings, row, columns, every)
        else:
            findings.rejected += 1
    return findings


def _add(findings: Findings, row: Record, columns: Columns, every: Every) -> None:
    prefix = columns.prefix
    stance = Stance(str(row[f"{prefix}stance"]))
    speaker = str(row[columns.speaker] or "") if columns.speaker else ""
    findings.stances[stance] += 1
    findings.abstained += bool(row[f"{prefix}abstained"])
    if columns.speaker:
        findings.by_speaker.add(speaker, "", stance)
    if columns.date:
        period = period_of(row[columns.date], every)
        findings.undated += period is None
        if period:
            findings.by_period.add(ALL, period, stance)
    probabilities = {each: float(str(row[f"{prefix}p_{each}"])) for each in STANCES}
    for each, probability in probabilities.items():
        findings.histograms[each][min(BINS - 1, int(probability * BINS))] += 1
    best = findings.examples.get(stance)
    if best is None or probabilities[stance] > best.probability:
        findings.examples[stance] = Example(probabilities[stance], str(row[columns.text]), speaker)
    if condition := row[f"{prefix}condition"]:
        _count_condition(findings.conditions, str(condition))


def _count_condition(conditions: Counter[str], condition: str) -> None:
    conditions[" ".join(condition.split()).casefold()] += 1
    if len(conditions) > _MOST_CONDITIONS:
        for rare in [each for each, count in conditions.items() if count == 1]:
            del conditions[rare]


def stability_index(
    reference: Mapping[Stance, Sequence[int]], found: Mapping[Stance, Sequence[int]]
) -> dict[Stance, float]:
    """
    Give the population stability index of each stance's probabilities.

    Below 0.1 is usually read as no shift, from 0.25 on as a great one.
    """
    return {stance: _psi(reference[stance], found[stance]) for stance in STANCES if sum(reference.get(stance, ()))}


def _psi(reference: Sequence[int], found: Sequence[int]) -> float:
    pairs = zip(_shares(reference), _shares(found), strict=True)
    return sum((its - mine) * log(its / mine) for mine, its in pairs)


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(1, sum(counts))
    return [max(count / total, _FLOOR) for count in counts]
