"""Whether the service can answer: a known statement is read each second, and every worker knows how the others are."""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

from models.stance import Answer
from serving.admission import PROBE, Desk, Score

KNOWN_STATEMENT = "We will come back to the table once the blockade is lifted."
_BEAT_SECONDS = 1.0
_STALE_SECONDS = 3.5
_LOG = logging.getLogger(__name__)


class Health:
    """
    One worker's state and its view of the others.

    Args:
        known: gives the function that scores, and the answer that it must give to KNOWN_STATEMENT.
        folder: where the workers of a service leave word of themselves; None for a single process.
    """

    def __init__(self, desk: Desk, known: Callable[[], tuple[Score, Answer]], folder: Path | None) -> None:
        self.is_stopping = False
        self._desk = desk
        self._known = known
        self._folder = folder
        self._last_beat = 0.0

    def faults(self) -> list[str]:
        """Say why the service should get no requests; nothing where it should."""
        if self.is_stopping:
            return ["the service is stopping"]
        oldest = min([self._last_beat, *self._siblings()])
        if time.time() - oldest > _STALE_SECONDS:
            return ["a worker does not answer" if oldest else "a worker has not begun to answer"]
        return []

    async def watch(self) -> None:
        """
        Read the known statement each second; a worker that cannot is missed by the others.

        It stops where the process that started it is gone: nobody would replace it, nor end it with the service.
        """
        _notify("READY=1")
        parent = os.getppid()
        while os.getppid() == parent:
            score, expected = self._known()
            with self._desk.place(PROBE, [KNOWN_STATEMENT], score) as answered:
                if [expected] == await answered:
                    self._beat()
                else:
                    _LOG.error("the known statement was answered in another way than when the model was loaded")
            if not self.faults():
                _notify("WATCHDOG=1")
            await asyncio.sleep(_BEAT_SECONDS)
        _LOG.error("the process that started this worker is gone; the worker stops")
        os.kill(os.getpid(), signal.SIGTERM)

    def close(self) -> None:
        """Take leave of the other workers."""
        if self._folder:
            self._file(os.getpid()).unlink(missing_ok=True)

    def drain_on_sigterm(self, seconds: float) -> None:
        """At SIGTERM be unready at once, and stop as the server would only after some seconds."""
        loop = asyncio.get_running_loop()
        stop = signal.getsignal(signal.SIGTERM)

        def begin() -> None:
            self.is_stopping = True
            if callable(stop):
                loop.call_later(seconds, stop, signal.SIGTERM, None)

        loop.add_signal_handler(signal.SIGTERM, begin)

    def _beat(self) -> None:
        self._last_beat = time.time()
        if self._folder:
            self._file(os.getpid()).touch()

    def _siblings(self) -> list[float]:
        beats = []
        for file in self._folder.glob(self._file("*").name) if self._folder else []:
            pid = int(file.stem.rpartition("-")[2])
            if not _is_alive(pid):
                mark_process_dead(pid, str(self._folder))
                file.unlink(missing_ok=True)
                continue
            with suppress(FileNotFoundError):  # it has taken leave meanwhile
                beats.append(file.stat().st_mtime)
        return beats

    def _file(self, pid: int | str) -> Path:
        # Named for the parent too: workers of another service may share the folder.
        return (self._folder or Path()) / f"worker-{os.getppid()}-{pid}.beat"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _notify(state: str) -> None:
    """Tell systemd, where it has started us (sd_notify(3))."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(state.encode(), address.replace("@", "\0", 1))
