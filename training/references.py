"""
Labels by reference: a table that names statements by id and sum, and holds no word of them.

Texts belong to their authors and cannot be in the project; what was read in them can.
"""

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from models.errors import DataError
from training.data import check_statement, numbered_lines, parse_object

_COLUMNS = ("id", "sha256_12", "stance", "confidence", "condition")
_SUM_DIGITS = 12


def apply_references(
    tables: Iterable[Path], *, labelled: Sequence[Path], texts: Sequence[Path]
) -> Iterator[dict[str, Any]]:
    """
    Give all lines of labelled JSONL with the tables' labels where they have one, then the tables' other statements.

    Args:
        tables: tab-separated, with a head: id, sha256_12, stance, confidence, and condition as `start-end` or empty.
        labelled: labelled JSONL; a later label of a table replaces the line's own.
        texts: JSONL (also .gz) of unlabelled statements that the tables may name.

    Raises:
        DataError: a table that is not as it must be, an id that is labelled twice, a text that is not the one that
            was labelled, or an id that none of the files has.
    """
    rows: dict[str, dict[str, str]] = {}
    for table in tables:
        for new in _read_table(table):
            if new["id"] in rows:
                raise DataError(f"{new['place']}: {new['id']!r} was labelled before, at {rows[new['id']]['place']}")
            rows[new["id"]] = new
    for path in labelled:
        for place, line in _objects(path):
            row = rows.pop(str(line.get("id")), None)
            yield _labelled(row, line, place) if row else line
    for path in texts:
        for place, line in _objects(path):
            row = rows.pop(str(line.get("id")), None)
            if row:
                yield _labelled(row, line, place)
    if rows:
        raise DataError(f"{len(rows)} labels name statements that no file has, first {next(iter(rows))!r}")


def text_sum(text: str) -> str:
    """Give the first 12 hex digits of SHA-256 over the lower-cased letters, digits and underscores of a text."""
    return hashlib.sha256(re.sub(r"\W+", "", text.lower()).encode()).hexdigest()[:_SUM_DIGITS]


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((place, parse_object(line, place)) for place, line in numbered_lines(path))


def _read_table(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t")
            if tuple(reader.fieldnames or ()) != _COLUMNS:
                raise DataError(f"{path}:1: columns {reader.fieldnames} are not {', '.join(_COLUMNS)}")
            for row in reader:
                place = f"{path}:{reader.line_num}"
                if None in row or None in row.values():
                    raise DataError(f"{place}: {row} has not {len(_COLUMNS)} columns")
                yield {**row, "place": place}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _labelled(row: dict[str, str], line: dict[str, Any], place: str) -> dict[str, Any]:
    text = line.get("text")
    if not isinstance(text, str) or text_sum(text) != row["sha256_12"]:
        raise DataError(f"{place}: not the text that {row['place']} labels: its sum is not {row['sha256_12']}")
    condition = None
    if row["condition"]:
        try:
            start, end = map(int, row["condition"].split("-"))
        except ValueError as error:
            raise DataError(f"{row['place']}: condition {row['condition']!r} is not start-end") from error
        condition = {"start": start, "end": end, "text": text[start:end]}
        # The sum passes over marks and white space, offsets do not: where these differ, words are cut.
        if any(text[max(edge - 1, 0) : edge + 1].isalnum() for edge in (start, end) if 0 < edge < len(text)):
            raise DataError(f"{row['place']}: condition {row['condition']} cuts a word of {place}")
    given = row["confidence"]
    label = {"stance": row["stance"], "confidence": int(given) if given.isdecimal() else given, "condition": condition}
    joined = {**line, **label}
    check_statement(joined, row["place"])
    return joined
