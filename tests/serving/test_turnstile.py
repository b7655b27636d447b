"""In a flood, what is refused is not read."""

import asyncio
import json

from starlette.types import Message, Receive, Scope, Send

from serving.admission import Desk
from serving.auth import AccessScope, make_key
from serving.metrics import Metrics
from serving.turnstile import Turnstile

KEY = make_key("flood", [AccessScope.CLASSIFY])[1]


async def _passed(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _never() -> Message:
    raise AssertionError("the body was read")


def _ask(waiting: int, path: str = "/v1/classify") -> list[Message]:
    """Ask once while so many statements of the key wait."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        desk = Desk(Metrics(), bound=96, request_statements=64, queue_seconds=0.125)
        turnstile = Turnstile(_passed, desk=desk)
        scope = {"type": "http", "path": path, "method": "POST", "state": {"key": KEY}}
        with desk.place("flood", ["x"] * waiting, lambda _: iter(())):
            await turnstile(scope, _never, send)
        desk.close()

    asyncio.run(run())
    return sent


def test_a_key_whose_queue_is_full_is_refused_without_a_look_at_the_body() -> None:
    """429 with the time to come back; at 5 ms a statement, which is what is reckoned before any was measured."""
    start, body = _ask(25)
    assert 429 == start["status"]
    assert (b"retry-after", b"1") in start["headers"]
    assert "25 of this key's statements wait" in json.loads(body["body"])["detail"]


def test_with_room_or_on_another_path_it_is_let_through() -> None:
    """One less waiting; or a correction, which waits for nobody."""
    assert 200 == _ask(24)[0]["status"]
    assert 200 == _ask(60, "/v1/feedback")[0]["status"]
