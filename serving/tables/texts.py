"""What CSV and JSONL share: streams of lines in an encoding, compressed or not, and rows that keep their words."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

import pyarrow as pa

from models.errors import TableError, TextError
from serving.tables.block import Block
from serving.tables.places import Place

BOM = "\ufeff"
MAX_LINE = 64 * 1024 * 1024
_UNDECODED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class TextRow:
    """
    One row of a text format.

    Attributes:
        raw: as it stood in the file, its line end included.
        kept: what is written before our columns.
        text: the statement, or why the row has none.
    """

    raw: str
    kept: str
    text: object


@dataclass(frozen=True, slots=True)
class TextStream:
    """
    A text file that is being read; bytes that cannot be decoded are kept as lone surrogates.

    Attributes:
        encoding: with the byte order that was found.
    """

    name: str
    text: io.TextIOWrapper
    encoding: str
    _source: io.BufferedIOBase
    _size: int

    def lines(self) -> Iterator[str]:
        """
        Give the lines with their ends.

        Raises:
            TableError: a line over MAX_LINE characters, or a file that breaks off or cannot be decoded.
        """
        try:
            while line := self.text.readline(MAX_LINE):
                if len(line) == MAX_LINE:
                    raise TableError(f"{self.name}: a line of over {MAX_LINE} characters: not a table")
                yield line
        except (EOFError, zlib.error, OSError, UnicodeError) as error:
            raise TableError(f"{self.name} cannot be read to its end: {error}") from error

    def share(self) -> float | None:
        """Say how much of the file was read."""
        return self._source.tell() / self._size if self._size else None


@contextmanager
def open_text(place: Place, compression: str, encoding: str, newline: str) -> Iterator[TextStream]:
    """Open a text file, decompressed; `newline` as in `open`."""
    with place.open() as source:
        plain = io.BufferedReader(cast(io.RawIOBase, _decompressed(source, compression)))
        try:
            exact = _exact_encoding(encoding, plain)
        except (EOFError, zlib.error, OSError) as error:
            raise TableError(f"{place.name} cannot be read: {error}") from error
        text = io.TextIOWrapper(plain, encoding=exact, errors="surrogateescape", newline=newline)
        yield TextStream(place.name, text, exact, cast(io.BufferedIOBase, source), place.stamp().size)


def compress(content: bytes, compression: str) -> bytes:
    """Compress to something that may stand after others of its kind; equal content gives equal bytes."""
    if not content or not compression:
        return content
    if compression == ".gz":
        return gzip.compress(content, mtime=0)
    return cast(bytes, pa.Codec("zstd").compress(content, asbytes=True))


def check_decoded(text: str, encoding: str) -> TextError | None:
    """Find the first byte that could not be decoded."""
    found = _UNDECODED.search(text)
    if found is None:
        return None
    detail = f"byte 0x{ord(found[0]) - 0xDC00:02X} at character {found.start()} is not {encoding.upper()}"
    return TextError("not_utf8" if encoding == "utf-8" else "not_decodable", detail)


def readable(raw: str, encoding: str) -> str:
    r"""Write bytes that could not be decoded as \xNN, for people and for JSON."""
    return raw.encode(encoding, "surrogateescape").decode(encoding, "backslashreplace")


def block_of(stream: TextStream, first: int, rows: list[TextRow]) -> Block[list[TextRow]]:
    """Make a block of rows."""
    return Block(stream.name, first, [row.text for row in rows], rows, stream.share())


def _decompressed(source: BinaryIO, compression: str) -> object:
    match compression:
        case ".gz":
            return gzip.GzipFile(fileobj=source)
        case ".zst":
            return pa.CompressedInputStream(pa.PythonFile(source, mode="r"), "zstd")
        case _:
            return source


def _exact_encoding(asked: str, plain: "io.BufferedReader[io.RawIOBase]") -> str:
    """
    Settle the byte order, so that each part of the output can be encoded by itself.

    Raises:
        TableError: no such encoding.
    """
    try:
        name = codecs.lookup(asked).name
    except LookupError as error:
        raise TableError(f"--encoding {asked}: no such encoding") from error
    if name == "utf-8-sig":
        return "utf-8"
    if name in {"utf-16", "utf-32"}:
        return name + ("-be" if plain.peek(4)[:1] in {b"\xfe", b"\x00"} else "-le")
    return name
