"""Every error has one shape, and every answer its security headers."""

import pytest
from starlette.testclient import TestClient

from serving.auth import AccessScope
from serving.edge import SECURITY_HEADERS
from tests.serving.conftest import MakeClient, bearer

GOOD = {"statements": [{"text": "We agree to it."}]}


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, {"method": "POST", "url": "/v1/classify", "json": {}}),
        (401, {"method": "POST", "url": "/v1/classify", "json": GOOD, "headers": {"Authorization": "Bearer wrong"}}),
        (401, {"method": "GET", "url": "/healthz", "headers": {"Authorization": ""}}),
        (401, {"method": "OPTIONS", "url": "/v1/classify", "headers": {"Authorization": ""}}),
        (403, {"method": "GET", "url": "/metrics"}),
        (404, {"method": "GET", "url": "/healthz"}),
        (404, {"method": "GET", "url": "/page/../serve.toml"}),
        (404, {"method": "GET", "url": "/page/none.js"}),
        (405, {"method": "PUT", "url": "/v1/classify"}),
        (405, {"method": "POST", "url": "/page/page.js"}),
        (415, {"method": "POST", "url": "/v1/classify", "content": b"{}", "headers": {"Content-Type": "text/plain"}}),
        (415, {"method": "POST", "url": "/v1/classify", "files": {"text": b"We agree."}}),
        (422, {"method": "POST", "url": "/v1/classify", "json": {**GOOD, "options": {"coverage": 0.999}}}),
        (431, {"method": "GET", "url": "/livez", "headers": {"X-Long": "x" * 16384}}),
        (431, {"method": "GET", "url": "/" + "x" * 16384}),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else f"{value['method']}-{value['url'][:20]}",
)
def test_an_error_is_a_problem(client: TestClient, status: int, request_: dict[str, object]) -> None:
    """Media type, the five members and ours, and nothing of how the service is built."""
    response = client.request(**request_)  # type: ignore[arg-type]
    assert status == response.status_code
    assert response.headers["content-type"] == "application/problem+json"
    content = response.json()
    assert {"type", "title", "status", "detail", "field", "limit"} == set(content)
    assert status == content["status"]
    assert content["detail"]
    assert not [word for word in ("starlette", "bentoml", "python", "Traceback") if word in response.text]
    _assert_secure(response.headers)


def test_a_refused_method_is_told_all_that_the_path_takes(client: TestClient) -> None:
    """Those of both operations of a path."""
    response = client.put("/v1/feedback", headers=bearer(AccessScope.ADMIN))
    assert 405 == response.status_code
    assert {"GET", "HEAD", "POST"} == set(response.headers["allow"].split(", "))


def test_our_own_mistake_says_nothing_of_its_kind(make_client: MakeClient, tiny: object) -> None:
    """500, in the one shape, without a word of the error; the next request is answered."""
    client = make_client()
    worker = client.worker  # type: ignore[attr-defined]
    sound = worker.champion.model
    worker.champion.model = _Broken()
    response = client.post("/v1/classify", json=GOOD)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "unspeakable" not in response.text
    _assert_secure(response.headers)
    worker.champion.model = sound
    assert client.post("/v1/classify", json=GOOD).status_code == 200


def test_every_good_answer_has_the_security_headers_too(client: TestClient) -> None:
    """The page, its files, probes and answers."""
    for path in ("/", "/page/page.js", "/livez", "/v1/model"):
        response = client.get(path)
        assert response.status_code == 200
        _assert_secure(response.headers)
    metrics = client.get("/metrics", headers=bearer(AccessScope.METRICS))
    assert metrics.status_code == 200
    _assert_secure(metrics.headers)


class _Broken:
    classifier = None

    def score(self, _: str) -> None:
        raise RuntimeError("unspeakable")

    def name(self) -> dict[str, str]:
        return {}


def _assert_secure(headers: object) -> None:
    for name in SECURITY_HEADERS:
        assert name in headers  # type: ignore[operator]
    assert headers["X-Content-Type-Options"] == "nosniff"  # type: ignore[index]
