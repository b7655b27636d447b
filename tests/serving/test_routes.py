"""The routes, in one process with a tiny model."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from models.classifier import StanceClassifier
from serving.routes import PAGE


def test_one_answer_for_each_statement_in_order(client: TestClient, tiny: StanceClassifier) -> None:
    """Ids come back, answers are the classifier's own, and the model is named."""
    texts = {"a": "We will talk.", "b": "We reject the note.", "c": "The session opened at noon."}
    response = client.post("/v1/classify", json={"statements": [{"id": i, "text": t} for i, t in texts.items()]})
    assert response.status_code == 200
    content = response.json()
    assert list(texts) == [answer["id"] for answer in content["answers"]]
    for answer, expected in zip(content["answers"], tiny.classify(list(texts.values())), strict=True):
        assert answer.pop("error") is None
        answer.pop("id")
        assert json.loads(json.dumps(expected.as_record())) == answer
    assert content["model"] == {"version": tiny.manifest.version, "manifest_sum": tiny.manifest_sum}


def test_faulty_items_are_answered_in_their_place(client: TestClient) -> None:
    """Five kinds of bad text among good ones; the answers to the good ones are what they are alone."""
    good = {"text": "We will talk."}
    bad = [{"text": "  "}, {"text": "x" * 4001}, {"text": "a\x00b"}, {"text": 5}]
    statements = [good, *bad, good]
    response = client.post("/v1/classify", json={"statements": statements})
    assert response.status_code == 200
    first, *faults, last = response.json()["answers"]
    assert ["blank", "too_long", "nul", "wrong_type"] == [fault["error"]["code"] for fault in faults]
    assert faults[1]["error"] == {
        "code": "too_long", "detail": "text has 4001 characters; the limit is 4000", "limit": 4000
    }  # fmt: skip
    assert first == last == client.post("/v1/classify", json={"statements": [good]}).json()["answers"][0]


def test_a_request_of_faulty_items_alone_is_still_answered(client: TestClient) -> None:
    """A lone surrogate in text and id: 200, the fault named, the id given back."""
    body = b'{"statements": [{"id": "\\ud800", "text": "\\udfff"}]}'
    response = client.post("/v1/classify", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 200
    assert response.json()["answers"][0]["error"]["code"] == "lone_surrogate"
    assert b'"\\ud800"' in response.content


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(), min_size=1, max_size=200))
def test_offsets_slice_the_text_as_sent(client: TestClient, text: str) -> None:
    """Over all of Unicode, through JSON and back: a condition is what its offsets cut out."""
    body = json.dumps({"statements": [{"text": text}]}).encode()
    response = client.post("/v1/classify", content=body, headers={"Content-Type": "application/json"})
    assert 200 == response.status_code
    (answer,) = response.json()["answers"]
    if condition := answer.get("condition"):
        assert text[condition["start"] : condition["end"]] == condition["text"]


def test_a_faulty_request_is_a_problem_with_its_field(client: TestClient) -> None:
    """RFC 9457: the media type, and what was wrong where."""
    response = client.post("/v1/classify", json={"statements": []})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["field"] == "statements"
    assert client.post("/v1/classify", content=b"{}").status_code == 415
    assert client.get("/v1/classify").status_code == 405


def test_the_page_is_of_local_files_alone(client: TestClient) -> None:
    """Every file it names is there, and none is named on another host."""
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    for name in ("key.js", "page.js", "page.css"):
        assert f"/page/{name}" in page.text
        assert client.get(f"/page/{name}").status_code == 200
    # The name of a drawing's language looks like an address, and is never asked for.
    texts = {file.name: file.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "") for file in PAGE.iterdir()}
    assert not [name for name, text in texts.items() if "://" in text]


def test_connections_are_given_back_now_and_then(client: TestClient) -> None:
    """One answer in 16 closes its connection, so that a worker that got all of them does not keep them."""
    closed = [client.get("/livez").headers.get("connection") == "close" for _ in range(64)]
    assert 4 == sum(closed)
    assert 16 == [n for n, is_closed in enumerate(closed) if is_closed][1] - closed.index(True)


def test_a_coverage_that_is_asked_for_decides_what_abstains(client: TestClient) -> None:
    """The answers are the same; the higher the coverage, the more of them abstain."""
    texts = [f"We {verb} the note of the {n}th." for n, verb in enumerate(("welcome", "reject", "read", "await"), 1)]

    def ask(**options: float) -> list[dict[str, object]]:
        body = {"statements": [{"text": text} for text in texts], "options": options}
        response = client.post("/v1/classify", json=body)
        assert 200 == response.status_code
        answers: list[dict[str, object]] = response.json()["answers"]
        return answers

    plain, high = ask(), ask(coverage=0.99)
    assert [answer["probabilities"] for answer in plain] == [answer["probabilities"] for answer in high]
    assert ["uncertain"] * 4 == [answer["abstained"] for answer in high]
    told = client.get("/v1/model").json()
    assert [0.5, 0.99] == told["coverages"]
    assert {"value", "low", "high", "n"} == set(told["figures"]["tuning"]["macro_f1_four"])
