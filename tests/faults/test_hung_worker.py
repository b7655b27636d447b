"""A worker that hangs makes the service unready within five seconds; the others go on."""

import os
import signal
import time

import pytest

from tests.faults.conftest import Serve
from tests.load.served import Served

BODY = {"statements": [{"text": "We agree to it."}]}


def _wait_for(served: Served, status: int, seconds: float) -> float:
    """Wait for this status of /readyz, and give how long it took."""
    begun = time.monotonic()
    while served.ask("GET", "/readyz", seconds=2).status_code != status:
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)
    return time.monotonic() - begun


def test_a_worker_that_hangs_is_told_of_and_the_other_answers(serve: Serve, is_long: bool) -> None:  # noqa: FBT001
    """503 within 5 s, statements answered throughout, and ready again when it goes on."""
    served = serve()
    for _ in range(20 if is_long else 1):
        victim = served.workers()[0]
        os.kill(victim, signal.SIGSTOP)
        _wait_for(served, 503, 5)
        assert "a worker does not answer" == served.ask("GET", "/readyz").json()["detail"]
        for _ in range(10):
            assert 200 == served.ask("POST", "/v1/classify", BODY, seconds=5).status_code
        os.kill(victim, signal.SIGCONT)
        _wait_for(served, 200, 5)


def test_a_healthy_service_is_not_told_of(serve: Serve) -> None:
    """Negative control: without a hung worker /readyz is never 503 in those five seconds."""
    served = serve()
    with pytest.raises(AssertionError):
        _wait_for(served, 503, 5)
