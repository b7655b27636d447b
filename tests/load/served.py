"""The service as whoever runs it starts it, with settings and a model of a test's choice."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx

from models.registry import Registry

ROOT = Path(__file__).parent.parent.parent
SECRET = "a-key-for-the-tests"
_START_SECONDS = 60
_IN_A_ROW = 8


class Served:
    """
    A running service.

    Args:
        folder: for its settings, its model's versions, its corrections and its log.
        settings: TOML keys of configs/serve.toml and what is put in their place.
        model: a model folder, promoted before the start; None: the one that comes with the project.
    """

    def __init__(self, folder: Path, *, model: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.log = folder / "service.log"
        self.database = folder / "feedback.sqlite"
        self.registry = Registry(folder / "versions")
        if model:
            self.registry.promote(self.registry.publish(model), at=datetime.now(UTC))
        own = {
            "port": str(self.port),
            "models_folder": f'"{folder}/versions"' if model else '""',
            "feedback_url": f'"sqlite:///{self.database}"',
        }
        self._config = _write_config(folder, {**own, **(settings or {})})
        self._home = folder / "bentoml"
        self.process = self._start()
        self.wait_until_ready()

    def headers(self) -> dict[str, str]:
        """Give the headers that let a request in."""
        return {"Authorization": f"Bearer {SECRET}"}

    def ask(self, method: str, path: str, content: object = None, *, seconds: float = 30) -> httpx.Response:
        """Ask one request over a connection of its own."""
        url = f"http://127.0.0.1:{self.port}{path}"
        return httpx.request(method, url, json=content, headers=self.headers(), timeout=seconds)

    def workers(self) -> list[int]:
        """Give the ids of the processes that answer."""
        command = ["pgrep", "-P", str(self.process.pid), "-f", "worker"]
        return [int(pid) for pid in subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()]

    def wait_until_ready(self, seconds: float = _START_SECONDS) -> None:
        """Wait until every worker answers; each speaks for itself until it has begun, so several are asked."""
        deadline = time.monotonic() + seconds
        in_a_row = 0
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                is_ready = self.ask("GET", "/readyz").status_code == 200 and len(self.workers()) == os.cpu_count()
                in_a_row = in_a_row + 1 if is_ready else 0
            except httpx.TransportError:
                in_a_row = 0
            if in_a_row == _IN_A_ROW:
                return
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"not ready within {seconds} s:\n{self.log.read_text()}")

    def stop(self, seconds: float = 40) -> int:
        """Ask it to end, and give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it and its workers at once; each has a process group of its own."""
        if self.process.poll() is None:
            for pid in (self.process.pid, *self.workers()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        given = {"STANCE_CONFIG": str(self._config), "STANCE_API_KEY": SECRET, "BENTOML_HOME": str(self._home)}
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "serving", "serve"],
                cwd=ROOT,
                env={**os.environ, **given},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _write_config(folder: Path, changed: Mapping[str, str]) -> Path:
    lines = (ROOT / "configs" / "serve.toml").read_text().splitlines()
    names = [line.partition(" = ")[0] for line in lines]
    assert set(changed) <= set(names)
    path = folder / "serve.toml"
    path.write_text(
        "\n".join(
            f"{name} = {changed[name]}" if name in changed else line for name, line in zip(names, lines, strict=True)
        )
    )
    return path


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
