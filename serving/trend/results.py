"""The rows of a batch run's output, one at a time, with the columns that are asked for."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import TableError
from serving.tables.places import Kind, find_places, kind_of
from serving.tables.texts import BOM, open_text

Record = Mapping[str, object]
_BATCH_ROWS = 4_096


def read_results(path: Path, *, prefix: str, columns: list[str], encoding: str = "utf-8") -> Iterator[Record]:
    """
    Read the rows of an output, a file or a folder of shards; cells of CSV are strings.

    Raises:
        TableError: no output of a batch run, or without one of the columns.
    """
    kind, compression = (Kind.PARQUET, "") if path.is_dir() else kind_of(path.name)
    own = f"{prefix}stance"
    match kind:
        case Kind.CSV | Kind.TSV:
            rows = _read_delimited(path, compression, prefix, encoding)
        case Kind.JSONL:
            rows = _read_jsonl(path, compression, encoding)
        case Kind.PARQUET | Kind.FEATHER:
            files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
            rows = chain.from_iterable(_read_columnar(file, kind, [own, *columns]) for file in files)
        case None:
            raise TableError(f"{path}: its name does not tell its format")
    first = next(rows, None)
    if first is None:
        return
    for name in (own, *columns):
        # Objects of JSONL may each have other fields.
        if name not in first and (kind != Kind.JSONL or name == own):
            raise TableError(f"{path} has no column {name}; its columns are: {', '.join(first)}")
    for row in chain([first], rows):
        yield {name: row.get(name) for name in (own, *columns)}


def _read_delimited(path: Path, compression: str, prefix: str, encoding: str) -> Iterator[Record]:
    with open_text(find_places([str(path)], apart=())[0], compression, encoding, "") as stream:
        lines = stream.lines()
        head = next(lines, "").removeprefix(BOM)
        # Ours are the columns that show the delimiter.
        found = re.search(rf"{re.escape(prefix)}stance(.){re.escape(prefix)}leaning", head)
        if not found:
            raise TableError(f"{path} has no columns {prefix}stance and {prefix}leaning: not the output of a batch run")
        yield from csv.DictReader(chain([head], lines), delimiter=found[1])


def _read_jsonl(path: Path, compression: str, encoding: str) -> Iterator[Record]:
    with open_text(find_places([str(path)], apart=())[0], compression, encoding, "\n") as stream:
        for line in stream.lines():
            yield json.loads(line)


def _read_columnar(path: Path, kind: Kind, columns: list[str]) -> Iterator[Record]:
    try:
        if kind == Kind.PARQUET:
            file = pq.ParquetFile(path)
            wanted = [name for name in columns if name in file.schema_arrow.names]
            batches = file.iter_batches(batch_size=_BATCH_ROWS, columns=wanted)
        else:
            table = pa.ipc.open_file(pa.memory_map(str(path)))
            batches = (table.get_batch(i) for i in range(table.num_record_batches))
        for batch in batches:
            yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise TableError(f"{path} cannot be read as {kind}: {error}") from error
