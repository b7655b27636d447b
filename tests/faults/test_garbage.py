"""Bytes that are no request, or no JSON, are refused; the service goes on as before."""

import asyncio
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.conftest import Serve
from tests.load.clients import Client, hang_up, request_bytes
from tests.load.served import SECRET

GOOD = request_bytes("/v1/classify", secret=SECRET, content={"statements": [{"text": "We agree to it."}]})
_HEAD = (
    f"POST /v1/classify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/json\r\n"
).encode()


def _garbage(chance: random.Random, count: int) -> Iterator[bytes]:
    """Give bytes from nowhere, requests with bytes changed, and whole requests with a body from nowhere."""
    for number in range(count):
        noise = chance.randbytes(chance.randrange(1, 4000))
        match number % 3:
            case 0:
                yield noise
            case 1:
                damaged = bytearray(GOOD)
                for _ in range(chance.randrange(1, 8)):
                    damaged[chance.randrange(len(damaged))] = chance.randrange(256)
                yield bytes(damaged)
            case _:
                yield _HEAD + f"Content-Length: {len(noise)}\r\n\r\n".encode() + noise


async def _status_of(port: int, content: bytes) -> int:
    """Give the status that comes; 0 where the connection is closed, or nothing comes, without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(content)
        line = await asyncio.wait_for(reader.readline(), 0.5)
        return int(line.split()[1]) if line.startswith(b"HTTP/1.1 ") else 0
    except (TimeoutError, OSError):
        return 0
    finally:
        await hang_up(writer)


async def _check(port: int, count: int) -> None:
    async with Client(port) as client:
        before = await client.ask(GOOD)
    assert 200 == before.status
    statuses = []
    for content in _garbage(random.Random(20261125), count):
        statuses.append(await _status_of(port, content))
        assert 500 > statuses[-1]
    assert 400 in statuses
    async with Client(port) as client:
        after = await client.ask(GOOD)
    assert (200, before.body) == (after.status, after.body)


def test_garbage_is_refused_and_changes_nothing(serve: Serve, is_long: bool) -> None:  # noqa: FBT001
    """Never a 5xx; the same workers live, a good request has the same answer as before, no log holds a text."""
    served = serve()
    workers = served.workers()
    asyncio.run(_check(served.port, 20_000 if is_long else 45))
    assert workers == served.workers()
    log = served.log.read_text()
    assert "Traceback" not in log
    assert "We agree" not in log


@contextmanager
def _naive() -> Iterator[int]:
    """Serve as a server might that answers what it knows, and any surprise with 500."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection:
            while got := connection.recv(8192):
                line = b"200 OK" if got == GOOD else b"500 Oops"
                connection.sendall(b"HTTP/1.1 " + line + b"\r\nContent-Length: 0\r\n\r\n")

    def run() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=run)
    thread.start()
    yield int(listening.getsockname()[1])
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_a_server_that_stumbles_would_be_found() -> None:
    """Negative control: a server whose answer to a surprise is 500."""
    with _naive() as port, pytest.raises(AssertionError):
        asyncio.run(_check(port, 60))
