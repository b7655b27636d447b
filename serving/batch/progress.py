"""How a run gets on, on stderr: a bar on a terminal, else a line every 30 seconds; at the end a summary."""

import sys
import time
from types import TracebackType

from tqdm import tqdm

from models.stance import STANCES
from serving.batch.order import Order
from serving.batch.run import Summary

_SECONDS_A_LINE = 30.0


class Progress:
    """A bar or lines; `watch` is told of every part."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._started = self._shown = time.monotonic()
        self._bar: tqdm | None = None  # type: ignore[type-arg]
        self._before: int | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def begin(self, rows: int) -> None:
        """Begin at the rows that an earlier run had done."""
        self._before = rows
        if not self._is_quiet and sys.stderr.isatty():
            self._bar = tqdm(initial=rows, unit=" rows", file=sys.stderr, dynamic_ncols=True)

    def watch(self, rows: int, counts: dict[str, int], share: float | None) -> None:
        """Show rows, rows a second, the time that is left, and the counts."""
        if self._bar is not None:
            self._bar.total = round(rows / share) if share else None
            self._bar.set_postfix_str(_short(counts), refresh=False)
            self._bar.update(rows - self._bar.n)
        elif not self._is_quiet and time.monotonic() - self._shown >= _SECONDS_A_LINE:
            self._shown = time.monotonic()
            _say(self._line(rows, counts, share))

    def _line(self, rows: int, counts: dict[str, int], share: float | None) -> str:
        seconds = time.monotonic() - self._started
        total = round(rows / share) if share else 0
        initial = self._before or 0
        return tqdm.format_meter(rows, total, seconds, unit=" rows", initial=initial, postfix=_short(counts), ncols=0)


def show_summary(summary: Summary, order: Order) -> None:
    """Say what was done and where things are."""
    counts = summary.counts
    before = f", {summary.taken_up:,} of them by an earlier run" if summary.taken_up else ""
    _say(f"{summary.rows:,} rows{before}, in {tqdm.format_interval(round(summary.seconds))}")
    for name in (*map(str, STANCES), "abstained", "rejected"):
        _say(f"  {name:13}{counts.get(name, 0):>12,}")
    _say(f"written to {'stdout' if order.out == '-' else order.out}")
    if counts.get("rejected"):
        where = order.rejects or "the error column has the reasons"
        _say(f"rejects: {where}")


def _short(counts: dict[str, int]) -> str:
    return " ".join(f"{name} {count:,}" for name, count in sorted(counts.items()) if count)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
