"""The service as it is run: `make serve`'s own command, and the Bento that it builds into."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 60


def _serve(folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:StanceService"]
    environment = {**os.environ, "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(folder / "bentoml")}
    return subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _post(port: int, content: object) -> tuple[int, dict]:  # type: ignore[type-arg]
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", "/v1/classify", json.dumps(content), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if _post(port, {"statements": [{"text": "We agree."}]})[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    process.kill()
    assert process.stdout
    pytest.fail(f"no answer within {START_SECONDS} s:\n{process.stdout.read().decode()}")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what the service needs, so that its model may be damaged."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("models", "serving"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("pyproject.toml", "configs/constraints-base.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def port(checkout: Path) -> Iterator[int]:
    """Serve for the tests of this file."""
    port = _free_port()
    process = _serve(checkout, port)
    _wait_until_ready(port, process)
    yield port
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)


def test_the_served_model_answers(port: int) -> None:
    """The shipped model reads an offer, a price, a refusal and a fact."""
    texts = {
        "conciliatory": "We welcome the delegation of our neighbour and look forward to working closely together.",
        "conditional": "We are ready to resume the talks only if they first withdraw their troops from the valley.",
        "hostile": "We strongly condemn the regime's aggression and will answer it with all our force.",
        "none": "The fourth session of the committee was held in Geneva from 3 to 7 May.",
    }
    status, content = _post(port, {"statements": [{"id": i, "text": text} for i, text in texts.items()]})
    assert status == 200
    assert list(texts) == [answer["stance"] for answer in content["answers"]]


def test_our_page_stands_at_the_root(port: int) -> None:
    """Not the framework's, which loads a third party's script."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/")
        page = connection.getresponse().read().decode()
    assert "<textarea" in page
    assert "googletagmanager" not in page


def test_a_broken_model_stops_the_start_and_says_what_to_run(checkout: Path, tmp_path: Path) -> None:
    """The process ends by itself, with the file named and the command that mends it."""
    broken = Path(shutil.copytree(checkout, tmp_path / "broken"))
    heads = broken / "models" / "default" / "heads.safetensors"
    heads.write_bytes(heads.read_bytes()[:-1] + b"?")
    process = _serve(broken, _free_port())
    try:
        out, _ = process.communicate(timeout=START_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode != 0
    assert b"heads.safetensors has SHA-256" in out
    assert b"git checkout -- models/default" in out


def test_the_bento_holds_what_serving_needs_and_no_more(checkout: Path) -> None:
    """Built offline: the model, no training code, no tests."""
    environment = {**os.environ, "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(checkout / "bentoml")}
    command = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    built = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=True)
    name, version = built.stdout.strip().removeprefix("__tag__:").split(":")
    source = checkout / "bentoml" / "bentos" / name / version / "src"
    assert (source / "models" / "default" / "manifest.json").is_file()
    assert (source / "serving" / "page" / "index.html").is_file()
    assert not (source / "training").exists()
    assert not (source / "tests").exists()
