"""A worker that is killed at full load takes with it what it had in hand, and no more."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.conftest import Serve
from tests.load.clients import Sent, closed_loop, request_bytes
from tests.load.served import SECRET, Served

CLIENTS = 8
REQUESTS = [
    request_bytes("/v1/classify", secret=SECRET, content={"statements": [{"text": f"We reject note {n}."}]})
    for n in range(50)
]


async def _kill_under_load(served: Served, victims: Sequence[int], seconds: float) -> list[Sent]:
    until = time.monotonic() + seconds
    load = asyncio.create_task(
        closed_loop(served.port, REQUESTS, clients=CLIENTS, goes_on=lambda: time.monotonic() < until)
    )
    await asyncio.sleep(1)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    return await load


def _check(sent: Sequence[Sent], kills: int) -> int:
    """Give how many were lost: no more than were under way, and no two seconds without an answer."""
    answered = sorted(one.ended for one in sent if one.status == 200)
    gaps = [later - earlier for earlier, later in itertools.pairwise(answered)]
    lost = [one for one in sent if one.status != 200]
    assert max([*gaps, max(one.ended for one in sent) - answered[-1]]) < 2
    assert len(lost) <= CLIENTS * kills
    return len(lost)


def test_a_killed_worker_costs_what_it_had_in_hand(serve: Serve, is_long: bool) -> None:  # noqa: FBT001
    """At most one request a client is lost, answers go on within 2 s, and the worker is replaced."""
    served = serve()
    for _ in range(20 if is_long else 1):
        victim, *_others = served.workers()
        sent = asyncio.run(_kill_under_load(served, [victim], 5))
        lost = _check(sent, kills=1)
        print(f"{len(sent)} requests, {lost} lost")  # noqa: T201
        served.wait_until_ready(20)
        assert victim not in served.workers()


def test_workers_do_not_outlive_the_process_that_started_them(serve: Serve) -> None:
    """Killed itself, it leaves nobody behind who would answer unwatched."""
    served = serve()
    workers = served.workers()
    os.kill(served.process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_service_that_stands_still_would_be_found(serve: Serve) -> None:
    """Negative control: with every worker killed there is a gap, or far more is lost."""
    served = serve()
    sent = asyncio.run(_kill_under_load(served, served.workers(), 3))
    with pytest.raises(AssertionError):
        _check(sent, kills=2)
