"""HTTP/1.1 clients that count what they lose: each asks one request at a time over a connection that it keeps."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

_LOST = (OSError, asyncio.IncompleteReadError, ValueError)


@dataclass(frozen=True, slots=True)
class Sent:
    """
    One request and what came of it.

    Attributes:
        begun, ended: on the monotonic clock, in seconds.
        status: 0 where the connection was refused, -1 where it was cut before a whole answer.
    """

    begun: float
    ended: float
    status: int
    retry_after: str
    body: bytes

    def seconds(self) -> float:
        """Give the time that it took."""
        return self.ended - self.begun


def request_bytes(path: str, *, secret: str = "", content: object = None) -> bytes:
    """Write a request: POST with a JSON body where there is content, else GET."""
    body = b"" if content is None else json.dumps(content).encode()
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"Authorization: Bearer {secret}"] if secret else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


class Client:
    """One connection, opened anew where the service closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> Sent:
        """Send a request and read its answer; never sent twice."""
        begun = time.monotonic()
        status, wait, body = 0, "", b""
        if self._reader and self._reader.at_eof():  # it was idle for too long, and the service closed it
            await self.close()
        try:
            if not self._writer:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            status = -1
            self._writer.write(request)
            answered, wait, body = await self._read()
            status = answered
        except _LOST:
            await self.close()
        return Sent(begun, time.monotonic(), status, wait, body)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connection go."""
        if self._writer:
            await hang_up(self._writer)
        self._reader = self._writer = None

    async def _read(self) -> tuple[int, str, bytes]:
        assert self._reader
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return int(head[0].split()[1]), headers.get("retry-after", ""), body


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever has become of it."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def closed_loop(
    port: int, requests: Sequence[bytes], *, clients: int, goes_on: Callable[[], bool], pause: float = 0.0
) -> list[Sent]:
    """Let each client ask one request after the other, as long as it goes on; give all, in order of their end."""
    sent: list[Sent] = []

    async def run(number: int) -> None:
        client = Client(port)
        turn = number
        while goes_on():
            sent.append(await client.ask(requests[turn % len(requests)]))
            turn += clients
            # A refused connection costs nothing: without a rest it would be asked for thousands of times.
            await asyncio.sleep(0.05 if sent[-1].status <= 0 else pause)
        await client.close()

    await asyncio.gather(*(run(number) for number in range(clients)))
    return sent


async def open_loop(port: int, requests: Sequence[bytes], *, rate: float, seconds: float) -> list[Sent]:
    """Send at a fixed rate, whatever comes back; each request over a connection that is free at that moment."""
    sent: list[Sent] = []
    free: list[Client] = []
    tasks: set[asyncio.Task[None]] = set()

    async def ask(request: bytes) -> None:
        client = free.pop() if free else Client(port)
        sent.append(await client.ask(request))
        free.append(client)

    begun = time.monotonic()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        task = asyncio.create_task(ask(requests[number % len(requests)]))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for client in free:
        await client.close()
    return sent


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which this share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
