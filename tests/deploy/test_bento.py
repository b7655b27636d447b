"""The Bento: built, unpacked somewhere else, and served in a venv that has what it asks for and nothing more."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from serving.auth import AccessScope, make_key
from tests.load.served import ROOT, SECRET, free_port

pytestmark = pytest.mark.deploy
BODY = {"statements": [{"text": "We will come to the table once the blockade is lifted."}]}
TAKEN = ("models", "serving", "pyproject.toml", "configs/constraints-base.txt", "configs/serve.toml")


def _build_and_unpack(folder: Path) -> Path:
    """Build from a copy with its store in the folder, and give the unpacked Bento."""
    source = folder / "source"
    for name in TAKEN:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    environment = {**os.environ, "BENTOML_HOME": str(folder / "home"), "BENTOML_DO_NOT_TRACK": "True"}
    command = [sys.executable, "-m", "bentoml"]
    built = subprocess.run(
        [*command, "build", "--output", "tag"], cwd=source, env=environment, capture_output=True, text=True, check=True
    )
    tag = built.stdout.strip().removeprefix("__tag__:")
    subprocess.run([*command, "export", tag, folder / "out.bento"], env=environment, capture_output=True, check=True)
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "xf", folder / "out.bento", "-C", unpacked], check=True)
    return unpacked


def _wait_for_answer(port: int, process: subprocess.Popen[bytes]) -> httpx.Response:
    deadline = time.monotonic() + 60
    headers = {"Authorization": f"Bearer {SECRET}"}
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return httpx.post(f"http://127.0.0.1:{port}/v1/classify", json=BODY, headers=headers, timeout=30)
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the unpacked Bento did not answer within 60 s")


def test_an_unpacked_bento_answers_in_a_clean_venv(tmp_path: Path) -> None:
    """With neither torch nor the project's code beside it; SIGTERM ends it."""
    unpacked = _build_and_unpack(tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    # Through the index that this machine is set up for; the Bento's own file names the public one.
    wanted = (unpacked / "env" / "python" / "requirements.txt").read_text().splitlines()
    (tmp_path / "wanted.txt").write_text("\n".join(line for line in wanted if not line.startswith("--index-url")))
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", tmp_path / "wanted.txt"], check=True)
    assert 0 != subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode
    port = free_port()
    _, key = make_key("test", [AccessScope.CLASSIFY], SECRET)
    given = {"STANCE_KEYS": key.as_line(), "BENTOML_HOME": str(tmp_path / "home2"), "BENTOML_DO_NOT_TRACK": "True"}
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-m", "bentoml", "serve", unpacked, "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, cwd=tmp_path, env={**inherited, **given}, start_new_session=True)
    try:
        response = _wait_for_answer(port, process)
        assert 200 == response.status_code
        assert "conditional" == response.json()["answers"][0]["stance"]
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(30)
    finally:
        if process.poll() is None:
            process.kill()
