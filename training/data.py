"""Labelled statements in, from JSONL; a fault is named by file, line and value. Sides are cut in `split`."""

import glob
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from models.errors import DataError, TextError
from models.stance import STANCES, Stance
from models.text import check_text

_CONFIDENCES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class LabelledStatement:
    """
    One statement with its label.

    Attributes:
        confidence: 3 sure, 2 probable, 1 arguable.
        condition: start and end of the condition in `text`, in characters, where one is marked.
        document: what must not be torn over two sides: an article, a speech, a written scenario.
    """

    id: str
    text: str
    stance: Stance
    confidence: int
    condition: tuple[int, int] | None
    source: str
    document: str


def read_statements(paths: Iterable[Path]) -> list[LabelledStatement]:
    """
    Read labelled JSONL files, one statement a line.

    Raises:
        DataError: a file that is missing, a line that is not as it must be, or an id seen before.
    """
    statements: list[LabelledStatement] = []
    seen: dict[str, str] = {}
    for path in paths:
        for number, line in enumerate(_lines(path), start=1):
            place = f"{path}:{number}"
            statement = check_statement(parse_object(line, place), place)
            if statement.id in seen:
                raise DataError(f"{place}: id {statement.id!r} was used before, at {seen[statement.id]}")
            seen[statement.id] = place
            statements.append(statement)
    return statements


def check_statement(row: Mapping[str, Any], place: str) -> LabelledStatement:
    """
    Make a statement of what one line of labelled JSONL holds.

    Raises:
        DataError: naming `place` and the value that is wrong.
    """
    text = _checked_text(row, place)
    if row.get("stance") not in list(STANCES):
        raise DataError(f"{place}: stance {row.get('stance')!r} is not one of {', '.join(STANCES)}")
    if row.get("confidence") not in _CONFIDENCES:
        raise DataError(f"{place}: confidence {row.get('confidence')!r} is not one of 1, 2, 3")
    return LabelledStatement(
        id=_name(row, "id", place),
        text=text,
        stance=Stance(row["stance"]),
        confidence=row["confidence"],
        condition=_checked_condition(row.get("condition"), text, place),
        source=_name(row, "source", place),
        document=_name(row, "document", place),
    )


def parse_object(line: str, place: str) -> dict[str, Any]:
    """
    Read one line of JSONL that must be an object.

    Raises:
        DataError: naming `place`.
    """
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: a line must be an object, not {type(row).__name__}")
    return row


def numbered_lines(path: Path) -> Iterator[tuple[str, str]]:
    """
    Give the place and the text of each line of a file, plain or .gz, one at a time.

    Raises:
        DataError: a file that is missing or damaged, or that ends early, naming the last line that could be read.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                yield f"{path}:{number}", line
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read after line {number}: {error}") from error


def as_dataset(statements: Sequence[LabelledStatement]) -> Dataset:
    """Put statements into a `datasets.Dataset`, one column for each field."""
    return Dataset.from_list([asdict(statement) for statement in statements])


def expand_globs(patterns: Sequence[str]) -> list[Path]:
    """
    Give the files that the patterns name, sorted within each pattern.

    Raises:
        DataError: a pattern that no file matches.
    """
    paths: list[Path] = []
    for pattern in patterns:
        found = sorted(glob.glob(pattern))
        if not found:
            raise DataError(f"{pattern}: no such file")
        paths.extend(Path(path) for path in found)
    return paths


def content_hash(statements: Sequence[LabelledStatement]) -> str:
    """Give the SHA-256 over all fields of all statements, whatever their order."""
    lines = sorted(json.dumps(asdict(statement), ensure_ascii=False) for statement in statements)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _lines(path: Path) -> list[str]:
    try:
        # Not splitlines(): a statement may hold U+2028, which ends a line for Python but not for JSONL.
        return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8") from error


def _checked_text(row: Mapping[str, Any], place: str) -> str:
    try:
        return check_text(row.get("text"))
    except TextError as error:
        raise DataError(f"{place}: {error.detail}") from error


def _name(row: Mapping[str, Any], field: str, place: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value:
        raise DataError(f"{place}: {field} must be a string that is not empty, not {value!r}")
    return value


def _checked_condition(condition: Any, text: str, place: str) -> tuple[int, int] | None:
    if condition is None:
        return None
    try:
        start, end, words = condition["start"], condition["end"], condition["text"]
    except (TypeError, KeyError) as error:
        raise DataError(f"{place}: condition {condition!r} needs start, end and text") from error
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= len(text):
        raise DataError(f"{place}: condition {start!r}-{end!r} is not inside a text of {len(text)} characters")
    if text[start:end] != words:
        raise DataError(f"{place}: condition {start}-{end} is {text[start:end]!r}, not {words!r}")
    return start, end
