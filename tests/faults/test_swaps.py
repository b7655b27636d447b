"""Models are replaced at full load: no request is lost, and each answer is wholly of one model."""

import asyncio
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.folder import open_folder, write_folder
from tests.faults.conftest import Serve
from tests.load.clients import Sent, closed_loop, request_bytes
from tests.load.served import SECRET, Served

TEXTS = [f"We reject note {number}, and welcome envoy {number}." for number in range(8)]
REQUEST = request_bytes("/v1/classify", secret=SECRET, content={"statements": [{"text": text} for text in TEXTS]})
Bodies = Mapping[str, object]


def _sharper(source: Path, target: Path) -> Path:
    """Write the same model with another temperature, under another version: its golden answers differ."""
    folder = open_folder(source)
    changed = {"version": "sharper", "temperature": folder.manifest.temperature / 3}
    write_folder(target, folder.files, folder.manifest.model_copy(update=changed))
    return target


def _promote_and_wait(served: Served, version: str) -> object:
    """Promote, wait until every worker answers with it, and give its answers."""
    served.registry.promote(version, at=datetime.now(UTC))
    deadline = time.monotonic() + 20
    seen = []
    while seen[-8:] != [version] * 8:
        assert time.monotonic() < deadline
        seen.append(served.ask("GET", "/v1/model").json()["version"])
    return served.ask("POST", "/v1/classify", {"statements": [{"text": text} for text in TEXTS]}).json()["answers"]


async def _swap_under_load(served: Served, versions: Sequence[str], swaps: int) -> list[Sent]:
    is_over = False
    load = asyncio.create_task(closed_loop(served.port, [REQUEST], clients=4, goes_on=lambda: not is_over))
    for number in range(swaps):
        served.registry.promote(versions[number % len(versions)], at=datetime.now(UTC))
        # The workers look once a second.
        await asyncio.sleep(1.1)
    is_over = True
    return await load


def _check(sent: Sequence[Sent], known: Bodies, swaps: int) -> None:
    assert {200} == {one.status for one in sent}
    seen = []
    for one in sent:
        content = json.loads(one.body)
        assert known[content["model"]["version"]] == content["answers"]
        seen.append(content["model"]["version"])
    assert set(known) == set(seen)
    changes = sum(1 for earlier, later in itertools.pairwise(seen) if earlier != later)
    assert changes >= swaps * 0.8


def test_no_request_is_lost_and_no_answer_is_of_two_models(
    serve: Serve,
    tiny_folder: Path,
    tmp_path: Path,
    is_long: bool,  # noqa: FBT001
) -> None:
    """Five swaps, in the long form 500; every answer is what its model gives at rest."""
    served = serve()
    first = open_folder(tiny_folder).manifest.version
    served.registry.publish(_sharper(tiny_folder, tmp_path / "sharper"))
    known = {version: _promote_and_wait(served, version) for version in ("sharper", first)}
    assert known["sharper"] != known[first]
    swaps = 500 if is_long else 5
    sent = asyncio.run(_swap_under_load(served, list(known), swaps))
    _check(sent, known, swaps)
    assert "failures_total 0.0" in served.ask("GET", "/metrics").text


def test_an_answer_of_two_models_would_be_found() -> None:
    """Negative control: one answer among many whose second half is another model's."""
    known = {"a": ["a1", "a2"], "b": ["b1", "b2"]}

    def sent(version: str, answers: object) -> Sent:
        return Sent(0, 1, 200, "", json.dumps({"model": {"version": version}, "answers": answers}).encode())

    sound = [sent(version, known[version]) for version in "ab"]
    _check(sound, known, 1)
    with pytest.raises(AssertionError):
        _check([*sound, sent("a", ["a1", "b2"])], known, 1)
    with pytest.raises(AssertionError):
        _check([*sound, Sent(0, 1, -1, "", b"")], known, 1)
