"""Versions of a model in a folder of plain files, and the pointer to the one that answers: the champion."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from models.classifier import StanceClassifier
from models.errors import ModelError
from models.folder import ModelFolder, open_folder, write_folder
from models.stance import Stance

POINTER = "champion.json"
# What every version is asked before it answers anyone else.
GOLDEN_STATEMENTS = (
    "We welcome the envoys of our neighbour and look forward to working with them.",
    "We will come back to the table once the blockade is lifted.",
    "We reject the note and will answer the attack with all our force.",
    "The fourth session of the committee opened in Geneva on Tuesday.",
)
# Processors round differently by less than this.
_TOLERANCE = 0.02


class Golden(BaseModel):
    """What a version gave to a golden statement when it was promoted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    stance: Stance
    probabilities: dict[Stance, float]


class Pointer(BaseModel):
    """Which version answers, the SHA-256 of its manifest, since when, and what it must answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    manifest_sum: str
    promoted_at: datetime
    golden: tuple[Golden, ...]


class Registry:
    """The versions in a folder, one folder each, and `champion.json` beside them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.pointer_file = root / POINTER

    def publish(self, source: Path) -> str:
        """
        Take a model folder in under its version, and give that; the same one a second time changes nothing.

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
        return version

    def promote(self, version: str, *, at: datetime) -> None:
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
            _replace(self.pointer_file, pointer.model_dump_json(indent=1).encode() + b"\n")

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
