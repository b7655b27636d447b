"""A flipped bit in any file of a model folder is found before the model answers anyone."""

import random
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.errors import ModelError
from models.folder import open_folder, write_folder
from models.registry import Registry

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FILES = ["README.md", "config.json", "encoder-0.int8", "heads.safetensors", "manifest.json", "tokenizer.json"]


def _flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


@pytest.fixture
def registry(tmp_path: Path, tiny_folder: Path) -> Registry:
    registry = Registry(tmp_path / "versions")
    registry.promote(registry.publish(tiny_folder), at=NOW)
    return registry


def test_the_files_are_all_there_are(tiny_folder: Path) -> None:
    """What is flipped below is the whole folder."""
    assert FILES == sorted(file.name for file in tiny_folder.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found(registry: Registry, tmp_path: Path, name: str, is_long: bool) -> None:  # noqa: FBT001
    """The champion is refused, wherever in the file the bit is; once it is back, it is loaded."""
    pointer = registry.pointer()
    assert pointer
    file = tmp_path / "versions" / pointer.version / name
    bits = 8 * file.stat().st_size
    for bit in {0, bits - 1, *random.Random(name).sample(range(bits), 1000 if is_long else 8)}:
        _flip(file, bit)
        with pytest.raises(ModelError):
            registry.load(pointer)
        _flip(file, bit)
    assert pointer.manifest_sum == registry.load(pointer).manifest_sum


def test_it_is_the_sums_that_find_it(registry: Registry, tiny_folder: Path, tmp_path: Path) -> None:
    """Negative control: with its sum put right, a folder with a flipped bit in a weight opens."""
    damaged = Path(shutil.copytree(tiny_folder, tmp_path / "damaged"))
    _flip(damaged / "heads.safetensors", 8 * (damaged / "heads.safetensors").stat().st_size - 8)
    with pytest.raises(ModelError, match="has SHA-256"):
        open_folder(damaged)
    sound = open_folder(tiny_folder)
    files = {name: (damaged / name).read_bytes() for name in sound.files}
    write_folder(damaged, files, sound.manifest)
    assert open_folder(damaged).manifest.version == sound.manifest.version
