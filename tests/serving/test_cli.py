"""`python -m serving classify`: text, files and stdin in, a table or JSONL out."""

import io
import json
from pathlib import Path

import pytest

from serving.__main__ import main


@pytest.fixture
def model(tiny_folder: Path) -> list[str]:
    return ["--model", str(tiny_folder)]


def _answers(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_statements_on_the_command_line_make_a_table(model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A row for each, with its stance."""
    assert main(["classify", *model, "We will talk.", "We reject the note."]) == 0
    out = capsys.readouterr().out
    assert "We will talk." in out
    assert "stance" in out


def test_a_file_of_lines_gives_an_answer_a_line(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A statement a line, blank lines passed over, a byte order mark dropped, ids by line number."""
    path = tmp_path / "lines.txt"
    path.write_bytes("\ufeffWe will talk.\r\n\r\nWir sind bereit für Gespräche.\n".encode())
    assert main(["classify", *model, "--json", str(path)]) == 0
    answers = _answers(capsys)
    assert ["1", "3"] == [answer["id"] for answer in answers]
    assert [None, None] == [answer["error"] for answer in answers]


def test_faulty_rows_keep_their_place_and_the_exit_says_so(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of six lines of JSONL four are at fault; two are answered, in order, and the exit is 1."""
    path = tmp_path / "rows.jsonl"
    rows = [
        b'{"id": "a", "text": "We will talk."}',
        b'{"id": "b"}',
        b'{"id": "c", "text": ',
        b'{"text": 3}',
        b"\xff\xfe",
    ]
    path.write_bytes(b"\n".join([*rows, b'{"id": 9, "text": "We agree to it."}']))
    assert main(["classify", *model, "--json", str(path)]) == 1
    answers = _answers(capsys)
    assert ["a", "2", "3", "4", "5", "9"] == [answer["id"] for answer in answers]
    codes = [answer["error"] and answer["error"]["code"] for answer in answers]  # type: ignore[index]
    assert codes == [None, "no_text", "not_json", "wrong_type", "not_utf8", None]


def test_stdin_is_read_at_a_dash(
    model: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No limit on lines: 300 come back."""
    stdin = io.TextIOWrapper(io.BytesIO(b"We will talk.\n" * 300))
    monkeypatch.setattr("sys.stdin", stdin)
    assert main(["classify", *model, "--json", "-"]) == 0
    assert len(_answers(capsys)) == 300


def test_a_missing_model_is_an_error_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, the folder named, nothing on stdout."""
    assert main(["classify", "--model", str(tmp_path), "We agree."]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"error: {tmp_path} holds no manifest.json" in captured.err
