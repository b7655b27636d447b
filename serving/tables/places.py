"""Where tables are: files, folders, globs, URLs and stdin, as streams of bytes."""

import glob
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from models.errors import TableError
from serving.tables.urls import open_url

WORK_SUFFIX = ".work"


class Kind(StrEnum):
    """A format of tables."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    FEATHER = "feather"


_KINDS = {
    ".csv": Kind.CSV,
    ".tsv": Kind.TSV,
    ".tab": Kind.TSV,
    ".jsonl": Kind.JSONL,
    ".ndjson": Kind.JSONL,
    ".parquet": Kind.PARQUET,
    ".pq": Kind.PARQUET,
    ".feather": Kind.FEATHER,
    ".arrow": Kind.FEATHER,
}
COMPRESSIONS = (".gz", ".zst")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What shows that a file is still the one that it was: its size in bytes and its last change."""

    size: int
    changed: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that can be opened again and again, here or in a bucket."""

    name: str
    fs: AbstractFileSystem
    path: str

    def open(self) -> BinaryIO:
        """Open it for reading."""
        return cast(BinaryIO, self.fs.open(self.path, "rb"))

    def stamp(self) -> Stamp:
        """Look at its size and its last change."""
        found = self.fs.info(self.path)
        changed = next((found[key] for key in ("ETag", "mtime", "LastModified") if key in found), None)
        return Stamp(int(found["size"]), str(changed))


class Stdin:
    """The standard input, which can be opened twice: what the first reader took comes again for the second."""

    name = "-"

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._stream = stream or sys.stdin.buffer
        self._seen: bytes | None = None

    def open(self) -> BinaryIO:
        """Open it from its beginning."""
        if self._seen is None:
            self._seen = b""
            return io.BufferedReader(_Replay(self._stream, b"", self._keep))
        return io.BufferedReader(_Replay(self._stream, self._seen, None))

    def stamp(self) -> Stamp:
        """Give the one stamp of what cannot be looked at twice."""
        return Stamp(0, "stdin")

    def _keep(self, taken: bytes) -> None:
        self._seen = (self._seen or b"") + taken


Place = StoredFile | Stdin


class _Replay(io.RawIOBase):
    def __init__(self, stream: BinaryIO, seen: bytes, keep: Callable[[bytes], None] | None) -> None:
        self._stream = cast(io.BufferedReader, stream)
        self._seen = seen
        self._keep = keep

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        taken = self._seen[: len(buffer)]
        self._seen = self._seen[len(taken) :]
        if not taken:
            taken = self._stream.read1(len(buffer))
            if self._keep:
                self._keep(taken)
        buffer[: len(taken)] = taken
        return len(taken)


def kind_of(name: str) -> tuple[Kind | None, str]:
    """Tell format and compression (a suffix, or nothing) from a name."""
    path = PurePosixPath(name.lower())
    compression = path.suffix if path.suffix in COMPRESSIONS else ""
    return _KINDS.get(PurePosixPath(path.stem if compression else path).suffix), compression


def find_places(given: Sequence[str], *, apart: Sequence[Path]) -> list[Place]:
    """
    Find the files that names, folders, globs, URLs and `-` stand for, in order, folders sorted by name.

    Args:
        apart: files of ours, which a folder may hold and which are no input.

    Raises:
        TableError: a name that stands for nothing, the same file twice, or stdin beside files.
    """
    if "-" in given:
        if len(given) > 1:
            raise TableError(f"stdin (-) is read alone, not beside {len(given) - 1} other inputs")
        return [Stdin()]
    ours = {str(path.resolve()) for path in apart}
    places = [place for name in given for place in _expand(name) if place.path not in ours]
    seen: set[str] = set()
    for place in places:
        if place.path in seen:
            raise TableError(f"{place.name} is named twice")
        seen.add(place.path)
    if not places:
        raise TableError(f"{', '.join(given)}: no input is left")
    return list(places)


def _expand(name: str) -> list[StoredFile]:
    if "://" in name:
        fs, path = open_url(name)
        found = _find_remote(fs, path)
        scheme = name.split("://", 1)[0]
        files = [StoredFile(f"{scheme}://{path}", fs, path) for path in found]
    else:
        fs = LocalFileSystem()
        files = [StoredFile(str(path), fs, str(path.resolve())) for path in _find_local(name)]
    if not files:
        raise TableError(f"{name}: no such file, and no table in or under that name")
    return files


def _find_local(name: str) -> list[Path]:
    path = Path(name)
    if path.is_file():
        return [path]
    if path.is_dir():
        inside = [file for file in sorted(path.rglob("*")) if file.is_file() and kind_of(file.name)[0]]
        return [file for file in inside if not _is_work(file.relative_to(path))]
    return [Path(file) for file in sorted(glob.glob(name, recursive=True)) if Path(file).is_file()]


def _find_remote(fs: AbstractFileSystem, path: str) -> list[str]:
    if glob.has_magic(path):
        return sorted(fs.glob(path))
    if fs.isfile(path):
        return [path]
    return [file for file in sorted(fs.find(path)) if kind_of(file)[0]]


def _is_work(path: Path) -> bool:
    """Claim that a path lies in a hidden folder or in one of ours."""
    return any(part.startswith(".") or part.endswith(WORK_SUFFIX) for part in path.parts)
