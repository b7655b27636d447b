"""Models that tests share, and the flag under which a skipped test is a failure."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from models.classifier import StanceClassifier

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --long."""
    parser.addoption("--long", action="store_true", help="the long form of the tests in tests/faults")


@pytest.fixture(scope="session")
def shipped() -> StanceClassifier:
    """Load the model that comes with the project."""
    return StanceClassifier.load()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the tiny model on the project's own statements, as `fit configs/smoke.toml` does."""
    from training.config import read_fit_config
    from training.recipe import fit_model

    config = read_fit_config(ROOT / "configs" / "smoke.toml")
    runs = tmp_path_factory.mktemp("runs")
    return fit_model(config, data=[], apart_from=[], runs=runs, today=date(2026, 11, 25))


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> StanceClassifier:
    """Load the tiny model."""
    return StanceClassifier.load(tiny_folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turn a skip into a failure where DETENTE_NO_SKIP says that nothing may be skipped."""
    report = yield
    if report.skipped and os.environ.get("DETENTE_NO_SKIP") == "1":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr}"
    return report
