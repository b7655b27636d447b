"""CSV and TSV: each record is written as it stood, our cells after it."""

import csv
import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from models.errors import TableError, TextError
from serving.tables.block import Block, TableOptions
from serving.tables.columns import Value, Verdict, choose_text
from serving.tables.places import Kind, Place, kind_of
from serving.tables.texts import BOM, TextRow, block_of, check_decoded, compress, open_text, readable

_DELIMITERS = ",;\t|"
_MAX_CELL = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """What the first record of a file tells: its columns and how it is written."""

    record: str
    columns: list[str]
    has_bom: bool
    delimiter: str
    newline: str
    encoding: str


class Delimited:
    """
    CSV and TSV files with the same columns.

    A record that is torn by a stray quotation mark costs its first line only: the lines that it would
    swallow are read again, each as a record of its own.
    """

    def __init__(self, places: Sequence[Place], options: TableOptions) -> None:
        # Cells may be whole books; csv's own limit is for the whole process.
        csv.field_size_limit(_MAX_CELL)
        self._options = options
        self._head = self._read_head(places[0])
        for place in places[1:]:
            self._check_alike(place)
        options.own.check_clash(self._head.columns, places[0].name)
        self.columns = self._head.columns
        self.text = choose_text(self._head.columns, options.text, places[0].name)
        self._position = self._head.columns.index(self.text)

    def blocks(self, place: Place, *, skip: int, size: int) -> Iterator[Block[list[TextRow]]]:
        """Read records, the header passed over."""
        with open_text(place, kind_of(place.name)[1], self._options.encoding, "") as stream:
            rows = self._rows(stream.lines())
            first = sum(1 for _ in islice(rows, skip)) + 1
            while block := list(islice(rows, size)):
                yield block_of(stream, first, block)
                first += len(block)

    def opening(self) -> bytes:
        """Give the header as it stood, with our names after it."""
        head = self._head
        line = (BOM if head.has_bom else "") + self._line(head.record, self._options.own.names)
        return self._bytes(line)

    def encode(self, block: Block[list[TextRow]], verdicts: Sequence[Verdict]) -> bytes:
        """Give the records with our cells after them."""
        values = self._options.own.values
        lines = [self._line(row.kept, values(verdict)) for row, verdict in zip(block.rows, verdicts, strict=True)]
        return self._bytes("".join(lines))

    def as_read(self, block: Block[list[TextRow]], position: int) -> str:
        """Give one record, its line end included."""
        return readable(block.rows[position].raw, self._head.encoding)

    def finish(self, spool: Path) -> Path:
        """Take the spool as it is."""
        return spool

    def _bytes(self, text: str) -> bytes:
        return compress(text.encode(self._head.encoding, "surrogateescape"), self._options.out_compression)

    def _line(self, record: str, values: Sequence[Value]) -> str:
        head = self._head
        return head.delimiter.join([record, *map(self._cell, values)]) + head.newline

    def _cell(self, value: Value) -> str:
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        quote, delimiter = self._options.quote, self._head.delimiter
        if not any(mark in text for mark in (delimiter, quote or delimiter, "\r", "\n")):
            return text
        if not quote:
            return re.sub(f"[{re.escape(delimiter)}\r\n]", " ", text)
        return quote + text.replace(quote, quote * 2) + quote

    def _rows(self, lines: Iterator[str]) -> Iterator[TextRow]:
        records = _records(lines, _style(self._head.delimiter, self._options.quote))
        next(records, None)
        return (self._row(raw, found) for raw, found in records)

    def _row(self, raw: str, found: list[str] | csv.Error) -> TextRow:
        head = self._head
        if isinstance(found, csv.Error):
            cells = _lenient(_without_end(raw), _style(head.delimiter, self._options.quote))
            fault = TextError("torn_record", f"{found}; a quotation mark is missing or stray")
            return TextRow(raw, self._fitted(cells), fault)
        if len(found) != len(head.columns):
            beyond = found[len(head.columns) :]
            more = f"; beyond it: {readable(json.dumps(beyond, ensure_ascii=False), head.encoding)}" if beyond else ""
            detail = f"the row has {len(found)} cells, the header {len(head.columns)}{more}"
            return TextRow(raw, self._fitted(found), TextError("cell_count", detail))
        text = found[self._position]
        return TextRow(raw, _without_end(raw), check_decoded(text, head.encoding) or text)

    def _fitted(self, cells: list[str]) -> str:
        width = len(self._head.columns)
        return self._head.delimiter.join(self._cell(cell) for cell in (cells + [""] * width)[:width])

    def _read_head(self, place: Place) -> Head:
        options = self._options
        with open_text(place, kind_of(place.name)[1], options.encoding, "") as stream:
            lines = stream.lines()
            first = next((line for line in lines if line.strip("\r\n")), "")
            delimiter = options.delimiter or _find_delimiter(first.removeprefix(BOM), options, place.name)
            again = chain([first], lines)
            raw, columns = next(_records(again, _style(delimiter, options.quote)), ("", []))
            if isinstance(columns, csv.Error):
                raise TableError(f"{place.name}: the header cannot be read: {columns}")
            if not columns:
                raise TableError(f"{place.name} is empty: not even a header")
            record = _without_end(raw)
            return Head(record, columns, first.startswith(BOM), delimiter, raw[len(record) :] or "\n", stream.encoding)

    def _check_alike(self, place: Place) -> None:
        head, other = self._head, self._read_head(place)
        for what in ("columns", "delimiter", "encoding"):
            if (mine := getattr(head, what)) != (its := getattr(other, what)):
                raise TableError(f"{place.name}: {what} {its!r}; the first input has {mine!r}")


class _Feed:
    """Lines for csv's reader, with those of the current record kept; may end and go on."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return line

    def give_back(self) -> str:
        """Give all lines of the record again but the first, which is returned."""
        first, *rest = self.taken
        self._again.extendleft(reversed(rest))
        return first


def _records(lines: Iterator[str], style: dict[str, Any]) -> Iterator[tuple[str, list[str] | csv.Error]]:
    """Give records with their text: as cells, or as the fault that csv found. Blank lines are no records."""
    feed = _Feed(line.removeprefix(BOM) if number == 0 else line for number, line in enumerate(lines))
    reader = csv.reader(feed, strict=True, **style)
    while True:
        feed.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield feed.give_back(), error
            continue
        if cells:
            yield "".join(feed.taken), cells


def _style(delimiter: str, quote: str) -> dict[str, Any]:
    quoting = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    return {"delimiter": delimiter, "quotechar": quote or None, "quoting": quoting}


def _lenient(record: str, style: dict[str, Any]) -> list[str]:
    try:
        return next(csv.reader([record], **style), [])
    except csv.Error:
        return [record]


def _without_end(record: str) -> str:
    return record[:-2] if record.endswith("\r\n") else record[:-1] if record.endswith(("\n", "\r")) else record


def _find_delimiter(header: str, options: TableOptions, place: str) -> str:
    """
    Find the only one of the usual delimiters that the header has.

    Raises:
        TableError: it has several.
    """
    if options.kind == Kind.TSV:
        return "\t"
    quote = re.escape(options.quote or '"')
    unquoted = re.sub(f"{quote}[^{quote}]*{quote}", "", header)
    found = [mark for mark in _DELIMITERS if mark in unquoted]
    if len(found) > 1:
        raise TableError(f"{place}: the header has {' and '.join(map(repr, found))}: say which with --delimiter")
    return found[0] if found else ","
