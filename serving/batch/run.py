"""The batch run: read, score and write part by part, and go on where an earlier one was stopped."""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from models.errors import TableError, TextError
from serving.batch.crew import Crew
from serving.batch.journal import Mark, WorkFolder
from serving.batch.order import STDOUT, Plan
from serving.batch.scoring import blocks_ahead, score
from serving.batch.target import Target, put_file
from serving.tables.block import Block
from serving.tables.columns import Verdict


@dataclass(frozen=True, slots=True)
class Summary:
    """
    What a run did.

    Attributes:
        counts: rows by stance, `abstained`, `rejected`, those of an earlier run that it took up included.
        taken_up: rows that an earlier run had done.
    """

    rows: int
    counts: dict[str, int]
    taken_up: int
    seconds: float


class Watcher(Protocol):
    """Someone who is told how a run gets on."""

    def begin(self, rows: int) -> None:
        """Hear how many rows an earlier run had done."""

    def watch(self, rows: int, counts: dict[str, int], share: float | None) -> None:
        """Hear of all rows so far, their counts, and the share of the input that they are."""


def run_batch(plan: Plan, watcher: Watcher) -> Summary:
    """
    Score every row, each in its place.

    Raises:
        TableError: an output that is there already, a run begun otherwise, an input that changes or breaks
            off, or a bad row where the order is strict.
        WorkerError: the workers do not stay alive.
        OSError: the disk is full.
    """
    started = time.monotonic()
    if plan.order.out == STDOUT:
        taken_up, mark = 0, _run_to_stdout(plan, watcher)
    else:
        taken_up, mark = _run_to_file(plan, watcher)
    return Summary(_rows(mark.counts), mark.counts, taken_up, time.monotonic() - started)


def _run_to_file(plan: Plan, watcher: Watcher) -> tuple[int, Mark]:
    target = Target(plan.order.out)
    with WorkFolder(target.work) as work:
        taken = [plan.order.out] * target.exists() + _taken_rejects(plan)
        if not work.take_up(plan.identity, taken=taken, restart=plan.order.restart):
            work.add(plan.table.opening(), b"", Mark())
        taken_up = _rows(work.mark.counts)
        if not work.mark.is_done:
            for part, rejects, mark in _parts(plan, work.mark, watcher):
                work.add(part, rejects, mark)
            work.add(b"", b"", work.mark.model_copy(update={"is_done": True}))
        _put_in_place(plan, work, target)
        return taken_up, work.mark


def _put_in_place(plan: Plan, work: WorkFolder, target: Target) -> None:
    """Do what may have been done in part before: each step leaves nothing behind to do it again with."""
    if plan.order.rejects and work.rejects.exists():
        put_file(work.rejects, plan.order.rejects)
    if work.spool.exists():
        target.put(plan.table.finish(work.spool))
    work.remove()


def _run_to_stdout(plan: Plan, watcher: Watcher) -> Mark:
    out = sys.stdout.buffer
    mark = Mark()
    rejects = plan.order.rejects
    if _taken_rejects(plan) and not plan.order.restart:
        raise TableError(f"{rejects} is already there. --restart replaces it")
    neighbour = rejects.with_name(rejects.name + ".part") if rejects else Path("/dev/null")
    with neighbour.open("wb") as rejected:
        out.write(plan.table.opening())
        for part, refused, reached in _parts(plan, mark, watcher):
            out.write(part)
            out.flush()
            rejected.write(refused)
            mark = reached
    if rejects:
        put_file(neighbour, rejects)
    return mark


def _taken_rejects(plan: Plan) -> list[str]:
    rejects = plan.order.rejects
    return [str(rejects)] if rejects and rejects.exists() else []


def _parts(plan: Plan, mark: Mark, watcher: Watcher) -> Iterator[tuple[bytes, bytes, Mark]]:
    """Give what is to be written, part by part from a mark on, each with the mark after it."""
    numbers = {place.name: number for number, place in enumerate(plan.places)}
    workers, shares = plan.order.workers, _Shares([stamp.size for stamp in plan.stamps])
    counts = Counter(mark.counts)
    watcher.begin(_rows(counts))
    with Crew(plan.order.model, plan.model_sum, workers, coverage=plan.order.coverage) as crew:
        scored = score(_blocks(plan, mark), crew, ahead=blocks_ahead(workers, plan.part_rows))
        for block, verdicts in scored:
            rejects = _rejects(plan, block, verdicts)
            counts.update(count_verdicts(verdicts))
            number = numbers[block.place]
            reached = Mark(file=number, row=block.first + len(verdicts) - 1, counts=dict(counts))
            yield plan.table.encode(block, verdicts), rejects, reached
            watcher.watch(_rows(counts), reached.counts, shares.of(number, block.share))


def _blocks(plan: Plan, mark: Mark) -> Iterator[Block[Any]]:
    for number, (place, stamp) in enumerate(zip(plan.places, plan.stamps, strict=True)):
        if number < mark.file:
            continue
        yield from plan.table.blocks(place, skip=mark.row if number == mark.file else 0, size=plan.part_rows)
        if place.stamp() != stamp:
            raise TableError(f"{place.name} was changed while it was read")


def _rejects(plan: Plan, block: Block[Any], verdicts: Sequence[Verdict]) -> bytes:
    """
    Give the rows that were not scored, as JSONL.

    Raises:
        TableError: there is one, and the order is strict.
    """
    records = []
    for position, verdict in enumerate(verdicts):
        if not isinstance(verdict, TextError):
            continue
        row = block.first + position
        if plan.order.strict:
            raise TableError(f"{block.place}: row {row}: {verdict.code}: {verdict.detail}; --strict stops here")
        reason = {"file": block.place, "row": row, "code": verdict.code, "reason": verdict.detail}
        records.append({**reason, "as_read": plan.table.as_read(block, position)})
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def count_verdicts(verdicts: Sequence[Verdict]) -> Counter[str]:
    """Count rows by stance or as rejected; the abstained are counted once more."""
    kinds = ["rejected" if isinstance(each, TextError) else str(each.stance) for each in verdicts]
    abstained = sum(not isinstance(each, TextError) and each.abstained is not None for each in verdicts)
    return Counter(kinds) + Counter(abstained=abstained)


def _rows(counts: dict[str, int]) -> int:
    return sum(counts.values()) - counts.get("abstained", 0)


class _Shares:
    """How much of all inputs lies before a point of one of them, by size."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes

    def of(self, number: int, share: float | None) -> float | None:
        total = sum(self._sizes)
        if share is None or not total:
            return None
        return (sum(self._sizes[:number]) + share * self._sizes[number]) / total
