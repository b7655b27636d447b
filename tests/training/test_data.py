"""Labelled statements in; a fault is named by file, line and value."""

import json
from pathlib import Path

import pytest

from models.errors import DataError
from models.stance import Stance
from training.data import LabelledStatement, as_dataset, content_hash, expand_globs, read_statements

ROW = {
    "id": "a1",
    "text": "We will sign if they withdraw.",
    "stance": "conditional",
    "confidence": 3,
    "condition": {"start": 13, "end": 29, "text": "if they withdraw"},
    "source": "own",
    "document": "d1",
}


def _write(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_a_line_becomes_a_statement(tmp_path: Path) -> None:
    """All fields arrive, and a data set has a column for each."""
    statements = read_statements([_write(tmp_path / "a.jsonl", ROW)])
    assert statements == [LabelledStatement("a1", ROW["text"], Stance.CONDITIONAL, 3, (13, 29), "own", "d1")]  # type: ignore[arg-type]
    assert as_dataset(statements)["document"][:] == ["d1"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**ROW, "stance": "neutral"}, "stance 'neutral' is not one of conciliatory, conditional, hostile, none"),
        ({**ROW, "confidence": 4}, "confidence 4 is not one of 1, 2, 3"),
        ({**ROW, "text": " "}, "text is blank"),
        ({**ROW, "text": 5}, "text must be a string, not int"),
        ({**ROW, "document": ""}, "document must be a string that is not empty, not ''"),
        ({**ROW, "condition": {"start": 13, "end": 99, "text": "x"}}, "condition 13-99 is not inside a text of 30"),
        ({**ROW, "condition": {"start": 0, "end": 2, "text": "if"}}, "condition 0-2 is 'We', not 'if'"),
        ({**ROW, "condition": "if"}, "condition 'if' needs start, end and text"),
        ('{"id": ', "not JSON"),
        ("[1]", "a line must be an object, not list"),
        ({**ROW, "id": "b0"}, "id 'b0' was used before, at"),
    ],
)
def test_a_fault_is_named_by_file_line_and_value(tmp_path: Path, row: object, message: str) -> None:
    """The second line is at fault, and the message begins with its place."""
    path = _write(tmp_path / "b.jsonl", {**ROW, "id": "b0"}, row)
    with pytest.raises(DataError, match="b.jsonl:2: ") as caught:
        read_statements([path])
    assert message in str(caught.value)


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    """U+2028 is a line end for some readers, not for JSONL."""
    path = tmp_path / "c.jsonl"
    row = {**ROW, "text": "We agree.\u2028Truly so.", "condition": None}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [row["text"]] == [s.text for s in read_statements([path])]


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    """A pattern without a match is no empty data set."""
    with pytest.raises(DataError, match=r"nothing-\*\.jsonl: no such file"):
        expand_globs([str(tmp_path / "nothing-*.jsonl")])
    with pytest.raises(DataError, match=r"gone\.jsonl: cannot be read"):
        read_statements([tmp_path / "gone.jsonl"])


def test_the_hash_of_data_does_not_depend_on_its_order(tmp_path: Path) -> None:
    """The same statements are the same data; another label is another."""
    statements = read_statements([_write(tmp_path / "d.jsonl", ROW, {**ROW, "id": "a2"})])
    changed = read_statements([_write(tmp_path / "e.jsonl", ROW, {**ROW, "id": "a2", "confidence": 1})])
    assert content_hash(statements) == content_hash(statements[::-1])
    assert content_hash(statements) != content_hash(changed)
