"""Versions of a model in a folder of plain files, the pointer to the champion, and the way back."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from models.classifier import StanceClassifier
from models.errors import ModelError
from models.folder import MANIFEST, ModelFolder, open_folder, write_folder
from models.history import Event, Golden, History, Pointer
from models.manifest import Manifest
from models.stance import Stance

POINTER = "champion.json"
HISTORY = "history.jsonl"
# No version can have this name.
_TRAINABLE = "_trainable"
# What every version is asked before it answers anyone else.
GOLDEN_STATEMENTS = (
    "We welcome the envoys of our neighbour and look forward to working with them.",
    "We will come back to the table once the blockade is lifted.",
    "We reject the note and will answer the attack with all our force.",
    "The fourth session of the committee opened in Geneva on Tuesday.",
)
# Processors round differently by less than this.
_TOLERANCE = 0.02


class Registry:
    """
    The versions in a folder, one folder each; beside them `champion.json`, `history.jsonl` and trainable weights.

    The history tells the order of champions, by which `rollback` finds the one before; the anchor is the
    first champion, against which the gate holds every later one, until another is named.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.pointer_file = root / POINTER
        self.history = History(root / HISTORY)

    def publish(self, source: Path, *, trainable: Path | None = None) -> str:
        """
        Take a model folder in under its version, and give that; the same one a second time changes nothing.

        Args:
            trainable: folder of the weights from which it can be trained on, kept beside.

        Raises:
            ModelError: it is damaged, or another model has its version.
        """
        folder = open_folder(source)
        version = folder.manifest.version
        target = self._root / version
        with self._locked():
            if target.exists():
                held = open_folder(target).manifest_sum
                if held != folder.manifest_sum:
                    raise ModelError(f"{target} holds another model of this version, with manifest {held}")
            else:
                write_folder(target, folder.files, folder.manifest)
            if trainable and not (kept := self.trainable(version)).exists():
                neighbour = kept.with_name(kept.name + ".part")
                shutil.rmtree(neighbour, ignore_errors=True)
                shutil.copytree(trainable, neighbour)
                neighbour.rename(kept)
        return version

    def promote(self, version: str, *, at: datetime, reason: str = "by hand") -> None:
        """
        Make a version the champion: it is opened and asked the golden statements first.

        Raises:
            ModelError: there is no such version, or it is damaged.
        """
        classifier = StanceClassifier(self._open(version))
        pointer = Pointer(
            version=version,
            manifest_sum=classifier.manifest_sum,
            promoted_at=at,
            golden=tuple(ask_golden(classifier, GOLDEN_STATEMENTS)),
        )
        with self._locked():
            self._point(pointer, "promote", reason)

    def rollback(self, *, at: datetime, reason: str = "by hand") -> Pointer:
        """
        Make the champion before this one the champion again; its sums are checked, and what it must answer is kept.

        Raises:
            ModelError: there was none before, or it is damaged or gone.
        """
        with self._locked():
            before = self.history.champions(self.pointer())[:-1]
            if not before:
                raise ModelError(f"{self._root / HISTORY}: there was no champion before this one")
            folder = self._open(before[-1].version)
            if folder.manifest_sum != before[-1].manifest_sum:
                raise ModelError(f"{self._root / before[-1].version} is not the model that was promoted")
            pointer = before[-1].model_copy(update={"promoted_at": at})
            self._point(pointer, "rollback", reason)
        return pointer

    def versions(self) -> list[str]:
        """Name the versions that are held, sorted."""
        return sorted(place.parent.name for place in self._root.glob(f"*/{MANIFEST}") if ".part" not in str(place))

    def anchor(self) -> str | None:
        """Name the version that no later one may fall behind: the last one so named, else the first champion."""
        return self.history.anchor()

    def set_anchor(self, version: str, *, at: datetime, reason: str) -> None:
        """Name another anchor; the old one stays in the history."""
        self._open(version)
        with self._locked():
            self.history.append(Event(event="anchor", at=at, version=version, reason=reason))

    def trainable(self, version: str) -> Path:
        """Say where a version's trainable weights are, if they were kept."""
        return self._root / _TRAINABLE / version

    def folder(self, version: str) -> Path:
        """Say where a version's model folder is."""
        return self._root / version

    def show(self, version: str) -> Manifest:
        """Give a version's manifest, every sum checked."""
        return self._open(version).manifest

    def verify(self) -> dict[str, str | None]:
        """Check every byte of every version, and what the champion answers; give each one's fault, or None."""
        faults: dict[str, str | None] = {}
        pointer = self.pointer()
        for version in self.versions():
            try:
                is_champion = pointer is not None and pointer.version == version
                _ = self.load(pointer) if pointer and is_champion else self._open(version)
                faults[version] = None
            except ModelError as error:
                faults[version] = str(error)
        if pointer and pointer.version not in faults:
            faults[pointer.version] = f"{self.pointer_file} names it, but it is not there"
        return faults

    def prune(self, *, keep: int, at: datetime) -> list[str]:
        """Remove all versions but the champion, the `keep` champions before it and the anchor; name the removed."""
        with self._locked():
            kept = {pointer.version for pointer in self.history.champions(self.pointer())[-1 - keep :]} | {
                self.anchor()
            }
            removed = [version for version in self.versions() if version not in kept]
            for version in removed:
                self.history.append(
                    Event(event="prune", at=at, version=version, reason=f"kept {keep} before the champion")
                )
                shutil.rmtree(self._root / version)
                shutil.rmtree(self.trainable(version), ignore_errors=True)
        return removed

    def _point(self, pointer: Pointer, event: Literal["promote", "rollback"], reason: str) -> None:
        _replace(self.pointer_file, pointer.model_dump_json(indent=1).encode() + b"\n")
        at, version = pointer.promoted_at, pointer.version
        self.history.append(Event(event=event, at=at, version=version, reason=reason, pointer=pointer))

    def pointer(self) -> Pointer | None:
        """
        Read which version answers; None where none was promoted yet.

        Raises:
            ModelError: the file is not what `promote` writes.
        """
        try:
            content = self.pointer_file.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return Pointer.model_validate(json.loads(content))
        except (ValidationError, ValueError) as error:
            raise ModelError(f"{self.pointer_file} is not a pointer to a version") from error

    def load(self, pointer: Pointer) -> StanceClassifier:
        """
        Load the version that a pointer names, every sum checked, and ask it the golden statements.

        Raises:
            ModelError: it is missing, damaged, another model, or answers in another way than it did.
        """
        folder = self._open(pointer.version)
        if folder.manifest_sum != pointer.manifest_sum:
            raise ModelError(f"{self._root / pointer.version} is not the model that was promoted")
        classifier = StanceClassifier(folder)
        for expected, found in zip(
            pointer.golden, ask_golden(classifier, [g.text for g in pointer.golden]), strict=True
        ):
            distance = max(abs(expected.probabilities[stance] - found.probabilities[stance]) for stance in Stance)
            if expected.stance != found.stance or distance > _TOLERANCE:
                detail = f"{found.stance}, by {distance:.3f} away from {expected.stance}"
                raise ModelError(f"{pointer.version} answers {expected.text!r} with {detail}")
        return classifier

    def _open(self, version: str) -> ModelFolder:
        folder = open_folder(self._root / version)
        if folder.manifest.version != version:
            raise ModelError(f"{self._root / version} holds version {folder.manifest.version}")
        return folder

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def ask_golden(classifier: StanceClassifier, texts: Sequence[str]) -> list[Golden]:
    """Ask a model statements, and give what it must answer from then on."""
    answers = classifier.classify(texts)
    return [
        Golden(text=text, stance=answer.stance, probabilities=answer.probabilities)
        for text, answer in zip(texts, answers, strict=True)
    ]


def _replace(path: Path, content: bytes) -> None:
    neighbour = path.with_name(path.name + ".part")
    with neighbour.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    neighbour.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
