"""The service as it is run: `make serve`'s own command, and the Bento that it builds into."""

import contextlib
import http.client
import io
import json
import os
import re
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


SECRET = "a-key-for-this-test"


def _serve(folder: Path, port: int, **environment: str) -> subprocess.Popen[bytes]:
    """Start the service as `make serve` does, with the copy's own settings."""
    config = folder / f"{port}.toml"
    config.write_text((folder / "configs" / "serve.toml").read_text().replace("port = 3000", f"port = {port}"))
    given = {"STANCE_CONFIG": str(config), "STANCE_API_KEY": SECRET, "BENTOML_HOME": str(folder / "bentoml")}
    return subprocess.Popen(
        [sys.executable, "-m", "serving", "serve"],
        cwd=folder,
        env={**os.environ, **given, **environment},
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
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
        connection.request("POST", "/v1/classify", json.dumps(content), headers)
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
    for name in ("pyproject.toml", "configs/constraints-base.txt", "configs/serve.toml"):
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


def test_the_readmes_requests_are_answered(port: int) -> None:
    """Its curl lines and its client, at this service's port and with its key."""
    source = (ROOT / "README.md").read_text().replace("127.0.0.1:3000", f"127.0.0.1:{port}")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", source, re.MULTILINE | re.DOTALL)
    given = {**os.environ, "KEY": SECRET, "SUM": "0" * 64}
    shown = []
    for command in [text for kind, text in blocks if kind == "sh" and "curl" in text]:
        ran = subprocess.run(["bash", "-euc", command], env=given, capture_output=True, text=True, check=True)
        shown.append(json.loads(ran.stdout))
    classified, stored = shown
    assert "conditional" == classified["answers"][0]["stance"]
    assert {"id"} == set(stored)
    (client,) = [text for kind, text in blocks if kind == "py"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(client, "README.md", "exec"), {"key": SECRET})
    assert ["conditional", "conciliatory"] == printed.getvalue().split()


def _get(port: int, path: str, *, secret: str = SECRET) -> tuple[int, dict[str, str], str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {secret}"} if secret else {})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read().decode()


def test_our_page_stands_at_the_root(port: int) -> None:
    """Not the framework's, which loads a third party's script."""
    _, _, page = _get(port, "/", secret="")
    assert "<textarea" in page
    assert "googletagmanager" not in page


@pytest.mark.parametrize("path", ["/healthz", "/docs.json", "/schema.json", "/static_content/index.css", "/metrics"])
def test_the_frameworks_own_paths_are_closed(port: int, path: str) -> None:
    """Without a key 401; with one, what is not ours is not there; all in our shape, with our headers."""
    status, headers, _ = _get(port, path, secret="")
    assert 401 == status
    assert "application/problem+json" == headers["content-type"]
    assert "nosniff" == headers["x-content-type-options"]
    assert "server" not in headers
    status, headers, _ = _get(port, path)
    assert (200 if path == "/metrics" else 404) == status
    assert "nosniff" == headers["x-content-type-options"]


def test_readiness_is_a_real_answer(port: int) -> None:
    """The probes need no key; both workers are ready soon after the first answer."""
    deadline = time.monotonic() + START_SECONDS
    while _get(port, "/readyz", secret="")[0] != 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert (200, 200) == (_get(port, "/readyz", secret="")[0], _get(port, "/livez", secret="")[0])


def test_metrics_are_those_of_all_workers(port: int) -> None:
    """Statements answered over fresh connections are all counted, whoever answered them."""

    def counted() -> float:
        lines = _get(port, "/metrics")[2].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("stance_statements_total"))

    before = counted()
    for _ in range(12):
        assert _post(port, {"statements": [{"text": "We agree to it."}]})[0] == 200
    assert before + 12 == counted()


def test_a_start_without_a_key_ends_with_the_reason(checkout: Path) -> None:
    """`bentoml serve` by itself, where nobody gave a key: the process ends and says what is missing."""
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:StanceService", "--port", str(_free_port())]
    environment = {**os.environ, "BENTOML_HOME": str(checkout / "keyless"), "STANCE_KEYS": ""}
    ran = subprocess.run(
        command, check=False, cwd=checkout, env=environment, capture_output=True, timeout=START_SECONDS
    )
    assert 0 != ran.returncode
    assert b"error: no key is let in" in ran.stderr


def test_a_broken_model_stops_the_start_and_says_what_to_run(checkout: Path, tmp_path: Path) -> None:
    """The process ends by itself, with the file named and the command that mends it."""
    broken = Path(shutil.copytree(checkout, tmp_path / "broken"))
    heads = broken / "models" / "default" / "heads.safetensors"
    heads.write_bytes(heads.read_bytes()[:-1] + b"?")
    process = _serve(broken, _free_port())
    try:
        out, _ = process.communicate(timeout=START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
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
    assert (source / "configs" / "serve.toml").is_file()
    assert (source / "serving" / "page" / "index.html").is_file()
    assert not (source / "training").exists()
    assert not (source / "tests").exists()
