"""Each limit at one below it, at it, and at one above it."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.testclient import TestClient

from tests.serving.conftest import MakeClient

GOOD = {"text": "We agree to it."}
JSON = {"Content-Type": "application/json"}
BODY_BYTES = 4 * 1024 * 1024


@pytest.mark.parametrize(("extra", "status"), [(-1, 200), (0, 200), (1, 413)])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_of_4_mib_is_read_and_no_more(client: TestClient, extra: int, status: int, *, is_chunked: bool) -> None:
    """Declared by Content-Length, or in chunks of unknown number; the connection of a refused one ends."""
    padded = json.dumps({"statements": [GOOD]}).encode().ljust(BODY_BYTES + extra)
    content = iter([padded[:1_000_000], padded[1_000_000:]]) if is_chunked else padded
    response = client.post("/v1/classify", content=content, headers=JSON)
    assert status == response.status_code
    if status == 413:
        assert BODY_BYTES == response.json()["limit"]
        assert "close" == response.headers["connection"]


@pytest.mark.parametrize(("count", "status"), [(63, 200), (64, 200), (65, 400)])
def test_64_statements_are_taken(client: TestClient, count: int, status: int) -> None:
    """One answer each."""
    response = client.post("/v1/classify", json={"statements": [{"text": ""}] * (count - 1) + [GOOD]})
    assert status == response.status_code
    assert 64 == response.json()["limit"] if status == 400 else count == len(response.json()["answers"])


@pytest.mark.parametrize(("length", "code"), [(3999, None), (4000, None), (4001, "too_long")])
def test_4000_characters_are_read(client: TestClient, length: int, code: str | None) -> None:
    """Counted as code points, not bytes; the item alone is at fault."""
    text = ("We agree 🕊 " * 500)[:length]
    answer = client.post("/v1/classify", json={"statements": [{"text": text}, GOOD]}).json()["answers"]
    assert code == (answer[0]["error"] or {}).get("code")
    assert answer[1]["error"] is None


def test_the_longest_request_fits_the_body_however_it_is_escaped(make_client: MakeClient) -> None:
    """64 x 4,000 characters beyond the basic plane, each as two escapes, ids beside them."""
    text = "\U0001f54a" * 4000
    body = json.dumps({"statements": [{"id": "é" * 60, "text": text}] * 64}).encode("ascii")
    assert len(body) < BODY_BYTES
    answers = make_client().post("/v1/classify", content=body, headers=JSON).json()["answers"]
    assert 64 == len(answers)


@pytest.mark.parametrize(("levels", "status"), [(31, 200), (32, 200), (33, 400), (100_000, 400)])
def test_32_levels_of_json_are_read(client: TestClient, levels: int, status: int) -> None:
    """The body, its list and its item are three of them; what nests in a text is that item's fault."""
    inner = "[" * (levels - 3) + "]" * (levels - 3)
    body = f'{{"statements": [{{"text": {inner}}}]}}'
    response = client.post("/v1/classify", content=body.encode(), headers=JSON)
    assert status == response.status_code
    if status == 400:
        assert 32 == response.json()["limit"]


@pytest.mark.parametrize("body", [b'{"statements": [{"text": NaN}]}', b"\xff", b"", b"{}{}", b"1e999999"])
def test_what_is_not_json_is_refused(client: TestClient, body: bytes) -> None:
    """NaN included: it is no JSON, whatever Python takes."""
    assert client.post("/v1/classify", content=body, headers=JSON).status_code == 400


@pytest.mark.parametrize(("pause", "status"), [(0.0, 200), (5.0, 408)])
def test_a_body_that_does_not_arrive_in_time_is_given_up(make_client: MakeClient, pause: float, status: int) -> None:
    """408 with the limit after it, not after the body."""
    client = make_client(limits={"body_seconds": 0.5})

    async def drip() -> AsyncIterator[bytes]:
        body = json.dumps({"statements": [GOOD]}).encode()
        yield body[:10]
        await asyncio.sleep(pause)
        yield body[10:]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(client.app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as asker:
            headers = {**JSON, "Authorization": client.headers["Authorization"]}
            return await asyncio.wait_for(asker.post("/v1/classify", content=drip(), headers=headers), 4)

    response = client.portal.call(ask)  # type: ignore[union-attr]
    assert status == response.status_code
    if status == 408:
        assert 0.5 == response.json()["limit"]


def test_a_late_answer_is_given_up(make_client: MakeClient) -> None:
    """503 with Retry-After, and the queue is empty after it."""
    client = make_client(limits={"answer_seconds": 0.000001})
    response = client.post("/v1/classify", json={"statements": [GOOD] * 64})
    assert 503 == response.status_code
    assert int(response.headers["retry-after"]) >= 1
    assert 0 == client.worker.desk.waiting("holder-CLASSIFY")  # type: ignore[attr-defined]
