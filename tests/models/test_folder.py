"""A model folder is opened whole and unaltered, or not at all."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models.classifier import StanceClassifier
from models.errors import ModelError
from models.folder import encoder_parts, open_folder, write_folder
from models.stance import STANCES


@pytest.fixture
def copy(tiny_folder: Path, tmp_path: Path) -> Path:
    """Copy the tiny model to where it may be damaged."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def _edit(path: Path, change: Callable[[dict], object]) -> None:  # type: ignore[type-arg]
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_flipped_bit_in_any_file_is_named(copy: Path) -> None:
    """Each file but the manifest is checked by its sum, and named when it is wrong."""
    names = [file.name for file in copy.iterdir() if file.name != "manifest.json"]
    assert len(names) >= 5
    for name in names:
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
        with pytest.raises(ModelError, match=name):
            open_folder(copy)
        (copy / name).write_bytes(content)
    open_folder(copy)


def test_another_format_is_refused(copy: Path) -> None:
    """A layout of the future is not guessed at."""
    _edit(copy / "manifest.json", lambda m: m.update(format=1))
    with pytest.raises(ModelError, match="format 1 is not 2"):
        open_folder(copy)


def test_another_label_order_is_refused(copy: Path) -> None:
    """Two labels changed places: every answer would be wrong, so there is none."""
    _edit(copy / "manifest.json", lambda m: m.update(labels=["conditional", "conciliatory", "hostile", "none"]))
    with pytest.raises(ModelError, match="label order conditional, conciliatory"):
        open_folder(copy)


@pytest.mark.parametrize("slope", [-0.1, float("nan")])
def test_a_slope_that_would_turn_answers_round_is_refused(copy: Path, slope: float) -> None:
    """Below 0 the clearest answers would be decided by the bias, and of what is no number there are none."""
    _edit(copy / "manifest.json", lambda m: m.update(temperature_slope=slope))
    with pytest.raises(ModelError, match="temperature_slope"):
        open_folder(copy)


def test_unknown_fields_and_files_are_refused(copy: Path) -> None:
    """What this version does not know, it does not honour."""
    (copy / "extra.bin").write_bytes(b"1")
    with pytest.raises(ModelError, match=r"extra\.bin is not in manifest\.json"):
        open_folder(copy)
    (copy / "extra.bin").unlink()
    _edit(copy / "manifest.json", lambda m: m.update(charm=1))
    with pytest.raises(ModelError, match="charm"):
        open_folder(copy)


def test_a_missing_folder_or_file_is_named(copy: Path, tmp_path: Path) -> None:
    """The message says what is not there."""
    with pytest.raises(ModelError, match="not a model folder"):
        open_folder(tmp_path / "nowhere")
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"missing tokenizer\.json"):
        open_folder(copy)


def test_writing_over_a_folder_puts_the_new_one_in_its_place(copy: Path) -> None:
    """The sum that writing gives is the sum that opening finds, and no neighbour is left behind."""
    folder = open_folder(copy)
    manifest = folder.manifest.model_copy(update={"version": "other"})
    written = write_folder(copy, folder.files, manifest)
    assert written == open_folder(copy).manifest_sum
    assert written != folder.manifest_sum
    assert StanceClassifier.load(copy).manifest.version == "other"
    assert [copy] == list(copy.parent.iterdir())


def test_the_encoder_is_cut_into_parts_and_joined_again(tiny_folder: Path) -> None:
    """Parts stay in order and below what a git host takes."""
    weights = bytes(range(256)) * 500_000
    parts = encoder_parts(weights)
    assert len(parts) == 3
    assert all(len(part) < 95_000_000 for part in parts.values())
    assert weights == b"".join(parts[name] for name in sorted(parts))
    assert open_folder(tiny_folder).encoder() == (tiny_folder / "encoder-0.int8").read_bytes()


def test_the_shipped_model_keeps_to_its_size() -> None:
    """A clone stays small: at most 115 MB in all, no file over 95 MB, labels with their real names."""
    from models.classifier import DEFAULT_FOLDER

    sizes = {file.name: file.stat().st_size for file in DEFAULT_FOLDER.iterdir()}
    assert sum(sizes.values()) <= 115_000_000
    assert max(sizes.values()) <= 95_000_000
    config = json.loads((DEFAULT_FOLDER / "config.json").read_text())
    assert list(config["label2id"]) == list(STANCES)
