"""`python -m serving batch`: any table in, every row out, and an exit code that says how it went."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from models.classifier import StanceClassifier
from serving.__main__ import main

ROOT = Path(__file__).parent.parent.parent
STATEMENTS = ["We will talk once they leave.", "We reject the note.", "We agree to it.", "The minister arrived."]


@pytest.fixture
def batch(tiny_folder: Path) -> list[str]:
    return ["batch", "--model", str(tiny_folder), "--workers", "2", "--quiet"]


def _read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


def test_every_row_comes_out_with_the_answer_of_the_classifier(
    tmp_path: Path, batch: list[str], tiny: StanceClassifier
) -> None:
    """In its place, over parts and files, repeated statements included; the exit is 0."""
    texts = [f"{STATEMENTS[n % 4]} {n % 7}" for n in range(90)]
    for name, some in (("a", texts[:40]), ("b", texts[40:])):
        (tmp_path / f"{name}.csv").write_text("id,text\n" + "".join(f"{n},{t}\n" for n, t in enumerate(some)))
    assert main([*batch, str(tmp_path), "-o", str(tmp_path / "out.csv"), "--part-rows", "16"]) == 0
    rows = _read(tmp_path / "out.csv")
    assert texts == [row["text"] for row in rows]
    answers = tiny.classify(texts)
    assert [str(answer.stance) for answer in answers] == [row["stance"] for row in rows]
    assert [repr(answer.probabilities[answer.stance]) for answer in answers] == [
        row[f"p_{row['stance']}"] for row in rows
    ]
    assert {tiny.manifest.version} == {row["model"] for row in rows}
    assert {"a.csv", "b.csv", "out.csv"} == {path.name for path in tmp_path.iterdir()}


def test_rejected_rows_are_collected_as_they_were_read(tmp_path: Path, batch: list[str]) -> None:
    """With file and row number; the exit is 1 and the good rows are scored."""
    source = tmp_path / "in.csv"
    source.write_bytes(b'text\nWe agree.\n""\n"We \xff agree."\nWe wait.\n')
    rejects = tmp_path / "rejects.jsonl"
    assert main([*batch, str(source), "-o", str(tmp_path / "out.csv"), "--rejects", str(rejects)]) == 1
    expected = [
        {"file": str(source), "row": 2, "code": "blank", "reason": "text is blank", "as_read": '""\n'},
        {
            "file": str(source),
            "row": 3,
            "code": "not_utf8",
            "reason": "byte 0xFF at character 3 is not UTF-8",
            "as_read": '"We \\xff agree."\n',
        },
    ]
    assert expected == [json.loads(line) for line in rejects.read_text().splitlines()]


def test_strict_stops_at_the_first_bad_row(
    tmp_path: Path, batch: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, the row named, no output; without --strict the run goes on from there."""
    (tmp_path / "in.csv").write_text("id,text\n1,We agree.\n2,\n3,We wait.\n")
    command = [*batch, str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv"), "--part-rows", "1"]
    assert main([*command, "--strict"]) == 2
    assert "in.csv: row 2: blank: text is blank; --strict stops here" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()
    assert main(command) == 1
    assert ["1", "2", "3"] == [row["id"] for row in _read(tmp_path / "out.csv")]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["in.csv", "-o", "out.jsonl"], "csv cannot be written as jsonl with every column as it was; write csv"),
        (["in.csv", "in.jsonl", "-o", "out.csv"], "inputs of several formats"),
        (["in.dat", "-o", "out.csv"], "in.dat: its name does not tell its format: say which with --format"),
        (["in.csv", "-o", "in.csv"], "no input is left"),
        (["in.csv", "-o", "out.csv"], "already has stance: name ours otherwise with --prefix"),
        (["in.jsonl", "old.jsonl", "-o", "out.jsonl"], "old.jsonl already has stance"),
        (["in.jsonl", "-o", "there.jsonl"], "there.jsonl is already there. --restart replaces it"),
        (["in.jsonl", "-o", "out.jsonl", "--rejects", "there.jsonl"], "there.jsonl is already there"),
        (["in.jsonl", "-o", "out.jsonl", "--rejects", "out.jsonl"], "cannot hold both the output and the rejects"),
        (["in.jsonl", "-o", "./"], "is a folder, not a file to write"),
        (["none.csv", "-o", "out.csv"], "none.csv: no such file"),
        (["in.jsonl", "-o", "out.jsonl", "--model", "nowhere"], "nowhere holds no manifest.json"),
        (["in.jsonl", "-o", "no/such/out.jsonl"], "no/such: no such folder"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    tmp_path: Path, batch: list[str], capsys: pytest.CaptureFixture[str], given: list[str], reason: str
) -> None:
    """Exit 2, with the reason."""
    (tmp_path / "in.csv").write_text("text,stance\nWe agree.,x\n")
    (tmp_path / "in.jsonl").write_text('{"text": "We agree."}\n')
    (tmp_path / "old.jsonl").write_text('{"text": "We agree.", "stance": "x"}\n')
    (tmp_path / "in.dat").touch()
    (tmp_path / "there.jsonl").touch()
    before = sorted(tmp_path.iterdir())
    assert main([*batch, *(str(tmp_path / name) if "." in name or "/" in name else name for name in given)]) == 2
    assert reason in capsys.readouterr().err
    assert before == sorted(tmp_path.iterdir())


def test_stdin_goes_to_stdout_in_a_stream(batch: list[str]) -> None:
    """The first rows are out while the input is still open; stderr says that such a run cannot be taken up."""
    command = [sys.executable, "-m", "serving", *batch, "-", "--format", "jsonl", "-o", "-"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdin and run.stdout and run.stderr  # noqa: PT018
        run.stdin.write(b'{"text": "We agree.", "n": 1}\n' * 400)
        run.stdin.flush()
        first = json.loads(run.stdout.readline())
        run.stdin.close()
        rest, said = run.stdout.read(), run.stderr.read()
    assert [1, "We agree."] == [first["n"], first["text"]]
    assert 399 == len(rest.splitlines())
    assert b"stdin and stdout cannot be taken up again" in said
    assert 0 == run.returncode


def test_the_summary_counts_every_row(tmp_path: Path, batch: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """By stance, with abstentions, rejects, time and where things are."""
    (tmp_path / "in.jsonl").write_text('{"text": "We agree."}\n' * 1_100 + '{"text": ""}\n')
    out = tmp_path / "out.jsonl"
    assert main([*batch[:-1], str(tmp_path / "in.jsonl"), "-o", str(out)]) == 1
    said = capsys.readouterr().err
    assert "1,101 rows, in 00:" in said
    assert f"written to {out}" in said
    counts = {line.split()[0]: line.split()[1] for line in said.splitlines() if line.startswith("  ")}
    assert "1" == counts["rejected"]
    assert "1,100" in [counts[stance] for stance in ("conciliatory", "conditional", "hostile", "none")]


def test_a_coverage_that_is_asked_for_decides_what_abstains(
    tmp_path: Path, batch: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """At the highest all four abstain with the tiny model; one that it does not have is refused with its limit."""
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\n" + "".join(f"{statement}\n" for statement in STATEMENTS))
    assert 0 == main([*batch, str(source), "-o", str(out), "--coverage", "0.99"])
    assert ["uncertain"] * 4 == [row["abstained"] for row in _read(out)]
    assert 2 == main([*batch, str(source), "-o", str(tmp_path / "other.csv"), "--coverage", "0.999"])
    assert "coverage 0.999 is above 0.99" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*batch, str(source), "-o", str(out), "--coverage", "90"])
    assert "'90' is not a number above 0, at most 1" in capsys.readouterr().err
