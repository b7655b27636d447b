"""A run's folder: what was written so far and the journal of it, flushed to the disk part by part."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import TableError

Record = TypeVar("Record", bound=BaseModel)


class Input(BaseModel):
    """An input as it was when the run began."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    size: int
    changed: str


class Identity(BaseModel):
    """What must be the same for a run to go on: another of these would give other rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    model: str
    options: dict[str, str]
    inputs: tuple[Input, ...]

    def differences(self, other: "Identity") -> list[str]:
        """Name what is not as in another."""
        found = [f"{name} is {mine}, was {its}" for name, mine, its in self._pairs(other) if mine != its]
        if len(self.inputs) != len(other.inputs):
            found.append(f"inputs are {len(self.inputs)}, were {len(other.inputs)}")
        return found

    def _pairs(self, other: "Identity") -> list[tuple[str, object, object]]:
        pairs: list[tuple[str, object, object]] = [("format", self.format, other.format)]
        pairs.append(("model", self.model, other.model))
        for name in {**self.options, **other.options}:
            pairs.append((f"--{name}", self.options.get(name, "not given"), other.options.get(name, "not given")))
        for mine, its in zip(self.inputs, other.inputs, strict=False):
            pairs.append(("input", mine.name, its.name))
            pairs.append((f"size of {mine.name}", mine.size, its.size))
            pairs.append((f"last change of {mine.name}", mine.changed, its.changed))
        return pairs


class Mark(BaseModel):
    """
    Where a run stands.

    Attributes:
        file: number of the input that is being read, from 0.
        row: rows of it that are done.
        out: bytes of the output that are written, `rejects` of the rejects.
        counts: rows by stance, `abstained`, `rejected`.
        is_done: nothing is left but to put the output in its place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: int = 0
    row: int = 0
    out: int = 0
    rejects: int = 0
    counts: dict[str, int] = {}
    is_done: bool = False


class WorkFolder:
    """The folder of one run, locked as long as it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spool = path / "spool"
        self.rejects = path / "rejects"
        self.mark = Mark()
        self._journal = path / "journal.jsonl"
        self._files: list[BinaryIO] = []

    def __enter__(self) -> "WorkFolder":
        """
        Make and lock it.

        Raises:
            TableError: another run has it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            has_just_ended = os.fstat(lock.fileno()).st_nlink == 0
        except BlockingIOError:
            has_just_ended = True
        if has_just_ended:
            lock.close()
            raise TableError(f"{self.path} is in use: another run writes the same output")
        self._files.append(lock)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for file in reversed(self._files):
            file.close()

    def has_begun(self) -> bool:
        """Claim that a run began here and was not ended."""
        return b"\n" in self._read_journal()

    def take_up(self, identity: Identity | None, *, taken: Sequence[str], restart: bool) -> bool:
        """
        Take up the run that began here, or begin; claim whether there was one.

        Args:
            identity: None where a run cannot be taken up.
            taken: the names of what the run would make that are there already.

        Raises:
            TableError: there are such and they are not this run's; or the run began with another model,
                other options or other inputs; or the folder is damaged.
        """
        has_begun = self.has_begun() and not restart and identity is not None
        if has_begun and identity:
            self._read_marks(identity)
        if taken and not restart and not self.mark.is_done:
            if not has_begun:
                self.remove()
            raise TableError(f"{' and '.join(taken)} is already there. --restart replaces it")
        if not has_begun:
            self._begin(identity)
        elif not self.mark.is_done:
            self._cut()
        return has_begun and self.mark != Mark()

    def _begin(self, identity: Identity | None) -> None:
        for path in (self.spool, self.rejects):
            path.write_bytes(b"")
        declared = identity.model_dump_json() if identity else "{}"
        self._journal.write_bytes(declared.encode() + b"\n")
        self._open_files()

    def _read_marks(self, identity: Identity) -> None:
        *lines, _ = self._read_journal().split(b"\n")
        if found := identity.differences(self._parse(Identity, lines[0])):
            raise TableError(f"{self.path} holds a run that began otherwise: {'; '.join(found)}. --restart begins anew")
        if len(lines) > 1:
            self.mark = self._parse(Mark, lines[-1])

    def _cut(self) -> None:
        """Cut off what no whole line of the journal vouches for."""
        torn = self._read_journal().rsplit(b"\n", 1)[1]
        sizes = (self._journal, self._journal.stat().st_size - len(torn)), *self._vouched()
        for path, size in sizes:
            if (found := path.stat().st_size) < size:
                raise TableError(f"{path} has {found} bytes, the journal {size}. --restart begins anew")
            os.truncate(path, size)
        self._open_files()

    def _vouched(self) -> tuple[tuple[Path, int], ...]:
        return (self.spool, self.mark.out), (self.rejects, self.mark.rejects)

    def add(self, part: bytes, rejects: bytes, mark: Mark) -> None:
        """Write a part, and only then that it is written; `mark` without its sizes."""
        _, spool, rejected, journal = self._files
        for file, content in ((spool, part), (rejected, rejects)):
            if content:
                _write_through(file, content)
        sizes = {"out": self.mark.out + len(part), "rejects": self.mark.rejects + len(rejects)}
        self.mark = mark.model_copy(update=sizes)
        _write_through(journal, self.mark.model_dump_json().encode() + b"\n")

    def remove(self) -> None:
        """Remove what is ours, and the folder if nothing else is in it."""
        for name in ("journal.jsonl", "spool", "rejects", "final", "lock"):
            (self.path / name).unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def _read_journal(self) -> bytes:
        return self._journal.read_bytes() if self._journal.exists() else b""

    def _parse(self, kind: type[Record], line: bytes) -> Record:
        try:
            return kind.model_validate_json(line)
        except ValidationError as error:
            raise TableError(
                f"{self._journal} is damaged: {error.errors()[0]['msg']}. --restart begins anew"
            ) from error

    def _open_files(self) -> None:
        self._files += [path.open("ab") for path in (self.spool, self.rejects, self._journal)]
        for file in self._files[1:]:
            os.fsync(file.fileno())
        sync_folder(self.path)


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to the disk."""
    folder = os.open(path, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _write_through(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
