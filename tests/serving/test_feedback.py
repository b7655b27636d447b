"""Corrections: what was confirmed is on disk, what was withdrawn is not exported, what was erased is gone."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from starlette.testclient import TestClient

from models.errors import StoreError
from serving.__main__ import main
from serving.auth import AccessScope
from serving.examples import CORRECTION
from serving.feedback_shapes import Correction
from serving.store import OnceError, Store
from tests.serving.conftest import MakeClient, bearer

WRITE, READ = bearer(AccessScope.FEEDBACK_WRITE), bearer(AccessScope.FEEDBACK_READ)
ADMIN = bearer(AccessScope.ADMIN)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Name a database of its own: PostgreSQL where STANCE_TEST_POSTGRES names one, else SQLite."""
    postgres = os.environ.get("STANCE_TEST_POSTGRES")
    if postgres:
        store = Store(postgres)
        store.erase()
        store.close()
    return postgres or f"sqlite:///{tmp_path}/feedback.sqlite"


@pytest.fixture
def client(make_client: MakeClient, url: str) -> TestClient:
    return make_client(feedback_url=url)


def _rows(client: TestClient) -> list[dict[str, object]]:
    response = client.get("/v1/feedback", headers=READ)
    assert 200 == response.status_code
    return [json.loads(line) for line in response.text.splitlines()]


def test_a_correction_comes_back_as_it_was_sent(client: TestClient) -> None:
    """201 with an id; the export has the body, who sent it, and when."""
    stored = client.post("/v1/feedback", json=CORRECTION, headers=WRITE)
    assert 201 == stored.status_code
    (row,) = _rows(client)
    assert stored.json()["id"] == row.pop("id")
    assert "holder-FEEDBACK_WRITE" == row.pop("who")
    assert datetime.now(UTC) > datetime.fromisoformat(str(row.pop("at")))
    assert CORRECTION == row


def test_a_whole_number_may_be_written_with_a_point(client: TestClient) -> None:
    """5.0 is an integer in JSON Schema; it is kept as 5."""
    condition = {"start": 5.0, "end": 9}
    assert 201 == client.post("/v1/feedback", json={**CORRECTION, "condition": condition}, headers=WRITE).status_code
    (row,) = _rows(client)
    assert '{"start": 5, "end": 9}' == json.dumps(row["condition"])


def test_its_author_alone_may_withdraw_it(client: TestClient) -> None:
    """Another's is 404 and stays; one's own is 204 and leaves the export."""
    name = client.post("/v1/feedback", json=CORRECTION, headers=WRITE).json()["id"]
    assert 404 == client.delete(f"/v1/feedback/{name}", headers=ADMIN).status_code
    assert 1 == len(_rows(client))
    assert 204 == client.delete(f"/v1/feedback/{name}", headers=WRITE).status_code
    assert [] == _rows(client)


def test_an_idempotency_key_stores_once(client: TestClient) -> None:
    """The same body gives the first id; another body is 409; another author's same key is another correction."""
    once = {**WRITE, "Idempotency-Key": "k-1"}
    first, second = (client.post("/v1/feedback", json=CORRECTION, headers=once) for _ in range(2))
    assert [201, 201] == [first.status_code, second.status_code]
    assert first.json() == second.json()
    other = client.post("/v1/feedback", json={**CORRECTION, "stance": "hostile"}, headers=once)
    assert (409, "Idempotency-Key") == (other.status_code, other.json()["field"])
    assert 201 == client.post("/v1/feedback", json=CORRECTION, headers={**ADMIN, "Idempotency-Key": "k-1"}).status_code
    assert 2 == len(_rows(client))
    assert 400 == client.post("/v1/feedback", json=CORRECTION, headers={**WRITE, "Idempotency-Key": "a b"}).status_code


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"stance": "neutral"}, 400, "stance"),
        ({"statement": "x" * 4001}, 400, "statement"),
        ({"condition": {"start": 26, "end": 55}}, 422, ""),
        ({"condition": {"start": 5, "end": 5}}, 422, "condition"),
        ({"condition": {"start": 5.5, "end": 9}}, 400, "condition.start"),
        ({"condition": {"start": True, "end": 9}}, 400, "condition.start"),
        ({"condition": {"start": "5", "end": 9}}, 400, "condition.start"),
        ({"article": {"hash": "short", "start": 0, "end": 4}}, 400, "article.hash"),
        ({"who": "me"}, 400, "who"),
    ],
)
def test_a_faulty_correction_is_refused_with_its_field(
    client: TestClient, changed: dict[str, object], status: int, field: str
) -> None:
    """And nothing of it is stored."""
    response = client.post("/v1/feedback", json={**CORRECTION, **changed}, headers=WRITE)
    assert (status, field) == (response.status_code, response.json()["field"])
    assert [] == _rows(client)


def test_what_was_confirmed_survives_a_kill(url: str) -> None:
    """A process that stores, says so and is killed at once leaves the correction behind."""
    source = f"""
import os, signal
from datetime import UTC, datetime
from serving.examples import CORRECTION
from serving.feedback_shapes import Correction
from serving.store import Store
name = Store({url!r}).add("a", Correction.model_validate(CORRECTION), at=datetime.now(UTC))
print(name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ran = subprocess.run([sys.executable, "-c", source], check=False, capture_output=True, text=True)
    assert -signal.SIGKILL == ran.returncode
    store = Store(url)
    assert [ran.stdout.strip()] == [row["id"] for row in store.export()]
    store.close()


def test_the_command_exports_and_erases(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name and by date; of what was erased no byte is left in the files."""
    monkeypatch.setenv("STANCE_CONFIG", str(_config_with(url, tmp_path)))
    store = Store(url)
    for who, year in (("anna", 2024), ("anna", 2026), ("ben", 2026)):
        statement = f"We insist, said {who} in {year}."
        changed = {"statement": statement, "condition": None}
        store.add(who, Correction.model_validate({**CORRECTION, **changed}), at=NOW.replace(year=year))
    store.close()
    assert 0 == main(["feedback", "erase", "--before", "2025-01-01"])
    assert 0 == main(["feedback", "export"])
    lines = capsys.readouterr().out.splitlines()
    assert ["anna", "ben"] == [json.loads(line)["who"] for line in lines if line.startswith("{")]
    assert 0 == main(["feedback", "erase", "--who", "anna"])
    if url.startswith("sqlite"):
        left = b"".join(file.read_bytes() for file in tmp_path.glob("feedback.sqlite*"))
        assert b"said ben in 2026" in left
        assert b"said anna" not in left
    with pytest.raises(SystemExit):
        main(["feedback", "erase"])


def test_tables_of_another_version_are_refused(url: str) -> None:
    """At the start, with both versions named."""
    Store(url).close()
    engine = create_engine(url)
    try:
        _set_version(engine, 9)
        with pytest.raises(StoreError, match="have version 9; this code reads 1"):
            Store(url)
    finally:
        _set_version(engine, 1)
        engine.dispose()


def _set_version(engine: Engine, version: int) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE feedback_schema SET version = :version"), {"version": version})


def test_a_store_that_fails_is_503_and_the_service_goes_on(make_client: MakeClient, tmp_path: Path) -> None:
    """The correction is not confirmed, and nothing of the database is told."""
    client = make_client(feedback_url=f"sqlite:///{tmp_path}/lost/feedback.sqlite")
    store = client.worker.store  # type: ignore[attr-defined]
    store.close()
    (tmp_path / "lost" / "feedback.sqlite").write_bytes(b"no database" * 1000)
    response = client.post("/v1/feedback", json=CORRECTION, headers=WRITE)
    assert 503 == response.status_code
    assert "sqlite" not in response.text.lower()
    assert 503 == client.get("/v1/feedback", headers=READ).status_code
    assert 200 == client.post("/v1/classify", json={"statements": [{"text": "We agree."}]}).status_code


def test_a_second_body_under_one_key_is_named_as_such(url: str) -> None:
    """By the store itself."""
    store = Store(url)
    one = Correction.model_validate(CORRECTION)
    store.add("a", one, at=NOW, once="k")
    with pytest.raises(OnceError):
        store.add("a", one.model_copy(update={"reason": None}), at=NOW, once="k")
    assert 1 == store.count()
    store.erase(before=date(2027, 1, 1))
    assert 0 == store.count()
    store.close()


def _config_with(url: str, folder: Path) -> Path:
    from serving.config import DEFAULT_CONFIG

    path = folder / "serve.toml"
    path.write_text(DEFAULT_CONFIG.read_text().replace("sqlite:///runs/feedback.sqlite", url))
    return path
