"""The road from labelled statements to a model folder: split, fine-tune, and let `release` do the rest."""

import json
import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import torch

from models.errors import ConfigError
from models.folder import open_folder
from models.tokens import tokenizer_from
from training.bases import base_folder
from training.batches import Encoded, encode_statement
from training.config import FitConfig, config_hash
from training.data import LabelledStatement, content_hash, expand_globs, read_statements
from training.dequantize import write_trainable
from training.fit import fine_tune
from training.network import StanceNetwork, load_network, load_weights, save_weights
from training.release import export_model
from training.scratch import write_scratch_base
from training.split import Sides, leave_out_near, split_sides

logger = logging.getLogger(__name__)

SCRATCH = "scratch"


def fit_model(
    config: FitConfig,
    *,
    data: Sequence[Path],
    apart_from: Sequence[Path],
    runs: Path,
    today: date,
    extra: Sequence[Path] = (),
    start: Path | None = None,
) -> Path:
    """
    Make a model folder of labelled statements, in `runs`/NAME/model; a run that was cut off goes on.

    The trainable weights stand beside it, in `runs`/NAME/network.

    Args:
        data: labelled files to train on besides the config's own statements.
        apart_from: labelled files kept for evaluation; what is near to them is left out of training.
        extra: labelled files to train on, but not to choose or calibrate by, since they were drawn by how a model
            read them: what falls on the tuning side is left out.
        start: a model folder whose weights, heads included, it goes on from, instead of the base's; made with the
            same split, or it would be tuned by what it was trained on.

    Raises:
        ConfigError: a run begun with another config or data, or a start made of another base than the config's.
    """
    run = runs / config.name
    run.mkdir(parents=True, exist_ok=True)
    sides = read_sides(config, data=data, apart_from=apart_from, extra=extra)
    identity = {"config": config_hash(config), "data": content_hash(sides.training)}
    first = open_folder(start) if start else None
    if first:
        if first.manifest.base != config.base:
            raise ConfigError(f"{start} was made of base {first.manifest.base!r}, not of the config's {config.base!r}")
        identity["start"] = first.manifest_sum
    claim(run, identity)
    base = find_base(config, sides, run) if start is None else _find_start(start, run / "start")
    encoded = encode_all(config, sides.training, base)
    network = train_network(config, encoded, base, run, start=base if start else None)
    target, base_sum = run / "model", first.manifest.base_sum if first else None
    export_model(config, sides, network, base=base, target=target, today=today, base_sum=base_sum)
    return target


def _find_start(model: Path, made: Path) -> Path:
    if not made.is_dir():
        write_trainable(model, made)
    return made


def read_sides(
    config: FitConfig, *, data: Sequence[Path], apart_from: Sequence[Path], extra: Sequence[Path] = ()
) -> Sides:
    """Read all statements of a run and cut them into its two sides, the same for the same config and data."""
    everything = read_statements([*expand_globs(config.statements), *data, *extra])
    drawn = {statement.id for statement in read_statements(extra)}
    kept = leave_out_near(everything, read_statements(apart_from))
    training, tuning = split_sides(kept, share=config.tuning_share, seed=config.split_seed)
    sides = Sides(training, [statement for statement in tuning if statement.id not in drawn])
    logger.info(
        "%d statements: %d to train on, %d to tune by, %d left out as near to what is evaluated on",
        len(everything), len(sides.training), len(sides.tuning), len(everything) - len(kept),
    )  # fmt: skip
    return sides


def claim(run: Path, identity: dict[str, str]) -> None:
    """
    Mark a run's folder as that of one config and one set of data.

    Raises:
        ConfigError: it was begun with others, and going on would mix the two.
    """
    place = run / "run.json"
    begun = json.loads(place.read_text()) if place.exists() else identity
    if differing := sorted(key for key in begun.keys() | identity.keys() if begun.get(key) != identity.get(key)):
        raise ConfigError(f"{run} was begun with another {' and '.join(differing)}; remove it, or name the config anew")
    place.write_text(json.dumps(identity))


def find_base(config: FitConfig, sides: Sides, run: Path) -> Path:
    """Give the base's folder; one from nothing is made in the run's."""
    if config.base != SCRATCH:
        return base_folder(config.base)
    write_scratch_base((s.text for s in sides.training), run / "base", seed=config.seed)
    return run / "base"


def encode_all(config: FitConfig, statements: Sequence[LabelledStatement], base: Path) -> list[Encoded]:
    """Encode statements with a base's tokenizer."""
    tokenizer = tokenizer_from((base / "tokenizer.json").read_bytes())
    return [encode_statement(tokenizer, s, max_tokens=config.max_tokens) for s in statements]


def train_network(
    config: FitConfig, encoded: Sequence[Encoded], base: Path, run: Path, *, start: Path | None = None
) -> StanceNetwork:
    """
    Fine-tune a base into `run`/network, or give what is there if it is finished.

    Args:
        start: folder of a trained network to go on from, heads included, instead of the base.
    """
    finished = run / "network"
    if finished.is_dir():
        logger.info("%s is finished; going on from there", finished)
        return load_weights(finished)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    network = load_weights(start) if start else load_network(base)
    fine_tune(network, encoded, config, folder=run, padding_id=network.encoder.config.pad_token_id)
    neighbour = run / "network.part"
    save_weights(network, neighbour)
    neighbour.rename(finished)
    (run / "checkpoint.pt").unlink()
    return network
