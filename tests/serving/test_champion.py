"""A new champion is taken over while requests are answered, and a broken one is not."""

import json
import logging
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from models.folder import open_folder, write_folder
from models.registry import Registry
from tests.serving.conftest import MakeClient

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BODY = {"statements": [{"text": "We reject the note."}, {"text": "We welcome the envoys."}]}


def _wait_until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _sharper(source: Path, target: Path) -> Path:
    """Write the same model with another temperature, under another version."""
    folder = open_folder(source)
    changed = {"version": "sharper", "temperature": folder.manifest.temperature / 3}
    write_folder(target, folder.files, folder.manifest.model_copy(update=changed))
    return target


def _version(client: TestClient) -> str:
    return str(client.get("/v1/model").json()["version"])


@pytest.fixture
def registry(tmp_path: Path, tiny_folder: Path) -> Registry:
    registry = Registry(tmp_path / "versions")
    registry.publish(tiny_folder)
    registry.publish(_sharper(tiny_folder, tmp_path / "made"))
    return registry


def test_a_new_champion_answers_without_a_restart(
    make_client: MakeClient, registry: Registry, tmp_path: Path, tiny_folder: Path
) -> None:
    """Until one is promoted the shipped one answers; then every answer is wholly one model's or the other's."""
    client = make_client(models_folder=str(tmp_path / "versions"))
    first = open_folder(tiny_folder).manifest.version
    assert first == _version(client)
    seen: dict[str, set[str]] = {}

    def ask() -> set[str]:
        content = client.post("/v1/classify", json=BODY).json()
        answers = json.dumps(content["answers"])
        seen.setdefault(content["model"]["version"], set()).add(answers)
        return set(seen)

    ask()
    registry.promote("sharper", at=NOW)
    _wait_until(lambda: ask() == {first, "sharper"})
    registry.promote(first, at=NOW)
    _wait_until(lambda: ask() == {first, "sharper"} and _version(client) == first)
    assert [1, 1] == [len(answers) for answers in seen.values()]
    assert 2 == len(set.union(*seen.values()))


def test_a_champion_that_cannot_be_loaded_is_refused_once_and_the_old_one_goes_on(
    make_client: MakeClient, registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named in /v1/model, counted, and logged once; a sound one clears it."""
    client = make_client(models_folder=str(tmp_path / "versions"))
    first = _version(client)
    registry.promote("sharper", at=NOW)
    damaged = tmp_path / "versions" / "sharper"
    kept = Path(shutil.copytree(damaged, tmp_path / "kept"))
    (damaged / "heads.safetensors").write_bytes(b"")
    caplog.set_level(logging.ERROR)
    _wait_until(lambda: client.get("/v1/model").json()["refused"] == "sharper")
    time.sleep(2.5)
    assert first == _version(client)
    assert 1 == len([record for record in caplog.records if "is refused" in record.getMessage()])
    failures = client.worker.metrics.render().decode()  # type: ignore[attr-defined]
    assert "stance_model_load_failures_total 1.0" in failures
    shutil.rmtree(damaged)
    kept.rename(damaged)
    registry.promote("sharper", at=NOW)
    _wait_until(lambda: _version(client) == "sharper")
    assert client.get("/v1/model").json()["refused"] is None
