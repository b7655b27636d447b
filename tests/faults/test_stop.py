"""A service that is asked to stop answers what it has taken."""

import asyncio
import signal
import time
from collections.abc import Sequence

import pytest

from tests.faults.conftest import Serve
from tests.load.clients import Sent, closed_loop, request_bytes
from tests.load.served import SECRET, Served

CLIENTS = 8
DRAIN_SECONDS = 2.0
REQUESTS = [
    request_bytes("/v1/classify", secret=SECRET, content={"statements": [{"text": f"We reject note {n}."}] * 8})
    for n in range(50)
]


async def _stop_under_load(served: Served, how: signal.Signals) -> tuple[list[Sent], list[int], float]:
    """Stop it after a second; give what was sent, what /readyz said from then on, and when that was."""
    load = asyncio.create_task(
        closed_loop(served.port, REQUESTS, clients=CLIENTS, goes_on=lambda: served.process.poll() is None)
    )
    await asyncio.sleep(1)
    stopped = time.monotonic()
    served.process.send_signal(how)
    await asyncio.sleep(0.3)
    ready = await closed_loop(
        served.port,
        [request_bytes("/readyz")],
        clients=1,
        goes_on=lambda: time.monotonic() < stopped + DRAIN_SECONDS - 0.5,
        pause=0.05,
    )
    return await load, [one.status for one in ready], stopped


def _check(sent: Sequence[Sent], ready: Sequence[int], stopped: float) -> None:
    # From the end of the drain on the service takes nothing new; before it, whatever it takes it answers.
    taken = [one for one in sent if one.begun < stopped + DRAIN_SECONDS - 0.1]
    assert [] == [one for one in taken if one.status != 200]
    assert len([one for one in taken if one.begun > stopped]) > CLIENTS
    assert {503} == set(ready)


def test_what_was_taken_before_a_stop_is_answered(serve: Serve, is_long: bool) -> None:  # noqa: FBT001
    """SIGTERM at full load: 503 at /readyz from then on, none lost of what comes until the drain has passed."""
    for _ in range(20 if is_long else 1):
        served = serve()
        sent, ready, stopped = asyncio.run(_stop_under_load(served, signal.SIGTERM))
        _check(sent, ready, stopped)
        assert 0 == served.process.wait(20)
        assert time.monotonic() - stopped < 20


def test_a_service_that_breaks_off_would_be_found(serve: Serve) -> None:
    """Negative control: its workers are killed instead."""
    served = serve()

    async def scene() -> tuple[list[Sent], list[int], float]:
        task = asyncio.create_task(_stop_under_load(served, signal.SIGCONT))
        await asyncio.sleep(1.5)
        served.kill()
        return await task

    with pytest.raises(AssertionError):
        _check(*asyncio.run(scene()))
