"""Versions and the champion: nothing damaged is promoted or loaded."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.errors import ModelError
from models.registry import GOLDEN_STATEMENTS, Registry

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_a_promoted_version_is_loaded_as_it_was_published(tmp_path: Path, tiny_folder: Path) -> None:
    """The pointer has its sum and its answers; publishing it again changes nothing."""
    registry = Registry(tmp_path / "versions")
    assert registry.pointer() is None
    version = registry.publish(tiny_folder)
    assert version == registry.publish(tiny_folder)
    registry.promote(version, at=NOW)
    pointer = registry.pointer()
    assert pointer
    assert (version, NOW) == (pointer.version, pointer.promoted_at)
    assert list(GOLDEN_STATEMENTS) == [golden.text for golden in pointer.golden]
    assert pointer.manifest_sum == registry.load(pointer).manifest_sum


def test_another_model_of_the_same_version_is_refused(tmp_path: Path, tiny_folder: Path) -> None:
    """What was published stays as it was."""
    registry = Registry(tmp_path / "versions")
    registry.publish(tiny_folder)
    other = Path(shutil.copytree(tiny_folder, tmp_path / "other"))
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**manifest, "temperature": 9.0}))
    with pytest.raises(ModelError, match="holds another model of this version"):
        registry.publish(other)


def test_a_damaged_version_is_neither_promoted_nor_loaded(tmp_path: Path, tiny_folder: Path) -> None:
    """A flipped bit is found at either; the pointer stays where it was."""
    registry = Registry(tmp_path / "versions")
    version = registry.publish(tiny_folder)
    registry.promote(version, at=NOW)
    pointer = registry.pointer()
    assert pointer
    heads = tmp_path / "versions" / version / "heads.safetensors"
    content = bytearray(heads.read_bytes())
    content[-1] ^= 1
    heads.write_bytes(content)
    with pytest.raises(ModelError, match="has SHA-256"):
        registry.promote(version, at=NOW.replace(year=2027))
    assert pointer == registry.pointer()
    with pytest.raises(ModelError, match="has SHA-256"):
        registry.load(pointer)


def test_a_model_that_answers_in_another_way_is_refused(tmp_path: Path, tiny_folder: Path) -> None:
    """The golden statement and both stances are named."""
    registry = Registry(tmp_path / "versions")
    registry.promote(registry.publish(tiny_folder), at=NOW)
    pointer = registry.pointer()
    assert pointer
    first = pointer.golden[0]
    moved = first.model_copy(update={"probabilities": {**first.probabilities, first.stance: 0.0}})
    with pytest.raises(ModelError, match="We welcome the envoys"):
        registry.load(pointer.model_copy(update={"golden": (moved,)}))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": "a"}'])
def test_a_torn_pointer_is_refused(tmp_path: Path, content: str) -> None:
    """It names no version."""
    registry = Registry(tmp_path)
    registry.pointer_file.write_text(content)
    with pytest.raises(ModelError, match="is not a pointer"):
        registry.pointer()
