"""Parquet and Feather: record batches with their own types, ours as columns after them."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import TableError, TextError
from serving.tables.block import Block, TableOptions
from serving.tables.columns import COLUMN_TYPES, OwnColumns, Verdict, choose_text
from serving.tables.places import Kind, Place

_TYPES = {str: pa.string(), float: pa.float64(), int: pa.int32(), bool: pa.bool_()}
_ROWS_A_GROUP = 65_536
File: TypeAlias = pq.ParquetFile | pa.ipc.RecordBatchFileReader


class Columnar:
    """Parquet or Feather files with the same schema; encoded as Arrow streams, one after the other."""

    def __init__(self, places: Sequence[Place], options: TableOptions) -> None:
        self._options = options
        first = places[0]
        schema = self._schema_of(first)
        for place in places[1:]:
            _check_alike(schema, self._schema_of(place), place.name)
        options.own.check_clash(schema.names, first.name)
        self.columns = list(schema.names)
        self.text = choose_text(schema.names, options.text, first.name)
        if not _holds_text(held := schema.field(self.text).type):
            raise TableError(f"{first.name}: column {self.text} holds {held}, not text")
        self.schema = pa.schema([*schema, *_own_fields(options.own)], metadata=schema.metadata)

    def blocks(self, place: Place, *, skip: int, size: int) -> Iterator[Block[pa.RecordBatch]]:
        """Read batches."""
        column = self.schema.get_field_index(self.text)
        with _open(place, self._options.kind) as file:
            total = _count(file)
            for first, batch in _batches(file, skip, size):
                share = (first - 1 + batch.num_rows) / total
                yield Block(place.name, first, _texts(batch.column(column)), batch, share)

    def opening(self) -> bytes:
        """Give an empty stream, so that a table without rows has its columns."""
        return self._stream(pa.RecordBatch.from_pylist([], schema=self.schema))

    def encode(self, block: Block[pa.RecordBatch], verdicts: Sequence[Verdict]) -> bytes:
        """Give the batch with our columns after its own, as a stream."""
        return self._stream(self.append(block, verdicts))

    def append(self, block: Block[pa.RecordBatch], verdicts: Sequence[Verdict]) -> pa.RecordBatch:
        """Give the batch with our columns after its own."""
        values = zip(*map(self._options.own.values, verdicts), strict=True)
        own = [pa.array(column, _TYPES[held]) for column, held in zip(values, COLUMN_TYPES.values(), strict=True)]
        return pa.RecordBatch.from_arrays([*block.rows.columns, *own], schema=self.schema)

    def as_read(self, block: Block[pa.RecordBatch], position: int) -> str:
        """Give one row as JSON."""
        row = block.rows.slice(position, 1)
        return json.dumps(dict(zip(row.schema.names, map(_value, row.columns), strict=True)), default=str)

    def finish(self, spool: Path) -> Path:
        """Write the streams as one file of the output's format."""
        out = spool.with_name("final")
        with pa.memory_map(str(spool)) as streams:
            write = _write_parquet if self._options.out_kind == Kind.PARQUET else _write_feather
            write(_read_streams(streams), self.schema, out)
        return out

    def _schema_of(self, place: Place) -> pa.Schema:
        with _open(place, self._options.kind) as file:
            return file.schema_arrow if isinstance(file, pq.ParquetFile) else file.schema

    def _stream(self, batch: pa.RecordBatch) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.schema) as writer:
            writer.write_batch(batch)
        return bytes(sink.getvalue())


@contextmanager
def _open(place: Place, kind: Kind) -> Iterator[File]:
    with place.open() as source:
        try:
            file = pa.PythonFile(source, mode="r")
            yield pq.ParquetFile(file) if kind == Kind.PARQUET else pa.ipc.open_file(file)
        except (pa.ArrowException, OSError) as error:
            raise TableError(f"{place.name} cannot be read as {kind}: {error}") from error


def _own_fields(own: OwnColumns) -> list[pa.Field]:
    return [pa.field(name, _TYPES[held]) for name, held in zip(own.names, COLUMN_TYPES.values(), strict=True)]


def _count(file: File) -> int:
    if isinstance(file, pq.ParquetFile):
        return int(file.metadata.num_rows)
    return sum(file.get_batch(i).num_rows for i in range(file.num_record_batches))


def _batches(file: File, skip: int, size: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Give batches, none across two of the file's own groups, each with the number of its first row."""
    first = 1
    for count, read in _groups(file, size):
        if first + count - 1 <= skip:
            first += count
            continue
        for batch in read():
            if first > skip:
                yield first, batch
            first += batch.num_rows


def _groups(file: File, size: int) -> Iterator[tuple[int, Callable[[], Iterable[pa.RecordBatch]]]]:
    if isinstance(file, pq.ParquetFile):
        for group in range(file.num_row_groups):
            read = partial(file.iter_batches, batch_size=size, row_groups=[group])
            yield file.metadata.row_group(group).num_rows, read
    else:
        for i in range(file.num_record_batches):
            batch = file.get_batch(i)
            yield batch.num_rows, partial(map, partial(_slice, batch, size), range(0, batch.num_rows, size))


def _slice(batch: pa.RecordBatch, size: int, start: int) -> pa.RecordBatch:
    return batch.slice(start, size)


def _check_alike(schema: pa.Schema, other: pa.Schema, place: str) -> None:
    if schema.equals(other):
        return
    mine, its = ({field.name: str(field.type) for field in each} for each in (schema, other))
    for name in [*mine, *its]:
        if mine.get(name) != its.get(name):
            what = f"column {name} is {its.get(name, 'not there')}; the first input has {mine.get(name, 'none such')}"
            raise TableError(f"{place}: {what}")
    raise TableError(f"{place}: columns in another order or nullable otherwise than in the first input")


def _holds_text(held: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(held):
        return _holds_text(held.value_type)
    return any(is_it(held) for is_it in (types.is_string, types.is_large_string, types.is_string_view, *_BINARY))


_BINARY = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_null)


def _texts(column: pa.Array) -> list[object]:
    return [_decoded(content) for content in _as_bytes(column).to_pylist()]


def _as_bytes(column: pa.Array) -> pa.Array:
    """Give strings as bytes: nothing guarantees that a file's strings are UTF-8."""
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return plain.cast(pa.large_binary()) if not pa.types.is_null(plain.type) else plain


def _decoded(content: bytes | None) -> object:
    if content is None:
        return TextError("null", "text is null")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        return TextError("not_utf8", f"byte 0x{content[error.start]:02X} at byte {error.start} is not UTF-8")


def _value(column: pa.Array) -> object:
    try:
        return column[0].as_py()
    except UnicodeDecodeError:
        return _as_bytes(column)[0].as_py().decode(errors="backslashreplace")
    except ValueError:  # times finer than Python's
        return column.cast(pa.string())[0].as_py()


def _read_streams(streams: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    while streams.tell() < streams.size():
        yield from pa.ipc.open_stream(streams)


def _write_parquet(batches: Iterator[pa.RecordBatch], schema: pa.Schema, out: Path) -> None:
    with pq.ParquetWriter(str(out), schema, compression="zstd") as writer:
        held: list[pa.RecordBatch] = []
        for batch in batches:
            held.append(batch)
            if sum(each.num_rows for each in held) >= _ROWS_A_GROUP:
                writer.write_table(pa.Table.from_batches(held, schema))
                held = []
        writer.write_table(pa.Table.from_batches(held, schema))


def _write_feather(batches: Iterator[pa.RecordBatch], schema: pa.Schema, out: Path) -> None:
    """Write one table: only then can the words of a categorical column be numbered anew for the whole file."""
    options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
    table = pa.Table.from_batches(batches, schema)
    with pa.OSFile(str(out), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as writer:
        writer.write_table(table, max_chunksize=_ROWS_A_GROUP)
