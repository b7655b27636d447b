"""The figures of a batch run's output as a table: a row for each group and period."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from models.stance import STANCES, Stance
from serving.trend.changes import find_changes
from serving.trend.results import read_results
from serving.trend.tally import ALL, Every, Figures, Tally, period_of

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Question:
    """
    What is asked of an output.

    Attributes:
        by: the column of groups, `date` that of dates; `every` None for all times together.
        prefix, encoding: as the batch run had them.
    """

    by: str | None = None
    date: str = "date"
    every: Every | None = None
    prefix: str = ""
    encoding: str = "utf-8"


def tally_results(path: Path, question: Question) -> tuple[list[Figures], Counter[str]]:
    """
    Count an output's rows; beside the figures, how many were left out and why.

    Raises:
        TableError: no output of a batch run, or without a column that is asked for.
    """
    own = f"{question.prefix}stance"
    columns = [name for name in (question.by, question.date if question.every else None) if name]
    tally, left_out = Tally(), Counter[str]()
    for row in read_results(path, prefix=question.prefix, columns=columns, encoding=question.encoding):
        period = period_of(row[question.date], question.every) if question.every else ""
        if not row[own]:
            left_out["not scored"] += 1
        elif period is None:
            left_out[f"{question.date} gives no {question.every}"] += 1
        else:
            group = ALL if question.by is None else str(row[question.by] or "")
            tally.add(group, period, Stance(str(row[own])))
    return tally.figures(), left_out


def records_of(figures: Sequence[Figures]) -> list[dict[str, object]]:
    """Give a flat record for each of the figures; at a `change` another level of the index begins."""
    records = []
    for _, some in groupby(figures, key=lambda each: each.group):
        series = list(some)
        changes = set(find_changes([each.index.value for each in series]))
        records += [_record(each, is_change=number in changes) for number, each in enumerate(series)]
    return records


def _record(figures: Figures, *, is_change: bool) -> dict[str, object]:
    record: dict[str, object] = {"group": figures.group, "period": figures.period, "rows": figures.rows}
    shares = {**{str(stance): figures.shares[stance] for stance in STANCES}, "index": figures.index}
    for name, share in shares.items():
        numbers = (share.value, share.low, share.high)
        record |= dict(zip((name, f"{name}_low", f"{name}_high"), _rounded(numbers), strict=True))
    return {**record, "change": is_change}


def _rounded(numbers: Iterable[float]) -> list[float]:
    return [round(number, _DIGITS) for number in numbers]
