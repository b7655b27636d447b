"""A body that trickles in is given up, and holds nobody else up meanwhile."""

import asyncio
import json
import time

import pytest

from tests.faults.conftest import Serve
from tests.load.clients import Client, hang_up, percentile, request_bytes
from tests.load.served import SECRET

BODY_SECONDS = 1.0
CONTENT = {"statements": [{"text": "We agree to it."}]}


async def _trickle(port: int, seconds: float) -> tuple[int, float]:
    """Send a byte of a body ten times a second; give the status, 0 where none came, and when it came."""
    whole = request_bytes("/v1/classify", secret=SECRET, content={"statements": [{"text": "x" * 3000}]})
    head, _, body = whole.partition(b"\r\n\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun = time.monotonic()
    answer = asyncio.create_task(reader.readline())
    writer.write(head + b"\r\n\r\n")
    for byte in body:
        writer.write(bytes([byte]))
        await asyncio.wait([answer], timeout=0.1)
        if answer.done() or time.monotonic() - begun > seconds:
            break
    line = answer.result() if answer.done() else b""
    answer.cancel()
    await hang_up(writer)
    return int(line.split()[1]) if line else 0, time.monotonic() - begun


async def _check(port: int, senders: int) -> None:
    slow = [asyncio.create_task(_trickle(port, BODY_SECONDS + 2)) for _ in range(senders)]
    good = request_bytes("/v1/classify", secret=SECRET, content=CONTENT)
    quick = []
    async with Client(port) as client:
        while not all(task.done() for task in slow):
            quick.append(await client.ask(good))
            await asyncio.sleep(0.02)
    assert {200} == {sent.status for sent in quick}
    assert percentile([sent.seconds() for sent in quick], 0.9) < 0.5
    for task in slow:
        status, seconds = task.result()
        assert 408 == status
        assert BODY_SECONDS * 0.9 <= seconds <= BODY_SECONDS + 1.5


def test_a_slow_body_is_given_up_and_holds_nobody_up(serve: Serve, is_long: bool) -> None:  # noqa: FBT001
    """408 at the limit for each of many slow senders; requests beside them are answered at once."""
    served = serve(body_seconds=str(BODY_SECONDS))
    for _ in range(30 if is_long else 1):
        asyncio.run(_check(served.port, senders=200 if is_long else 40))
    problem = json.loads(served.ask("POST", "/v1/classify", {"statements": []}).content)
    assert 400 == problem["status"]


def test_a_service_that_waits_would_be_found(serve: Serve) -> None:
    """Negative control: with a minute's patience no slow sender is told anything in time."""
    served = serve(body_seconds="60")
    with pytest.raises(AssertionError):
        asyncio.run(_check(served.port, senders=2))
