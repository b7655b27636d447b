"""Worker processes that score texts; one that dies is replaced, and its texts are done again."""

import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType

from models.classifier import StanceClassifier
from models.errors import TextError, WorkerError
from serving.tables.columns import Verdict

# The second chunk waits in the pipe, so that a worker need not wait for us.
IN_HAND = 2
_DEATHS_OF_A_TEXT = 3
_DEATHS_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    Texts that a worker scores at a go.

    Attributes:
        block: number of the block that they are from.
        deaths: how many workers died over just these.
    """

    block: int
    texts: tuple[str, ...]
    deaths: int = 0


Done = tuple[Chunk, list[Verdict]]


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    in_hand: deque[Chunk] = field(default_factory=deque)


class Crew:
    """
    So many processes, each with a model of its own on one thread.

    A text at which three workers died gets a TextError, and the others around it are scored.
    """

    def __init__(self, folder: Path, manifest_sum: str, size: int, *, coverage: float | None = None) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._model = (folder, manifest_sum, coverage)
        self._waiting: deque[Chunk] = deque()
        self._deaths_in_a_row = 0
        self._workers = [self._start() for _ in range(size)]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
            worker.process.join()

    def pids(self) -> list[int]:
        """Name the processes."""
        return [worker.process.pid for worker in self._workers if worker.process.pid]

    def give(self, chunk: Chunk) -> None:
        """Have a chunk scored after those that were given before."""
        self._waiting.append(chunk)
        self._hand_out()

    def take(self) -> list[Done]:
        """
        Wait until a chunk is done, or a worker is dead and replaced.

        Raises:
            WorkerError: workers die and none of them answers.
        """
        ready = wait([worker.pipe for worker in self._workers])
        done = [each for worker in list(self._workers) if worker.pipe in ready for each in self._hear(worker)]
        self._hand_out()
        return done

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, *self._model), daemon=True)
        process.start()
        # With only the worker holding its end, its death ends the pipe; and ours ends the worker's.
        theirs.close()
        return _Worker(process, ours)

    def _hand_out(self) -> None:
        for _ in range(IN_HAND):
            for worker in list(self._workers):
                if self._waiting and len(worker.in_hand) < IN_HAND:
                    self._send(worker, self._waiting.popleft())

    def _send(self, worker: _Worker, chunk: Chunk) -> None:
        try:
            worker.pipe.send(chunk.texts)
            worker.in_hand.append(chunk)
        except OSError:  # it is dead, which `take` will hear
            self._waiting.appendleft(chunk)

    def _hear(self, worker: _Worker) -> Iterator[Done]:
        try:
            answers = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._bury(worker)
            return
        self._deaths_in_a_row = 0
        yield worker.in_hand.popleft(), answers

    def _bury(self, worker: _Worker) -> Iterator[Done]:
        worker.pipe.close()
        worker.process.join()
        self._deaths_in_a_row += 1
        if self._deaths_in_a_row >= _DEATHS_IN_A_ROW * len(self._workers):
            code = worker.process.exitcode
            raise WorkerError(f"{self._deaths_in_a_row} workers died in a row, the last with exit code {code}")
        self._workers[self._workers.index(worker)] = self._start()
        suspects, *others = worker.in_hand or [Chunk(0, ())]
        self._waiting.extendleft(reversed(others))
        for text in reversed(suspects.texts):
            chunk = replace(suspects, texts=(text,), deaths=suspects.deaths + 1)
            if chunk.deaths < _DEATHS_OF_A_TEXT:
                self._waiting.appendleft(chunk)
            else:
                yield chunk, [TextError("worker_died", f"{chunk.deaths} workers died over this text")]


def _work(pipe: Connection, folder: Path, manifest_sum: str, coverage: float | None) -> None:
    """Score what comes through the pipe until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    classifier = StanceClassifier.load(folder, coverage=coverage)
    if classifier.manifest_sum != manifest_sum:
        sys.exit(f"error: {folder} was replaced while it was being used")
    try:
        while True:
            pipe.send(classifier.classify(pipe.recv()))
    except (EOFError, OSError):
        return
