"""The tests of corrections against PostgreSQL from Debian's packages, started here and ended here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.served import ROOT, free_port

pytestmark = pytest.mark.deploy


def _as_postgres(command: list[str | Path]) -> list[str | Path]:
    """Root may not run the database's programs; their own user may."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Start a database on a free port of this machine, without a password."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    port = free_port()
    folder = Path(f"/tmp/detente-postgres-{port}")  # noqa: S108 - its user may not enter pytest's folders
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    subprocess.run(_as_postgres([programs / "initdb", "-D", data, "-U", "stance", "-A", "trust"]), check=True)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"
    control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    subprocess.run(_as_postgres([*control, "-o", options, "start"]), check=True)
    yield f"postgresql+psycopg://stance@127.0.0.1:{port}/postgres"
    subprocess.run(_as_postgres([*control, "-m", "fast", "stop"]), check=True)
    shutil.rmtree(folder)


def test_corrections_are_kept_in_postgresql_as_in_sqlite(url: str) -> None:
    """Each test of corrections passes against it, none is left out."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/serving/test_feedback.py"]
    environment = {**os.environ, "STANCE_TEST_POSTGRES": url, "DETENTE_NO_SKIP": "1"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert 0 == ran.returncode, ran.stdout
