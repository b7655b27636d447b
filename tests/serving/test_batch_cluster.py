"""The batch run on a Ray of two workers: the answers of one machine, whoever dies."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.__main__ import main

pytest.importorskip("ray")
ROOT = Path(__file__).parent.parent.parent
ROWS = 400


def _write_input(folder: Path) -> None:
    folder.mkdir()
    for number in range(3):
        texts = [f"We shall return to point {n} of the note once they answer {number}." for n in range(ROWS - 1)]
        columns = {
            "n": pa.array(range(ROWS), pa.int16()),
            "text": pa.array([*texts, None]),
            "speaker": pa.array(["A", "B"] * (ROWS // 2)).dictionary_encode(),
            "said": pa.array([datetime(2026, 1, 2, tzinfo=UTC)] * ROWS, pa.timestamp("us", "Europe/Berlin")),
            "notes": pa.array([[{"n": n}] for n in range(ROWS)]),
        }
        table = pa.table(columns).replace_schema_metadata({"archive": "7"})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=150)


def _command(folder: Path, out: Path, model: Path) -> list[str]:
    # One row a block makes shards of 64 rows.
    return ["batch", str(folder), "-o", str(out), "--model", str(model), "--part-rows", "1", "--workers", "2"]


def _start(command: list[str], mark: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "serving", *command, "--engine", "ray"]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "MARK": mark}, stderr=subprocess.PIPE, text=True)


def _wait_for_shards(out: Path, count: int) -> None:
    until = time.monotonic() + 120
    while len(list(out.with_name(f"{out.name}.work").glob("shards/part-*.parquet"))) < count:
        assert time.monotonic() < until
        time.sleep(0.005)


def _workers(mark: str) -> list[int]:
    """Find the actors of a run by the environment that they were given."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = f"MARK={mark}".encode() in (process / "environ").read_bytes()
            if is_ours and b"MapWorker" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:  # it has just ended
            continue
    return found


def _read(out: Path) -> pa.Table:
    return pa.concat_tables([pq.ParquetFile(shard).read() for shard in sorted(out.iterdir())])


def test_a_cluster_gives_what_one_machine_gives(tmp_path: Path, tiny_folder: Path) -> None:
    """The same rows, answers, types and metadata, though all of it is killed, and then a worker of the next run."""
    _write_input(tmp_path / "in")
    local = _command(tmp_path / "in", tmp_path / "local.parquet", tiny_folder)
    assert main([*local, "--quiet", "--part-rows", "256"]) == 1
    expected = pq.ParquetFile(tmp_path / "local.parquet").read()

    out = tmp_path / "out"
    run = _start(_command(tmp_path / "in", out, tiny_folder), str(out))
    _wait_for_shards(out, 2)
    run.kill()
    run.communicate()
    assert not out.exists()

    run = _start(_command(tmp_path / "in", out, tiny_folder), str(out))
    _wait_for_shards(out, 6)
    os.kill(_workers(str(out))[0], signal.SIGKILL)
    _, said = run.communicate()
    assert 1 == run.returncode, said
    assert "of them by an earlier run" in said
    assert expected.schema.equals(_read(out).schema, check_metadata=True)
    assert expected.equals(_read(out))
    assert {"in", "local.parquet", "out"} == {path.name for path in tmp_path.iterdir()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with two inputs and a folder of somebody's."""
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("text\nWe agree.\n")
    pq.write_table(pa.table({"text": ["We agree."]}), "in.parquet")
    Path("in").mkdir()
    Path("in", "kept").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["in.csv", "-o", "out", "--engine", "ray"], "reads and writes folders of Parquet, not csv"),
        (["in.parquet", "-o", "-", "--engine", "ray"], "or pipes"),
        (["in.parquet", "-o", "in", "--engine", "ray"], "in is already there. --restart replaces it"),
        (["in.parquet", "-o", "in", "--engine", "ray", "--restart"], "in is no output of --engine ray"),
        (["in.parquet", "-o", "out", "--engine", "ray", "--strict"], "--engine ray has no --strict"),
        (["in.parquet", "-o", "out.parquet", "--address", "auto"], "--address is for --engine ray"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused(
    here: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str], given: list[str], reason: str
) -> None:
    """Exit 2, with the reason, before anything is started or written."""
    before = sorted(here.rglob("*"))
    assert main(["batch", *given, "--model", str(tiny_folder), "--quiet"]) == 2
    assert reason in capsys.readouterr().err
    assert before == sorted(here.rglob("*"))
