"""What a machine does to a run: killed at any moment, the disk full, the reader gone."""

import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.__main__ import main

ROOT = Path(__file__).parent.parent.parent
# The long form: `make kill-test`.
KILLS = int(os.environ.get("DETENTE_KILLS", "3"))
ROWS = 2_000 if KILLS > 3 else 400
PART = ROWS // 25


def _write_input(path: Path, sentence: str = "We shall return to point {} of the note once they answer {}.") -> None:
    texts = [sentence.format(n, n * n) for n in range(ROWS)]
    match path.suffix:
        case ".parquet":
            pq.write_table(pa.table({"n": range(ROWS), "text": texts}), path, row_group_size=ROWS // 3)
        case ".jsonl":
            path.write_text("".join(json.dumps({"n": n, "text": text}) + "\n" for n, text in enumerate(texts)))
        case _:
            path.write_text("n,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts)))


def _command(source: Path, out: Path, model: Path) -> list[str]:
    given = ["batch", str(source), "-o", str(out), "--model", str(model), "--part-rows", str(PART), "--quiet"]
    return [sys.executable, "-m", "serving", *given]


def _parts(out: Path) -> int:
    """Count the entries of the journal: its head and the opening are two."""
    journal = out.with_name(f"{out.name}.work") / "journal.jsonl"
    return journal.read_bytes().count(b"\n") - 2 if journal.exists() else 0


def _kill_at(command: list[str], out: Path, parts: int) -> bool:
    """Kill a run and all its workers once it has written so many parts; claim that it was still at work."""
    run = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE)
    while run.poll() is None and _parts(out) < parts:
        time.sleep(0.002)
    was_alive = run.poll() is None
    if was_alive:
        os.killpg(run.pid, signal.SIGKILL)
    assert run.stderr
    said = run.stderr.read()
    run.stderr.close()
    assert was_alive or run.wait() == 0, said
    run.wait()
    return was_alive


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_run_killed_at_any_moment_ends_as_an_undisturbed_one(tmp_path: Path, tiny_folder: Path, suffix: str) -> None:
    """SIGKILL to the whole group between the first part and the last, every third time again during the resume."""
    model = ROOT / "models" / "default" if KILLS > 3 else tiny_folder
    source, whole = tmp_path / f"in{suffix}", tmp_path / f"whole{suffix}"
    _write_input(source, "We reject note {}.")
    subprocess.run(_command(source, whole, model), cwd=ROOT, check=True)
    expected = whole.read_bytes()
    moments = random.Random(20261125)
    killed = 0
    runs = -(-KILLS // 3)
    for number in range(runs):
        out = tmp_path / f"out{number}{suffix}"
        command = _command(source, out, model)
        killed += _kill_at(command, out, moments.randint(1, 22))
        if number % 3 == 0 and not out.exists():
            _kill_at(command, out, _parts(out) + 2)
        work = out.with_name(f"{out.name}.work")
        subprocess.run(command, cwd=ROOT, check=work.exists() or not out.exists())
        assert expected == out.read_bytes()
        assert not work.exists()
        out.unlink()
    print(f"{suffix}: {killed} of {runs} runs killed between the first part and the last")  # noqa: T201
    assert killed >= 0.9 * runs


def test_a_full_disk_stops_the_run_and_the_next_one_goes_on(tmp_path: Path, tiny_folder: Path) -> None:
    """Exit 2 with the reason; with room again the same command ends as if nothing had been."""
    source, whole, out = tmp_path / "in.csv", tmp_path / "whole.csv", tmp_path / "out.csv"
    # Rows so long that half of the output is still more than the model's own file in the temporary folder.
    texts = (
        f"We shall return to point {n} of the note once they answer {n * n}.,{'remark ' * 300}" for n in range(ROWS)
    )
    source.write_text("text,remark\n" + "\n".join(texts) + "\n")
    subprocess.run(_command(source, whole, tiny_folder), cwd=ROOT, check=True)

    def limit() -> None:
        room = whole.stat().st_size // 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    command = _command(source, out, tiny_folder)
    stopped = subprocess.run(command, cwd=ROOT, preexec_fn=limit, capture_output=True, text=True)  # noqa: PLW1510
    assert 2 == stopped.returncode
    assert "File too large" in stopped.stderr
    assert not out.exists()
    assert _parts(out) > 5
    subprocess.run(command, cwd=ROOT, check=True)
    assert whole.read_bytes() == out.read_bytes()


def test_an_input_cut_short_stops_the_run(
    tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 and no output; once it is whole, another file than the run began with, only --restart takes it."""
    plain, source, out = tmp_path / "in.csv", tmp_path / "in.csv.gz", tmp_path / "out.csv"
    _write_input(plain)
    whole = gzip.compress(plain.read_bytes())
    source.write_bytes(whole[: len(whole) * 3 // 4])
    command = [*_command(source, out, tiny_folder)[3:], "--workers", "1"]
    assert 2 == main(command)
    assert "in.csv.gz cannot be read to its end" in capsys.readouterr().err
    assert not out.exists()
    assert _parts(out) > 5
    source.write_bytes(whole)
    assert 2 == main(command)
    assert f"size of {source} is {len(whole)}, was" in capsys.readouterr().err
    assert 0 == main([*command, "--restart"])
    assert {plain, source, out} == set(tmp_path.iterdir())


def test_a_parquet_file_cut_short_is_refused(
    tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is written, since its end says what is in it."""
    source = tmp_path / "in.parquet"
    _write_input(source)
    source.write_bytes(source.read_bytes()[:-40])
    assert 2 == main(_command(source, tmp_path / "out.parquet", tiny_folder)[3:])
    assert "in.parquet cannot be read as parquet" in capsys.readouterr().err
    assert [source] == list(tmp_path.iterdir())


def test_workers_do_not_outlive_a_killed_run(tmp_path: Path, tiny_folder: Path) -> None:
    """Killed alone, not with its group: they notice and end."""
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    _write_input(source)
    run = subprocess.Popen(_command(source, out, tiny_folder), cwd=ROOT, start_new_session=True)
    while _parts(out) < 1:
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.wait()
    until = time.monotonic() + 30
    while _group_is_alive(run.pid):
        assert time.monotonic() < until
        time.sleep(0.05)


def _group_is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_reader_that_goes_away_stops_the_run(tmp_path: Path, tiny_folder: Path) -> None:
    """As with `| head`: exit 2 and one line, no traceback."""
    source = tmp_path / "in.csv"
    _write_input(source)
    command = [*_command(source, Path("-"), tiny_folder), "--part-rows", "8"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout and run.stderr  # noqa: PT018
        assert run.stdout.readline().startswith("n,text,stance")
        run.stdout.close()
        said = run.stderr.read()
    assert 2 == run.returncode
    assert "Traceback" not in said
    assert "Broken pipe" in said
