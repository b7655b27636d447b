"""The champion's weights and the labels -> a challenger's model folder; every step is gone on with after a kill."""

import shutil
from datetime import date
from pathlib import Path

from models.registry import Registry
from training.dequantize import write_trainable
from training.gather import Gathered, write_atomically
from training.recipe import encode_all, find_base, train_network
from training.rehearse import rehearse
from training.release import export_model
from training.retrain_config import RetrainConfig

_START = "start"


def make_challenger(
    config: RetrainConfig, gathered: Gathered, registry: Registry, run: Path, *, champion: str | None, today: date
) -> None:
    """
    Fine-tune into `run`/network, calibrate and export into `run`/model.

    Args:
        champion: the version whose weights it starts from; None, or `from_base`: the base's.
    """
    start = None if config.from_base or champion is None else _find_start(registry, champion, run / _START)
    base = start or find_base(config.fit, gathered.sides, run)
    encoded = encode_all(config.fit, gathered.sides.training, base)
    if start and config.pool:
        encoded += rehearse(config, gathered.evaluation, start, target=run / "soft.npz")
    network = train_network(config.fit, encoded, base, run, start=start)
    base_sum = registry.show(champion).base_sum if start and champion else None
    write_atomically(run / "network" / "tokenizer.json", (base / "tokenizer.json").read_text(encoding="utf-8"))
    export_model(config.fit, gathered.sides, network, base=base, target=run / "model", today=today, base_sum=base_sum)
    shutil.rmtree(run / _START, ignore_errors=True)


def _find_start(registry: Registry, champion: str, made: Path) -> Path:
    """Give the champion's trainable weights; where nobody kept them, they are made of its int8 ones."""
    kept = registry.trainable(champion)
    if kept.is_dir():
        return kept
    if not made.is_dir():
        write_trainable(registry.folder(champion), made)
    return made
