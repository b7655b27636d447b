"""Whose turn it is, how much may wait, and what is never begun."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import pytest

from models.stance import STANCES, Answer, Stance
from serving.admission import Desk, Turns
from serving.metrics import Metrics
from serving.problems import RequestFault

ANSWER = Answer(Stance.NONE, Stance.HOSTILE, dict.fromkeys(STANCES, 0.25), None, None, None, truncated=False)


class _Slow:
    """Scores a statement in some steps of some milliseconds each, and remembers each."""

    def __init__(self, milliseconds: float = 2, *, steps: int = 1) -> None:
        self.scored: list[str] = []
        self._seconds = milliseconds / 1000
        self._steps = steps

    def __call__(self, text: str) -> Iterator[Answer | None]:
        for step in range(1, self._steps + 1):
            time.sleep(self._seconds)
            self.scored.append(text)
            yield ANSWER if step == self._steps else None


def _run(scene: Callable[[Desk], Awaitable[None]], *, bound: int = 96, queue_seconds: float = 60) -> None:
    async def run() -> None:
        desk = Desk(Metrics(), bound=bound, request_statements=64, queue_seconds=queue_seconds)
        work = asyncio.create_task(desk.work())
        await scene(desk)
        work.cancel()
        desk.close()

    asyncio.run(run())


async def _ask(desk: Desk, who: str, texts: list[str], score: _Slow) -> list[Answer]:
    desk.admit(who, len(texts))
    with desk.place(who, texts, score) as done:
        return await done


def test_turns_are_shared_evenly_however_often_one_comes() -> None:
    """Of 300 turns, two that always wait and one that leaves after each turn and comes back get 100 each."""
    turns = Turns()
    for name in "abc":
        turns.join(name)
    taken: Counter[str] = Counter()
    for _ in range(300):
        name = turns.take()
        taken[name] += 1
        if name == "c":
            turns.leave(name)
            turns.join(name)
    assert {"a": 100, "b": 100, "c": 100} == taken


def test_a_short_request_waits_for_one_statement_of_the_long_ones() -> None:
    """A key with one statement beside a key with two requests of 64: at most one more is begun before it."""

    async def scene(desk: Desk) -> None:
        score = _Slow()
        long = [asyncio.create_task(_ask(desk, f"long{i}", ["long"] * 64, score)) for i in range(2)]
        await asyncio.sleep(0.05)
        before = len(score.scored)
        await _ask(desk, "short", ["short"], score)
        assert score.scored.index("short") - before <= 1
        for task in long:
            task.cancel()

    _run(scene)


def test_a_short_statement_waits_for_one_window_of_a_long_one() -> None:
    """Beside a statement of 50 windows; its answer comes too, in all its windows."""

    async def scene(desk: Desk) -> None:
        windows, short = _Slow(steps=50), _Slow()
        long = asyncio.create_task(_ask(desk, "long", ["long"], windows))
        await asyncio.sleep(0.02)
        before = len(windows.scored)
        await _ask(desk, "short", ["short"], short)
        assert len(windows.scored) - before <= 2
        assert [ANSWER] == await long
        assert 50 == len(windows.scored)

    _run(scene)


def test_a_short_request_of_the_same_key_need_not_wait_for_the_long_one() -> None:
    """Two statements of the long request at most come before it; and the long one is not starved by short ones."""

    async def scene(desk: Desk) -> None:
        score = _Slow()
        long = asyncio.create_task(_ask(desk, "a", ["long"] * 20, score))
        await asyncio.sleep(0.02)
        before = len(score.scored)
        await _ask(desk, "a", ["short"], score)
        assert score.scored.index("short") - before <= 2
        shorts = 0
        while not long.done():
            await _ask(desk, "a", ["short"], score)
            shorts += 1
        assert shorts <= 25

    _run(scene)


def test_beyond_the_bound_a_key_is_told_when_to_come_back() -> None:
    """One statement below the bound, at it, and above it; the time is that of the work ahead, as measured."""

    async def scene(desk: Desk) -> None:
        score = _Slow(20)
        begun = time.perf_counter()
        for _ in range(20):
            await _ask(desk, "a", ["warm"], score)
        each = (time.perf_counter() - begun) / 20
        waiting = [asyncio.create_task(_ask(desk, "a", ["x"] * count, score)) for count in (31, 64)]
        await asyncio.sleep(0)
        desk.admit("a", 1)
        desk.admit("b", 64)
        with pytest.raises(RequestFault) as caught:
            desk.admit("a", 64)
        assert 429 == caught.value.status
        assert 96 == caught.value.limit
        # 63 statements too many; the mean gives the newest measurements more weight than ours does.
        assert 0.5 * 63 * each <= int(caught.value.headers["Retry-After"]) <= 2 * 63 * each + 1
        for task in waiting:
            task.cancel()

    _run(scene)


def test_nobody_is_taken_in_who_would_wait_too_long() -> None:
    """At 20 ms a statement 25 are half a second: behind fewer a whole request is taken, behind as many not one."""

    async def scene(desk: Desk) -> None:
        score = _Slow(20)
        for _ in range(40):
            await _ask(desk, "a", ["warm"], score)
        waiting = [asyncio.create_task(_ask(desk, "a", ["x"] * 18, score))]
        await asyncio.sleep(0)
        desk.admit("a", 64)
        waiting.append(asyncio.create_task(_ask(desk, "a", ["x"] * 8, score)))
        await asyncio.sleep(0)
        with pytest.raises(RequestFault, match=r"26 of this key's statements wait, and 2\d may; come back in 1 s"):
            desk.admit("a", 1)
        desk.admit("b", 1)
        for task in waiting:
            task.cancel()

    _run(scene, queue_seconds=0.5)


def test_a_flood_of_one_key_does_not_shut_out_another() -> None:
    """Its answers come at half the speed or better, while the other has all that it may have waiting."""

    async def scene(desk: Desk) -> None:
        score = _Slow()

        async def flood() -> None:
            while True:
                with suppress(RequestFault):
                    await _ask(desk, "flood", ["flood"] * 16, score)
                await asyncio.sleep(0.001)

        floods = [asyncio.create_task(flood()) for _ in range(20)]
        await asyncio.sleep(0.05)
        before = len(score.scored)
        for _ in range(4):
            await _ask(desk, "quiet", ["quiet"] * 10, score)
        since = score.scored[before:]
        assert 40 == since.count("quiet")
        assert since.count("flood") <= 50
        for task in floods:
            task.cancel()

    _run(scene)


def test_what_was_given_up_is_not_begun() -> None:
    """A request that is cancelled in its queue costs at most the statement in hand."""

    async def scene(desk: Desk) -> None:
        score = _Slow(5)
        gone = asyncio.create_task(_ask(desk, "a", ["gone"] * 64, score))
        await asyncio.sleep(0.03)
        gone.cancel()
        await asyncio.sleep(0)
        before = score.scored.count("gone")
        await _ask(desk, "a", ["next"] * 5, score)
        assert score.scored.count("gone") <= before + 1
        assert 0 == desk.waiting()

    _run(scene)


def test_an_error_while_scoring_is_that_requests_alone() -> None:
    """The one before it and the one after it are answered."""

    async def scene(desk: Desk) -> None:
        def broken(_: str) -> Answer:
            raise RuntimeError("broken")

        score = _Slow()
        first = asyncio.create_task(_ask(desk, "a", ["x"] * 5, score))
        with pytest.raises(RuntimeError, match="broken"):
            await _ask(desk, "b", ["y"], broken)  # type: ignore[arg-type]
        assert [ANSWER] * 5 == await first
        assert [ANSWER] == await _ask(desk, "b", ["z"], score)

    _run(scene)
