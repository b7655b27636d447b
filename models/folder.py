"""A model folder on disk: written as a whole or not at all, opened only when every sum is right."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelError
from models.manifest import Manifest, parse_manifest
from models.stance import STANCES

MANIFEST = "manifest.json"
# Hosts of git repositories refuse files of 100 MB; the encoder is cut well below.
_PART_BYTES = 60_000_000


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """
    A model folder whose sums were found right, in memory.

    Attributes:
        manifest_sum: SHA-256 of manifest.json, which names the model as a whole.
        files: file name -> content.
    """

    manifest: Manifest
    manifest_sum: str
    files: Mapping[str, bytes]

    def encoder(self) -> bytes:
        """Give the encoder's weights, joined from their parts."""
        return b"".join(self.files[name] for name in sorted(self.files) if name.startswith("encoder-"))


def encoder_parts(weights: bytes) -> dict[str, bytes]:
    """Cut the encoder's weights into files that a git host takes."""
    starts = range(0, len(weights), _PART_BYTES)
    return {f"encoder-{n}.int8": weights[start : start + _PART_BYTES] for n, start in enumerate(starts)}


def label_config() -> dict[str, dict[str, object]]:
    """Give the two maps between labels and outputs, as config.json holds them."""
    return {
        "id2label": {str(i): str(stance) for i, stance in enumerate(STANCES)},
        "label2id": {str(stance): i for i, stance in enumerate(STANCES)},
    }


def write_folder(target: Path, files: Mapping[str, bytes], manifest: Manifest) -> str:
    """
    Write a model folder beside `target`, flush it, and put it in the place of what is there.

    Args:
        files: every file but the manifest; their sums are filled in here.

    Returns:
        The SHA-256 of the manifest.
    """
    sums = {name: _sum(content) for name, content in sorted(files.items())}
    declared = manifest.model_copy(update={"files": sums}).model_dump_json(indent=1) + "\n"
    neighbour = target.with_name(target.name + ".part")
    shutil.rmtree(neighbour, ignore_errors=True)
    neighbour.mkdir(parents=True)
    for name, content in {**files, MANIFEST: declared.encode()}.items():
        with (neighbour / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _swap(neighbour, target)
    return _sum(declared.encode())


def open_folder(path: Path) -> ModelFolder:
    """
    Read a model folder, every byte of it checked.

    Raises:
        ModelError: no such folder, a file that is missing, unknown or altered, or a manifest that is refused.
    """
    place = path / MANIFEST
    if not place.is_file():
        raise ModelError(f"{path} holds no {MANIFEST}: not a model folder")
    content = place.read_bytes()
    manifest = parse_manifest(content, str(place))
    present = {file.name for file in path.iterdir()} - {MANIFEST}
    if missing := sorted(set(manifest.files) - present):
        raise ModelError(f"{path}: missing {', '.join(missing)}")
    if unknown := sorted(present - set(manifest.files)):
        raise ModelError(f"{path}: {', '.join(unknown)} is not in {MANIFEST}")
    files = {name: (path / name).read_bytes() for name in manifest.files}
    for name, expected in manifest.files.items():
        if (found := _sum(files[name])) != expected:
            raise ModelError(f"{path / name} has SHA-256 {found}, not {expected} as in {MANIFEST}")
    _check_labels(files, path / "config.json")
    return ModelFolder(manifest, _sum(content), files)


def _check_labels(files: Mapping[str, bytes], place: Path) -> None:
    config = json.loads(files["config.json"])
    for key, expected in label_config().items():
        if config.get(key) != expected:
            raise ModelError(f"{place}: {key} {config.get(key)!r} is not {expected!r}")


def _swap(neighbour: Path, target: Path) -> None:
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    neighbour.rename(target)
    directory = os.open(target.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
    shutil.rmtree(old, ignore_errors=True)


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
