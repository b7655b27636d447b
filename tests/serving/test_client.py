"""The client gives an answer a statement, and waits as long as the service asks."""

import asyncio
import time

import httpx
import pytest
from starlette.testclient import TestClient

from serving.auth import AccessScope
from serving.client import AsyncStanceClient, ServiceError, StanceClient
from serving.shapes import Scored, Unscored
from tests.serving.conftest import SECRETS

KEY = SECRETS[AccessScope.CLASSIFY]


class _ToApp(httpx.BaseTransport):
    """Hands requests to the application; the first ones are answered as busy."""

    def __init__(self, client: TestClient, *busy: httpx.Response) -> None:
        self._client = client
        self._busy = list(busy)
        self.sent = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        if self._busy:
            return self._busy.pop(0)
        headers = {"Authorization": request.headers["Authorization"], "Content-Type": request.headers["Content-Type"]}
        answer = self._client.request(request.method, request.url.path, content=request.read(), headers=headers)
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


def _busy(status: int, seconds: str) -> httpx.Response:
    return httpx.Response(status, headers={"Retry-After": seconds}, json={"detail": "busy"})


def test_any_number_of_statements_is_answered_in_order(client: TestClient) -> None:
    """130 in three requests, a faulty one in its place."""
    transport = _ToApp(client)
    texts = ["We agree to it."] * 130
    texts[70] = ""
    with StanceClient("http://test", KEY, transport=transport) as asker:
        answers = asker.classify(texts)
    assert (130, 3) == (len(answers), transport.sent)
    assert isinstance(answers[70], Unscored)
    assert isinstance(answers[71], Scored)
    assert answers[0] == answers[129]


def test_a_coverage_is_asked_for_with_every_request(client: TestClient) -> None:
    """All abstain at the highest, with the tiny model; one that it does not have is the service's refusal."""
    with StanceClient("http://test", KEY, transport=_ToApp(client)) as asker:
        answers = asker.classify(["We agree to it."] * 70, coverage=0.99)
        assert {"uncertain"} == {answer.abstained for answer in answers if isinstance(answer, Scored)}
        with pytest.raises(ServiceError, match="422: coverage 0.999 is above 0.99"):
            asker.classify(["We agree to it."], coverage=0.999)


def test_retry_after_is_honoured(client: TestClient) -> None:
    """Two busy answers of a second each: three requests, at least two seconds."""
    transport = _ToApp(client, _busy(429, "1"), _busy(503, "1"))
    begun = time.monotonic()
    with StanceClient("http://test", KEY, transport=transport) as asker:
        (answer,) = asker.classify(["We agree to it."])
    assert isinstance(answer, Scored)
    assert 3 == transport.sent
    assert time.monotonic() - begun >= 2


def test_patience_ends_and_a_refusal_is_not_tried_again(client: TestClient) -> None:
    """After the last attempt the service's own words are raised, with the status."""
    busy = _ToApp(client, _busy(429, "0"), _busy(429, "0"), _busy(429, "0"))
    with StanceClient("http://test", KEY, attempts=3, transport=busy) as asker:
        with pytest.raises(ServiceError, match="429: busy") as caught:
            asker.classify(["We agree."])
        assert (429, 3) == (caught.value.status, busy.sent)
    refused = _ToApp(client)
    with StanceClient("http://test", "wrong", transport=refused) as asker:
        with pytest.raises(ServiceError, match="401: this key is not known"):
            asker.classify(["We agree."])
        assert 1 == refused.sent


def test_a_service_out_of_reach_is_an_error_of_ours() -> None:
    """Nothing listens there."""
    with StanceClient("http://127.0.0.1:9", KEY, attempts=2) as asker, pytest.raises(ServiceError, match="2 attempts"):
        asker.classify(["We agree."])


def test_the_async_client_answers_as_the_other_does(client: TestClient) -> None:
    """Through the application itself, one busy answer before."""
    seen: list[int] = []

    class _Busy(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(1)
            return _busy(503, "0") if len(seen) == 1 else await super().handle_async_request(request)

    async def ask() -> list[Scored | Unscored]:
        async with AsyncStanceClient("http://test", KEY, transport=_Busy(client.app)) as asker:  # type: ignore[arg-type]
            return await asyncio.wait_for(asker.classify(["We agree to it."] * 65), 60)

    answers = client.portal.call(ask)  # type: ignore[union-attr]
    assert (65, 3) == (len(answers), len(seen))
