"""The registry's way back, its checks and its commands."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import pytest

from models.errors import ModelError
from models.folder import open_folder, write_folder
from models.registry import Registry
from training.__main__ import main

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _other(source: Path, target: Path, version: str) -> Path:
    """Write the same model with another temperature, under another version."""
    folder = open_folder(source)
    changed = {"version": version, "temperature": folder.manifest.temperature * (1 + len(version) / 10)}
    write_folder(target, folder.files, folder.manifest.model_copy(update=changed))
    return target


@pytest.fixture
def three(tmp_path: Path, tiny_folder: Path) -> Registry:
    """Hold three versions, promoted in turn."""
    registry = Registry(tmp_path / "versions")
    for day, version in enumerate(("a", "bb", "ccc"), start=1):
        registry.publish(_other(tiny_folder, tmp_path / version, version), trainable=tiny_folder.parent / "network")
        registry.promote(version, at=NOW.replace(day=day), reason=f"reason {day}")
    return registry


def _champion(registry: Registry) -> str:
    pointer = registry.pointer()
    assert pointer
    return pointer.version


def test_rollback_goes_back_step_by_step_in_under_a_second(three: Registry) -> None:
    """It answers as it did; the history keeps all that happened, and there is a first one."""
    begun = perf_counter()
    three.rollback(at=NOW, reason="worse in the field")
    assert perf_counter() - begun < 1
    assert "bb" == _champion(three)
    pointer = three.pointer()
    assert pointer
    assert "bb" == three.load(pointer).manifest.version
    three.rollback(at=NOW)
    assert "a" == _champion(three)
    with pytest.raises(ModelError, match="no champion before this one"):
        three.rollback(at=NOW)
    told = [(e.event, e.version) for e in three.history.events()]
    assert [("promote", "a"), ("promote", "bb"), ("promote", "ccc"), ("rollback", "bb"), ("rollback", "a")] == told


def test_a_promotion_after_a_rollback_leads_back_to_where_it_came_from(three: Registry) -> None:
    """From a, not from the one that was left."""
    three.rollback(at=NOW)
    three.rollback(at=NOW)
    three.promote("ccc", at=NOW)
    assert "a" == three.rollback(at=NOW).version


def test_rollback_refuses_what_was_damaged(three: Registry, tmp_path: Path) -> None:
    """The champion stays."""
    (tmp_path / "versions" / "bb" / "heads.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="has SHA-256"):
        three.rollback(at=NOW)
    assert "ccc" == _champion(three)


@pytest.mark.parametrize("lines", [2, 4])
def test_a_history_that_missed_the_last_step_does_not_mislead(three: Registry, tmp_path: Path, lines: int) -> None:
    """A kill after the pointer's write: of the third promotion, or of the rollback to the second."""
    history = tmp_path / "versions" / "history.jsonl"
    if lines == 4:
        three.rollback(at=NOW)
    kept = history.read_text().splitlines(keepends=True)[: 3 if lines == 4 else 2]
    history.write_text("".join(kept))
    assert ("a" if lines == 4 else "bb") == three.rollback(at=NOW).version


def test_verify_names_the_damaged_one(three: Registry, tmp_path: Path) -> None:
    """The others are sound."""
    assert {"a": None, "bb": None, "ccc": None} == three.verify()
    (tmp_path / "versions" / "bb" / "config.json").write_bytes(b"{}")
    faults = three.verify()
    assert ["bb"] == [version for version, fault in faults.items() if fault]
    assert "has SHA-256" in str(faults["bb"])
    shutil.rmtree(tmp_path / "versions" / "ccc")
    assert "is not there" in str(three.verify()["ccc"])


def test_prune_keeps_champion_anchor_and_the_way_back(three: Registry, tmp_path: Path, tiny_folder: Path) -> None:
    """The first champion is the anchor until another is named."""
    three.publish(_other(tiny_folder, tmp_path / "dddd", "dddd"))
    assert "a" == three.anchor()
    assert ["bb", "dddd"] == three.prune(keep=0, at=NOW)
    assert ["a", "ccc"] == three.versions()
    assert not three.trainable("bb").exists()
    assert three.trainable("a").is_dir()
    assert "a" == three.rollback(at=NOW).version
    three.set_anchor("ccc", at=NOW, reason="a year has passed")
    assert "ccc" == three.anchor()


def test_the_commands_list_show_and_go_back(
    three: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a person on call types them."""
    where = ["--registry", str(tmp_path / "versions")]
    assert 0 == main(["models", "list", *where])
    assert [
        "  a  anchor",
        "  bb",
        "* ccc  champion since 2026-11-03T12:00:00+00:00",
    ] == capsys.readouterr().out.splitlines()
    assert 0 == main(["models", "rollback", *where])
    assert "bb answers instead of ccc\n" == capsys.readouterr().out
    assert 0 == main(["models", "verify", *where])
    assert ["a: sound", "bb: sound", "ccc: sound"] == capsys.readouterr().out.splitlines()
    assert 0 == main(["models", "show", "a", *where])
    assert '"version": "a"' in capsys.readouterr().out
    assert 0 == main(["models", "promote", "ccc", *where])
    capsys.readouterr()
    assert 0 == main(["models", "prune", "--keep", "1", *where])
    (tmp_path / "versions" / "a" / "config.json").write_bytes(b"{}")
    assert 1 == main(["models", "verify", *where])
    assert 1 == main(["models", "show", "zz", *where])
