"""
A strong reader without gold labels: an ensemble of teachers reads the pool, a student learns from both.

Soft labels after Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network"; the student
is as large as one teacher and keeps most of what their average knows.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from models.tokens import cut_windows, tokenizer_from
from training.bases import base_folder
from training.config import DistilConfig, config_hash
from training.data import content_hash
from training.pool import pool_hash, read_pool
from training.recipe import claim, encode_all, read_sides, train_network
from training.release import export_model
from training.soft import SoftLabels, as_encoded, read_softly

logger = logging.getLogger(__name__)


def distil_model(
    config: DistilConfig, *, data: Sequence[Path], apart_from: Sequence[Path], pool: Path, runs: Path, today: date
) -> Path:
    """
    Train teachers, let them read the pool, and train the student, in `runs`/NAME/model; a run cut off goes on.

    Args:
        data: labelled files to train on besides the configs' own statements.
        apart_from: labelled files kept for evaluation; what is near to them is left out, of the pool too.
        pool: JSONL (also .gz) of unlabelled texts.
    """
    sides = read_sides(config.student, data=data, apart_from=apart_from)
    base = base_folder(config.student.base)
    gold = encode_all(config.student, sides.training, base)
    texts = read_pool(pool, apart_from=[*sides.tuning], files=apart_from)
    ids = list(_encode_texts(texts, base, max_tokens=config.student.max_tokens))
    run = runs / config.student.name
    run.mkdir(parents=True, exist_ok=True)
    identity = {"data": content_hash(sides.training), "pool": pool_hash(texts)}
    claim(run, {**identity, "config": config_hash(config.student), "teacher": config_hash(config.teacher)})

    folders = [runs / f"{config.teacher.name}-{seed}" for seed in config.teacher_seeds]
    soft = _load_soft(run)
    if soft is None:
        teachers = []
        for seed, folder in zip(config.teacher_seeds, folders, strict=True):
            teacher = config.teacher.model_copy(update={"seed": seed, "name": folder.name})
            folder.mkdir(parents=True, exist_ok=True)
            claim(folder, {**identity, "config": config_hash(teacher)})
            teachers.append(train_network(teacher, gold, base, folder))
        soft = read_softly(teachers, ids)
        _save_soft(run, soft)
    statements = [*gold, *as_encoded(ids, soft)]
    network = train_network(config.student, statements, base, run, start=folders[0] / "network")
    export_model(config.student, sides, network, base=base, target=run / "model", today=today)
    return run / "model"


def _encode_texts(texts: Sequence[str], base: Path, *, max_tokens: int) -> Iterator[list[int]]:
    tokenizer = tokenizer_from((base / "tokenizer.json").read_bytes())
    for text in texts:
        yield cut_windows(tokenizer, text, length=max_tokens, overlap=0)[0].ids


def _load_soft(run: Path) -> SoftLabels | None:
    place = run / "soft.npz"
    if not place.exists():
        return None
    with np.load(place) as arrays:
        return SoftLabels(arrays["stances"], arrays["conditions"])


def _save_soft(run: Path, soft: SoftLabels) -> None:
    neighbour = run / "soft.part.npz"
    np.savez(neighbour, stances=soft.stances, conditions=soft.conditions)
    neighbour.replace(run / "soft.npz")
