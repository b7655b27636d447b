"""Teachers, what they say of a pool, and the student that learns from it."""

import gzip
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import MPNetConfig, MPNetModel

from models.errors import DataError
from models.folder import open_folder
from training.batches import collate
from training.config import DistilConfig, read_distil_config, read_fit_config
from training.data import read_statements
from training.distil import distil_model
from training.fit import two_head_loss, weigh_labels
from training.network import StanceNetwork
from training.pool import read_pool
from training.soft import as_encoded, read_softly

CONFIGS = Path(__file__).parent.parent.parent / "configs"
IDS = [[0, 5, 7, 2], [0, 9, 2], [0, 3, 4, 5, 6, 2]]


def _network(seed: int) -> StanceNetwork:
    torch.manual_seed(seed)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return StanceNetwork(MPNetModel(MPNetConfig(vocab_size=20, **size), add_pooling_layer=False)).eval()


def _write_pool(path: Path, rows: list[dict[str, str]]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def test_soft_labels_are_the_mean_over_the_teachers() -> None:
    """Read one by one and without padding, each text gives the same numbers, to half precision."""
    teachers = [_network(1), _network(2)]
    soft = read_softly(teachers, IDS, batch_size=2)
    start = 0
    for i, ids in enumerate(IDS):
        with torch.inference_mode():
            read = [teacher(torch.tensor([ids]), torch.ones(1, len(ids))) for teacher in teachers]
        stance = torch.stack([one.softmax(dim=1)[0] for one, _ in read]).mean(dim=0)
        condition = torch.stack([one.sigmoid()[0] for _, one in read]).mean(dim=0)
        assert soft.stances[i] == pytest.approx(stance.numpy(), abs=2e-3)
        assert soft.conditions[start : start + len(ids)] == pytest.approx(condition.numpy(), abs=2e-3)
        start += len(ids)


def test_what_a_teacher_read_is_not_weighed_by_stance() -> None:
    """The loss of a soft label is its plain cross-entropy, whatever the shares of the stances."""
    soft = read_softly([_network(1)], IDS)
    encoded = as_encoded(IDS, soft)
    config = read_fit_config(CONFIGS / "smoke.toml").model_copy(update={"condition_weight": 0.0})
    logits = torch.zeros(3, 4)
    batch = collate(encoded, padding_id=1)
    weights = weigh_labels(encoded, config, torch.device("cpu"))
    assert two_head_loss(logits, torch.zeros(3, 6), batch, weights).item() == pytest.approx(np.log(4), abs=2e-3)


def test_the_pool_keeps_clear_of_what_is_kept_for_measuring(tmp_path: Path) -> None:
    """Neither a kept document nor a near-duplicate of a kept statement comes in."""
    kept = read_statements([CONFIGS.parent / "training" / "behaviour" / "held_out.jsonl"])[0]
    fresh = "Our delegation leaves for the talks tomorrow, whatever the weather."
    rows = [
        {"text": kept.text.upper(), "document": "a"},
        {"text": "They may yet think of something else over there.", "document": kept.document},
        {"text": fresh, "document": "b"},
    ]
    assert read_pool(_write_pool(tmp_path / "pool.jsonl.gz", rows), apart_from=[kept], files=[]) == [fresh]


def test_a_line_without_a_text_is_named(tmp_path: Path) -> None:
    """File and line stand in the error."""
    pool = _write_pool(tmp_path / "pool.jsonl.gz", [{"text": "We will talk.", "document": "a"}, {"document": "b"}])
    with pytest.raises(DataError, match=r"pool\.jsonl\.gz:2: not an object with a text and a document"):
        read_pool(pool, apart_from=[], files=[])


def test_the_config_names_two_others() -> None:
    """They differ in what a student is: longer batches over far more texts."""
    config = read_distil_config(CONFIGS / "distil.toml")
    assert config.teacher.name == "teacher"
    assert config.student.split_seed == config.teacher.split_seed


def test_a_student_is_made_and_a_second_run_goes_on_from_it(tmp_path: Path, tiny_folder: Path) -> None:
    """Two tiny teachers of one epoch, a pool of forty texts, and a model folder that opens."""
    base = tiny_folder.parent / "base"
    small = read_fit_config(CONFIGS / "smoke.toml").model_copy(update={"base": str(base), "epochs": 1})
    config = DistilConfig(
        teacher=small.model_copy(update={"name": "teacher"}),
        teacher_seeds=(1, 2),
        student=small.model_copy(update={"name": "student"}),
    )
    rows = [{"text": f"We shall send {n} more observers to the border.", "document": f"d{n}"} for n in range(40)]
    pool = _write_pool(tmp_path / "pool.jsonl.gz", rows)
    made = [
        distil_model(config, data=[], apart_from=[], pool=pool, runs=tmp_path, today=date(2026, 11, 25)) for _ in "ab"
    ]
    assert open_folder(made[0]).manifest.n_training > 500
    assert made[0] == made[1]
    with np.load(tmp_path / "student" / "soft.npz") as soft:
        assert soft["stances"].sum(axis=1) == pytest.approx(np.ones(len(soft["stances"])), abs=5e-3)
