"""Files of labels in: feedback, Label Studio, doccano, CSV, JSONL and Parquet; each fault by file and row."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from models.errors import DataError
from training.label_tools import label_studio_labels, raw_of_row
from training.labels import Fault, Label, RawLabel, check_label, text_key

_NUMBERS = ("confidence", "condition_start", "condition_end")
_Found = tuple[str, str, RawLabel] | Fault


@dataclass(frozen=True, slots=True)
class Reading:
    """What files held: labels in the order of their rows, and what was wrong with the others."""

    labels: list[Label]
    faults: list[Fault]


def read_labels(paths: Iterable[Path], *, now: datetime) -> Reading:
    """
    Read files of labels by their suffix: .json is Label Studio's, .jsonl is told apart row by row.

    Raises:
        DataError: a file that cannot be opened, or whose suffix is not known.
    """
    labels: list[Label] = []
    faults: list[Fault] = []
    seen: dict[tuple[object, ...], str] = {}
    for path in paths:
        for found in _open(path):
            result = found if isinstance(found, Fault) else _check(*found, now=now, seen=seen)
            (faults if isinstance(result, Fault) else labels).append(result)  # type: ignore[arg-type]
    return Reading(labels, faults)


def _check(
    place: str, tool: str, raw: RawLabel, *, now: datetime, seen: dict[tuple[object, ...], str]
) -> Label | Fault:
    try:
        label = check_label(raw, place=place, tool=tool, now=now)
    except DataError as error:
        return Fault(place, str(error))
    # The second stance of one person at one time is a slip; at another time it is a change of mind.
    key = (text_key(label.text), label.who, label.when, label.stance is None)
    if key in seen and not label.is_gold:
        return Fault(place, f"{label.who!r} labelled {label.text[:40]!r} at the same time in {seen[key]}")
    seen[key] = place
    return label


def _open(path: Path) -> Iterator[_Found]:
    readers = {".json": _read_json, ".jsonl": _read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet}
    if path.suffix not in readers:
        raise DataError(f"{path}: suffix {path.suffix!r} is not one of {', '.join(readers)}")
    try:
        yield from readers[path.suffix](path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _read_json(path: Path) -> Iterator[_Found]:
    try:
        tasks = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    if not isinstance(tasks, list):
        raise DataError(f"{path}: Label Studio's export is a list of tasks, not {type(tasks).__name__}")
    for number, task in enumerate(tasks, start=1):
        place = f"{path}:{number}"
        if not isinstance(task, dict):
            yield Fault(place, f"a task must be an object, not {task!r}")
            continue
        for raw in label_studio_labels(task):
            yield Fault(place, str(raw)) if isinstance(raw, DataError) else (place, "label-studio", raw)


def _read_jsonl(path: Path) -> Iterator[_Found]:
    # Not by universal lines: a statement may hold U+2028.
    for number, line in enumerate(path.read_bytes().removesuffix(b"\n").split(b"\n"), start=1):
        place = f"{path}:{number}"
        try:
            row = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield Fault(place, f"byte {error.start}, {line[error.start : error.start + 1]!r}, is not UTF-8")
        except ValueError as error:
            yield Fault(place, f"not JSON: {error}: {line[:40].decode('utf-8', 'replace')!r}")
        else:
            yield from _from_row(row, path, number)


def _read_csv(path: Path) -> Iterator[_Found]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in (reader := csv.DictReader(file)):
                place = f"{path}:{reader.line_num}"
                if extra := row.pop(None, None):
                    yield Fault(place, f"more values than columns: {extra!r}")
                    continue
                yield from _from_row({key: _cell(key, value) for key, value in row.items()}, path, reader.line_num)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8; save it as CSV UTF-8") from error


def _read_parquet(path: Path) -> Iterator[_Found]:
    try:
        table = pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"{path}: not Parquet: {error}") from error
    number = 0
    for batch in table.iter_batches():
        for row in batch.to_pylist():
            number += 1
            yield from _from_row(row, path, number)


def _from_row(row: Any, path: Path, number: int) -> Iterator[_Found]:
    place = f"{path}:{number}"
    if not isinstance(row, dict):
        yield Fault(place, f"a row must be an object, not {row!r}")
        return
    try:
        told = raw_of_row(row, file=path.stem)
    except DataError as error:
        yield Fault(place, str(error))
        return
    if told:
        yield place, *told


def _cell(column: str, value: str | None) -> object:
    """Take an empty cell as nothing said, and numbers as such; all else stays as it was written."""
    if value is None or not value.strip():
        return None
    return int(value) if column in _NUMBERS and value.strip().isdecimal() else value
