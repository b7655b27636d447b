"""How much at once, and whose turn it is: statements are counted, keys take turns, work given up is not begun."""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter

from models.stance import Answer
from serving.metrics import Metrics
from serving.problems import RequestFault

# The service's own question to itself: it takes its turn as a key would, and nobody's share.
PROBE = ""
# One statement's work, a window at a step: None after each but the last, then the answer.
Score = Callable[[str], Iterator[Answer | None]]
# The newest measurement's weight in the mean time a statement takes.
_NEWEST = 0.1


class Turns:
    """
    Whose turn it is: start-time fair queueing (Goyal, Vin, Cheng 1996), each turn of the same weight.

    One that comes back does so with the turns that it has had, so that coming often gains nothing; one that was long
    away comes next.
    """

    def __init__(self) -> None:
        self._now = 0
        self._due: dict[str, int] = {}
        self._waiting: dict[str, None] = {}

    def join(self, name: str) -> None:
        """Begin to wait; nothing changes for one that waits already."""
        if name not in self._waiting:
            self._due[name] = max(self._now, self._due.get(name, 0))
            self._waiting[name] = None

    def leave(self, name: str) -> None:
        """Wait no longer."""
        self._waiting.pop(name, None)

    def take(self) -> str:
        """Give the turn to the one whose turn is due, among equals to the one that joined last."""
        name = min(reversed(self._waiting), key=self._due.__getitem__)
        self._now = self._due[name]
        self._due[name] += 1
        return name


@dataclass(eq=False, slots=True)
class _Job:
    who: str
    score: Score
    texts: Sequence[str]
    done: asyncio.Future[list[Answer]]
    answers: list[Answer] = field(default_factory=list)
    steps: Iterator[Answer | None] | None = None
    seconds: float = 0

    def step(self) -> Answer | None:
        """Do the next slice of the statement that is in hand, and give its answer where that was the last."""
        if self.steps is None:
            self.steps = self.score(self.texts[len(self.answers)])
        answer = next(self.steps)
        if answer:
            self.steps = None
        return answer


class Desk:
    """
    Scores statements on one thread, one after the other, in fair turns of one window.

    Args:
        bound: statements that may wait. Where several keys wait, each may fill its equal share, and in any case hold
            one whole request of `request_statements`: a key that floods the service does not shut others out.
        queue_seconds: a request is refused where what its key has waiting would, at the measured rate, take longer.
    """

    def __init__(self, metrics: Metrics, *, bound: int, request_statements: int, queue_seconds: float) -> None:
        self._metrics = metrics
        self._bound = bound
        self._request_statements = request_statements
        self._queue_seconds = queue_seconds
        self._jobs: dict[str, list[_Job]] = {}
        self._turns = Turns()
        self._is_eldest_next = False
        # Until it is measured: so short that the bound alone decides.
        self._seconds = 0.005
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="score")

    def waiting(self, who: str | None = None) -> int:
        """Count the statements that wait, of one key or of all."""
        jobs = self._jobs.get(who, []) if who is not None else [job for jobs in self._jobs.values() for job in jobs]
        return sum(len(job.texts) - len(job.answers) for job in jobs)

    def admit(self, who: str, count: int) -> None:
        """
        Refuse a request for which there is no room.

        Raises:
            RequestFault: 429, with the time after which there should be room.
        """
        sharers = len((self._jobs.keys() | {who}) - {PROBE})
        share = max(self._bound // sharers, self._request_statements)
        # Statements that may wait already when one more comes: as many as are read in time.
        ahead = max(1, int(self._queue_seconds / (self._seconds * sharers)))
        waiting = self.waiting(who)
        over = max(waiting + count - share, waiting - ahead + 1)
        if over > 0:
            self._metrics.shed.labels("full").inc(count)
            wait = max(1, math.ceil(over * self._seconds * sharers))
            limit = min(share, ahead)
            detail = f"{waiting} of this key's statements wait, and {limit} may; come back in {wait} s"
            headers = {"Retry-After": str(wait)}
            raise RequestFault(HTTPStatus.TOO_MANY_REQUESTS, detail, limit=limit, headers=headers)

    @contextmanager
    def place(self, who: str, texts: Sequence[str], score: Score) -> Iterator[asyncio.Future[list[Answer]]]:
        """Take statements in; on leaving, what has not been begun of them never is."""
        job = _Job(who, score, texts, asyncio.get_running_loop().create_future())
        self._jobs.setdefault(who, []).append(job)
        self._turns.join(who)
        self._arrived.set()
        self._metrics.queue.set(self.waiting())
        try:
            yield job.done
        finally:
            self._remove(job)

    async def work(self) -> None:
        """Score what waits, for ever."""
        while True:
            await self._arrived.wait()
            if not self._jobs:
                self._arrived.clear()
                continue
            await self._take_turn()

    def close(self) -> None:
        """Let the thread end after the statement in hand."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _take_turn(self) -> None:
        job = self._next()
        begun = perf_counter()
        scored = asyncio.get_running_loop().run_in_executor(self._thread, job.step)
        await asyncio.wait([scored])
        job.seconds += perf_counter() - begun
        if job.done.done():
            scored.exception()
        elif error := scored.exception():
            job.done.set_exception(error)
            self._remove(job)
        elif answer := scored.result():
            self._finish(job, answer)

    def _finish(self, job: _Job, answer: Answer) -> None:
        """Take a statement's answer in, and its time into the mean by which Retry-After is reckoned."""
        self._seconds += _NEWEST * (job.seconds - self._seconds)
        job.seconds = 0
        job.answers.append(answer)
        if len(job.answers) == len(job.texts):
            job.done.set_result(job.answers)
            self._remove(job)

    def _next(self) -> _Job:
        # Within a key the least answered comes next, so that a short request need not wait for long ones; every
        # other turn is the eldest's, so that short ones cannot keep a long one waiting for ever.
        jobs = self._jobs[self._turns.take()]
        self._is_eldest_next = not self._is_eldest_next
        return jobs[0] if self._is_eldest_next else min(jobs, key=lambda job: len(job.answers))

    def _remove(self, job: _Job) -> None:
        job.done.cancel()
        jobs = self._jobs.get(job.who, [])
        if job not in jobs:
            return
        jobs.remove(job)
        if not jobs:
            del self._jobs[job.who]
            self._turns.leave(job.who)
        self._metrics.queue.set(self.waiting())
