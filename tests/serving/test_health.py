"""Ready means that a known statement is answered as it should be, by every worker."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from models.stance import STANCES, Answer, Stance
from serving.admission import Desk
from serving.health import Health
from serving.metrics import Metrics
from tests.serving.conftest import MakeClient

RIGHT = Answer(Stance.CONDITIONAL, Stance.CONDITIONAL, dict.fromkeys(STANCES, 0.25), None, None, None, truncated=False)
WRONG = Answer(Stance.HOSTILE, Stance.HOSTILE, dict.fromkeys(STANCES, 0.25), None, None, None, truncated=False)


def _faults_after_a_beat(answer: Answer, folder: Path | None) -> list[str]:
    async def run() -> list[str]:
        desk = Desk(Metrics(), bound=96, request_statements=64, queue_seconds=1)
        health = Health(desk, lambda: (lambda _: iter([answer]), RIGHT), folder)
        tasks = [asyncio.create_task(desk.work()), asyncio.create_task(health.watch())]
        await asyncio.sleep(0.2)
        faults = health.faults()
        for task in tasks:
            task.cancel()
        desk.close()
        return faults

    return asyncio.run(run())


def test_a_worker_is_ready_by_its_answer_alone() -> None:
    """The right answer makes it ready; another answer does not."""
    assert [] == _faults_after_a_beat(RIGHT, None)
    assert ["a worker has not begun to answer"] == _faults_after_a_beat(WRONG, None)


def test_a_sibling_that_hangs_makes_the_service_unready_and_a_dead_one_does_not(tmp_path: Path) -> None:
    """A living process whose last word is older than the limit; its end makes the others ready again."""
    sibling = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    word = tmp_path / f"worker-{os.getppid()}-{sibling.pid}.beat"
    word.touch()
    assert [] == _faults_after_a_beat(RIGHT, tmp_path)
    os.utime(word, (time.time() - 4, time.time() - 4))
    assert ["a worker does not answer"] == _faults_after_a_beat(RIGHT, tmp_path)
    sibling.communicate(b"\n")
    assert [] == _faults_after_a_beat(RIGHT, tmp_path)
    assert not word.exists()


def _wait_for(client: TestClient, status: int, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while client.get("/readyz").status_code != status:
        if time.monotonic() > deadline:
            pytest.fail(f"/readyz was not {status} within {seconds} s")
        time.sleep(0.05)


def test_a_thread_that_hangs_makes_the_worker_unready_in_five_seconds(make_client: MakeClient) -> None:
    """It goes on to be live, and is ready again when the thread is free."""
    client = make_client()
    _wait_for(client, 200)
    worker = client.worker  # type: ignore[attr-defined]

    def sleep(_: str) -> Iterator[Answer]:
        time.sleep(7)
        yield WRONG

    async def hang() -> None:
        with worker.desk.place("hang", ["x"], sleep) as done:
            await done

    hanging = client.portal.start_task_soon(hang)  # type: ignore[union-attr]
    _wait_for(client, 503)
    problem = client.get("/readyz").json()
    assert "a worker does not answer" == problem["detail"]
    assert 200 == client.get("/livez").status_code
    hanging.result()
    _wait_for(client, 200)


def test_a_worker_that_stops_is_unready_at_once_and_lets_connections_go(make_client: MakeClient) -> None:
    """Requests are still answered, each as its connection's last."""
    client = make_client()
    _wait_for(client, 200)
    client.worker.health.is_stopping = True  # type: ignore[attr-defined]
    assert 503 == client.get("/readyz").status_code
    response = client.post("/v1/classify", json={"statements": [{"text": "We agree to it."}]})
    assert 200 == response.status_code
    assert "close" == response.headers["connection"]
