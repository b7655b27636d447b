"""Counts of stances by group and period, and the figures that they give; pure."""

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from scipy.stats import binomtest, norm

from models.stance import STANCES, Stance

_ISO = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
LEVEL = 0.95
ALL = "all"


class Every(StrEnum):
    """How long a period is."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Share:
    """A share between 0 and 1 (an index: between -1 and 1) with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What the rows of one group in one period say.

    Attributes:
        period: as 1962, 1962-Q4, 1962-10 or 1962-10-16; empty where no dates were asked for.
        shares: of each stance, with Wilson intervals.
        index: share conciliatory minus share hostile.
    """

    group: str
    period: str
    rows: int
    shares: dict[Stance, Share]
    index: Share


def period_of(value: object, every: Every) -> str | None:
    """Give the period of a date, a time, or a string that begins as ISO 8601; None where it has none."""
    text = value.isoformat() if isinstance(value, date | datetime) else str(value or "").strip()
    found = _ISO.match(text)
    if not found:
        return None
    year, month, day = found.groups()
    match every:
        case Every.YEAR:
            return year
        case Every.QUARTER:
            return f"{year}-Q{(int(month) + 2) // 3}" if month else None
        case Every.MONTH:
            return f"{year}-{month}" if month else None
        case Every.DAY:
            return f"{year}-{month}-{day}" if day else None


class Tally:
    """Counts of stances by group and period."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], Counter[Stance]] = defaultdict(Counter)

    def add(self, group: str, period: str, stance: Stance) -> None:
        """Count a row."""
        self.counts[group, period][stance] += 1

    def figures(self) -> list[Figures]:
        """Give the figures by group, then by period."""
        return [figures_of(group, period, counts) for (group, period), counts in sorted(self.counts.items())]


def figures_of(group: str, period: str, counts: Counter[Stance]) -> Figures:
    """Give the figures of some counts, at least one row."""
    rows = counts.total()
    shares = {stance: wilson(counts[stance], rows) for stance in STANCES}
    index = index_of(counts[Stance.CONCILIATORY], counts[Stance.HOSTILE], rows)
    return Figures(group, period, rows, shares, index)


def wilson(count: int, rows: int) -> Share:
    """Give a share with its Wilson interval."""
    interval = binomtest(count, rows).proportion_ci(LEVEL, method="wilson")
    return Share(count / rows, float(interval.low), float(interval.high))


def index_of(conciliatory: int, hostile: int, rows: int) -> Share:
    """
    Give share conciliatory minus share hostile.

    Both are shares of one sample, as the two kinds of discordant pairs are: the interval is that of
    Agresti and Min (2005), "Simple improved confidence intervals for comparing matched proportions".
    """
    z = float(norm.ppf((1 + LEVEL) / 2))
    first, second = (conciliatory + 0.5) / (rows + 2), (hostile + 0.5) / (rows + 2)
    middle = first - second
    reach = z * math.sqrt((first + second - middle * middle) / (rows + 2))
    return Share((conciliatory - hostile) / rows, max(-1.0, middle - reach), min(1.0, middle + reach))
