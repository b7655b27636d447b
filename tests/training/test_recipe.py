"""The whole road from statements to a model folder, by the tiny model."""

import json
from datetime import date
from pathlib import Path

import pytest

from models.errors import ConfigError
from models.folder import open_folder
from training.config import read_fit_config
from training.recipe import fit_model, read_sides

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


def test_a_start_of_another_base_is_an_error(tiny_folder: Path, tmp_path: Path) -> None:
    """Its card would name a base that it was not made of."""
    config = read_fit_config(SMOKE).model_copy(update={"base": "minilm"})
    with pytest.raises(ConfigError, match="was made of base 'scratch', not of the config's 'minilm'"):
        fit_model(config, data=[], apart_from=[], runs=tmp_path, today=date(2026, 11, 25), start=tiny_folder)


def test_extra_statements_are_trained_on_and_never_tuned_by(tmp_path: Path) -> None:
    """Though the documents of some fall on the tuning side."""
    line = {"stance": "none", "confidence": 3, "condition": None, "source": "own"}
    texts = [f"Meeting number {n} of the port committee took {n + 20} minutes." for n in range(60)]
    extra = tmp_path / "extra.jsonl"
    lines = [{**line, "id": f"x{n}", "text": text, "document": f"x{n}"} for n, text in enumerate(texts)]
    extra.write_text("".join(json.dumps(line) + "\n" for line in lines))
    config = read_fit_config(SMOKE)
    as_data = read_sides(config, data=[extra], apart_from=[])
    as_extra = read_sides(config, data=[], apart_from=[], extra=[extra])
    on_tuning_side = {s.id for s in as_data.tuning if s.id.startswith("x")}
    assert on_tuning_side
    assert as_extra.training == as_data.training
    assert [s.id for s in as_extra.tuning] == [s.id for s in as_data.tuning if s.id not in on_tuning_side]
