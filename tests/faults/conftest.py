"""Services that faults are done to; --long makes each of these tests last."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.load.served import Served
from tests.serving.conftest import config, make_client

__all__ = ["config", "make_client"]
Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path, tiny_folder: Path) -> Iterator[Serve]:
    """Start services with the tiny model; what is left of them ends with the test."""
    started: list[Served] = []

    def start(**settings: str) -> Served:
        served = Served(tmp_path / str(len(started)), model=tiny_folder, settings=settings)
        started.append(served)
        return served

    yield start
    for served in started:
        served.kill()


@pytest.fixture
def is_long(request: pytest.FixtureRequest) -> bool:
    """Claim that the long form was asked for."""
    return bool(request.config.getoption("--long"))
