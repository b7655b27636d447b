"""What every format of tables shares: its options, its blocks of rows, and what it can do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from serving.tables.columns import OwnColumns, Verdict
from serving.tables.places import Kind, Place

Rows = TypeVar("Rows")


@dataclass(frozen=True, slots=True)
class TableOptions:
    """
    How tables are to be read and written.

    Attributes:
        kind: the format of every input.
        out_kind: the format of the output.
        out_compression: a suffix, or nothing.
        text: the column of statements; None to find it.
        encoding: of text formats.
        delimiter: between cells; None to find it.
        quote: around cells; nothing where no mark quotes.
        own: the columns to write beside.
    """

    kind: Kind
    out_kind: Kind
    out_compression: str
    text: str | None
    encoding: str
    delimiter: str | None
    quote: str
    own: OwnColumns


@dataclass(frozen=True, slots=True)
class Block(Generic[Rows]):
    """
    Rows of one file that are scored and written together.

    Attributes:
        place: the file's name.
        first: number of the first row in its file, from 1.
        texts: what stood as text in each row; a TextError where the row could not be read.
        rows: the rows, as their format keeps them.
        share: how much of the file was read up to here, 0 to 1; None where nobody knows.
    """

    place: str
    first: int
    texts: list[object]
    rows: Rows
    share: float | None


class Table(Protocol[Rows]):
    """
    Tables of one format, read and written in blocks.

    Attributes:
        columns: of the first input; of JSONL, the fields of an object.
        text: that of the statements.
    """

    columns: list[str]
    text: str

    def blocks(self, place: Place, *, skip: int, size: int) -> Iterator[Block[Rows]]:
        """
        Read a file from the row after `skip`, in blocks of at most `size` rows.

        Where blocks end depends on the file and `size` alone, provided that `skip` is where one ended.
        """

    def opening(self) -> bytes:
        """Give what stands before the first row."""

    def encode(self, block: Block[Rows], verdicts: Sequence[Verdict]) -> bytes:
        """Give a block with our columns beside its own, to be written after the one before."""

    def as_read(self, block: Block[Rows], position: int) -> str:
        """Give one row as it was read, for people."""

    def finish(self, spool: Path) -> Path:
        """Make the output of what was encoded, all in one file; give that file, or another beside it."""
