"""Requests that keep coming while something else happens, each of them accounted for."""

import asyncio
import json
import threading
from collections import Counter
from types import TracebackType
from typing import Self

from tests.load.clients import Sent, closed_loop, request_bytes
from tests.load.served import SECRET

_TEXTS = [f"We will answer note {number} once the {number}th prisoner is home." for number in range(20)]
_PAUSE_SECONDS = 0.25


class Traffic:
    """Two clients that ask one statement at a time, from a thread of their own, for as long as the context lasts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._goes_on = True
        self._sent: list[Sent] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask()))

    async def _ask(self) -> None:
        bodies = [{"statements": [{"text": text}]} for text in _TEXTS]
        requests = [request_bytes("/v1/classify", secret=SECRET, content=body) for body in bodies]
        self._sent = await closed_loop(
            self._port, requests, clients=2, goes_on=lambda: self._goes_on, pause=_PAUSE_SECONDS
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._goes_on = False
        self._thread.join()

    def lost(self) -> int:
        """Count what was neither answered nor told to come back."""
        return sum(one.status not in {200, 429} for one in self._sent)

    def told(self) -> str:
        """Say how many were sent, and what came back."""
        return f"{len(self._sent)} requests, answered {dict(Counter(one.status for one in self._sent))}"

    def versions(self) -> list[str]:
        """Name the models that answered, in the order of their first answers, and after them the last one's."""
        named = [json.loads(one.body)["model"]["version"] for one in self._sent if one.status == 200]
        return [*dict.fromkeys(named), *named[-1:]]
