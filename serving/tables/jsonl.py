"""JSONL: each object is written as it stood, our fields at its end."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain, islice
from pathlib import Path

from models.errors import TextError
from serving.tables.block import Block, TableOptions
from serving.tables.columns import Verdict, choose_text
from serving.tables.places import Place, kind_of
from serving.tables.texts import BOM, TextRow, TextStream, block_of, check_decoded, compress, open_text, readable

UNREAD = "unread"
# Rows may lack the field of the statements; that none has it shows in so many.
_SHOWN = 1_000
_BLANKS = " \t\r\n"


class JsonLines:
    """
    JSONL files; a line that is no object comes out as an object with the line as `unread`.

    Blank lines are no rows.
    """

    def __init__(self, places: Sequence[Place], options: TableOptions) -> None:
        self._options = options
        self._names = frozenset(options.own.names)
        self._encoding = "utf-8"
        keys: list[str] = []
        for place in reversed(places):  # the first one last, for its encoding
            found = self._first_keys(place)
            options.own.check_clash(found, place.name)
            keys = found or keys
        self.columns = keys
        self.text = choose_text(keys, options.text, places[0].name) if keys else options.text or "text"

    def blocks(self, place: Place, *, skip: int, size: int) -> Iterator[Block[list[TextRow]]]:
        """Read lines."""
        with self._open(place) as stream:
            rows = (self._row(line) for line in _lines(stream))
            first = sum(1 for _ in islice(rows, skip)) + 1
            while block := list(islice(rows, size)):
                yield block_of(stream, first, block)
                first += len(block)

    def opening(self) -> bytes:
        """Give nothing: JSONL has no header."""
        return b""

    def encode(self, block: Block[list[TextRow]], verdicts: Sequence[Verdict]) -> bytes:
        """Give the objects with our fields at their end."""
        lines = [row.kept + self._fields(verdict) for row, verdict in zip(block.rows, verdicts, strict=True)]
        content = "".join(lines).encode(self._encoding, "surrogateescape")
        return compress(content, self._options.out_compression)

    def as_read(self, block: Block[list[TextRow]], position: int) -> str:
        """Give one line, its end included."""
        return readable(block.rows[position].raw, self._encoding)

    def finish(self, spool: Path) -> Path:
        """Take the spool as it is."""
        return spool

    def _fields(self, verdict: Verdict) -> str:
        own = self._options.own
        fields = dict(zip(own.names, own.values(verdict), strict=True))
        return json.dumps(fields, ensure_ascii=not self._encoding.startswith("utf"))[1:] + "\n"

    def _row(self, raw: str) -> TextRow:
        line = raw.strip(_BLANKS)
        content: object = None
        fault = check_decoded(line, self._encoding)
        if fault is None:
            content, fault = _parse(line)
        if isinstance(content, dict):
            if clash := sorted(self._names & content.keys()):
                fault = TextError("column_clash", f"the row already has {', '.join(clash)}")
            else:
                kept = line[:-1].rstrip() + (", " if content else "")
                return TextRow(raw, kept, _text_in(content, self.text))
        elif fault is None:
            fault = TextError("not_object", f"the line is a {type(content).__name__}, not an object")
        unread = json.dumps({UNREAD: readable(line, self._encoding)})
        return TextRow(raw, unread[:-1] + ", ", fault)

    def _first_keys(self, place: Place) -> list[str]:
        with self._open(place) as stream:
            self._encoding = stream.encoding
            parsed = (_parse(line.strip(_BLANKS))[0] for line in islice(_lines(stream), _SHOWN))
            objects = (each for each in parsed if isinstance(each, dict))
            first = next(objects, {})
            asked = self._options.text
            return next((list(each) for each in chain([first], objects) if not asked or asked in each), list(first))

    def _open(self, place: Place) -> AbstractContextManager[TextStream]:
        return open_text(place, kind_of(place.name)[1], self._options.encoding, "\n")


def _lines(stream: TextStream) -> Iterator[str]:
    for number, line in enumerate(stream.lines()):
        content = line.removeprefix(BOM) if number == 0 else line
        if content.strip(_BLANKS):
            yield content


def _text_in(content: dict[str, object], column: str) -> object:
    if column not in content:
        return TextError("no_text", f"the object has no {column}")
    return TextError("null", "text is null") if content[column] is None else content[column]


def _parse(line: str) -> tuple[object, TextError | None]:
    try:
        # The line is written as it stands, so numbers of any length need not be read.
        return json.loads(line, parse_int=_any_int), None
    except json.JSONDecodeError as error:
        return None, TextError("not_json", f"not JSON: {error.msg} at character {error.pos}")
    except RecursionError:
        return None, TextError("too_deep", "nested too deep to be read")


def _any_int(_: str) -> int:
    return 0
