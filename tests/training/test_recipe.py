"""The whole road from statements to a model folder, by the tiny model."""

from datetime import date
from pathlib import Path

import pytest

from models.errors import ConfigError
from models.folder import open_folder
from training.config import read_fit_config
from training.recipe import fit_model

SMOKE = Path(__file__).parent.parent.parent / "configs" / "smoke.toml"


def test_the_tiny_model_learns_something(tiny_folder: Path) -> None:
    """Better than always the same answer (macro-F1 0.1 over four), though from nothing and on few statements."""
    figures = open_folder(tiny_folder).manifest.figures["tuning"]
    assert figures["macro_f1_four"].value > 0.2
    assert figures["macro_f1_four"].n > 50


def test_a_finished_run_is_exported_to_the_same_model_again(tiny_folder: Path) -> None:
    """The network is not trained a second time, and every file but the date is the same."""
    before = open_folder(tiny_folder)
    stamp = (tiny_folder.parent / "network" / "network.safetensors").stat().st_mtime_ns
    config = read_fit_config(SMOKE)
    again = fit_model(config, data=[], apart_from=[], runs=tiny_folder.parent.parent, today=date(2026, 11, 25))
    assert again == tiny_folder
    assert open_folder(again).manifest_sum == before.manifest_sum
    assert stamp == (tiny_folder.parent / "network" / "network.safetensors").stat().st_mtime_ns


def test_another_config_does_not_go_on_from_a_run(tiny_folder: Path) -> None:
    """Weights of one config are never finished with another's."""
    config = read_fit_config(SMOKE).model_copy(update={"split_seed": 1})
    with pytest.raises(ConfigError, match="was begun with another config and data"):
        fit_model(config, data=[], apart_from=[], runs=tiny_folder.parent.parent, today=date(2026, 11, 25))


def test_the_card_has_the_figures_and_their_side(tiny_folder: Path) -> None:
    """Front matter for a hub, and a table for people."""
    card = (tiny_folder / "README.md").read_text()
    four = open_folder(tiny_folder).manifest.figures["tuning"]["macro_f1_four"]
    assert card.startswith("---\nlicense: apache-2.0\n")
    assert f"value: {four.value}" in card
    assert f"| {four.value:.3f} | {four.low:.3f} to {four.high:.3f} | {four.n} |" in card


def test_a_run_goes_on_from_a_model_folder(tiny_folder: Path, tmp_path: Path) -> None:
    """With its weights and its base's sum; one step at no rate to speak of changes next to nothing."""
    update = {"name": "further", "epochs": 1, "learning_rate": 1e-12, "head_learning_rate": 1e-12}
    config = read_fit_config(SMOKE).model_copy(update=update)
    made = fit_model(config, data=[], apart_from=[], runs=tmp_path, today=date(2026, 11, 25), start=tiny_folder)
    first, second = open_folder(tiny_folder), open_folder(made)
    assert second.manifest.base_sum == first.manifest.base_sum
    assert second.files["tokenizer.json"] == first.files["tokenizer.json"]
    before, after = (folder.manifest.figures["tuning"]["macro_f1_four"].value for folder in (first, second))
    assert after == pytest.approx(before, abs=0.02)
    with pytest.raises(ConfigError, match="was begun with another start"):
        fit_model(config, data=[], apart_from=[], runs=tmp_path, today=date(2026, 11, 25))
