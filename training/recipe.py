"""The road from labelled statements to a model folder: split, fine-tune, calibrate, export, in that order."""

import hashlib
import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from tqdm import tqdm

from models.classifier import Reading, StanceClassifier
from models.engine import Engine
from models.errors import ConfigError
from models.folder import ModelFolder, encoder_parts, label_config, write_folder
from models.manifest import FORMAT, EncoderShape, Manifest
from models.stance import STANCES, Answer
from models.tokens import cut_windows, tokenizer_from
from training.bases import base_folder
from training.batches import Encoded, encode_statement
from training.calibrate import (
    Calibration,
    ConditionRule,
    conformal_thresholds,
    fit_calibration,
    fit_condition_rule,
    score_histograms,
    uncertainty_threshold,
)
from training.card import write_card
from training.config import FitConfig
from training.data import LabelledStatement, content_hash, expand_globs, read_statements
from training.evaluate import measure, score_conditions
from training.export import head_arrays, quantize_encoder
from training.fit import fine_tune
from training.network import StanceNetwork, load_network, load_weights, save_weights
from training.scratch import write_scratch_base
from training.split import leave_out_near, split_sides

logger = logging.getLogger(__name__)

# 4,000 characters of English are some 900 tokens, ten windows; ids of rare scripts can be one a character.
_MAX_WINDOWS = 16
SCRATCH = "scratch"
# A text is unfamiliar when the tokenizer cuts its words smaller than this share of the tuning side's.
_FAMILIAR = 0.99
# Of all labelled data so far.
LANGUAGES = ("en",)


@dataclass(frozen=True, slots=True)
class Sides:
    """What is trained on, and what is chosen and calibrated by."""

    training: list[LabelledStatement]
    tuning: list[LabelledStatement]


def fit_model(config: FitConfig, *, data: Sequence[Path], apart_from: Sequence[Path], runs: Path, today: date) -> Path:
    """
    Make a model folder of labelled statements, in `runs`/NAME/model; a run that was cut off goes on.

    The trainable weights stand beside it, in `runs`/NAME/network.

    Args:
        data: labelled files to train on besides the config's own statements.
        apart_from: labelled files kept for evaluation; what is near to them is left out of training.
    """
    run = runs / config.name
    run.mkdir(parents=True, exist_ok=True)
    sides = read_sides(config, data=data, apart_from=apart_from)
    claim(run, {"config": config_hash(config), "data": content_hash(sides.training)})
    base = find_base(config, sides, run)
    network = train_network(config, encode_all(config, sides.training, base), base, run)
    target = run / "model"
    export_model(config, sides, network, base=base, target=target, today=today)
    return target


def read_sides(config: FitConfig, *, data: Sequence[Path], apart_from: Sequence[Path]) -> Sides:
    """Read all statements of a run and cut them into its two sides, the same for the same config and data."""
    everything = read_statements([*expand_globs(config.statements), *data])
    kept = leave_out_near(everything, read_statements(apart_from))
    training, tuning = split_sides(kept, share=config.tuning_share, seed=config.split_seed)
    logger.info(
        "%d statements: %d to train on, %d to tune by, %d left out as near to what is evaluated on",
        len(everything), len(training), len(tuning), len(everything) - len(kept),
    )  # fmt: skip
    return Sides(training, tuning)


def config_hash(config: FitConfig) -> str:
    """Give the SHA-256 of a config's values."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()


def claim(run: Path, identity: dict[str, str]) -> None:
    """
    Mark a run's folder as that of one config and one set of data.

    Raises:
        ConfigError: it was begun with others, and going on would mix the two.
    """
    place = run / "run.json"
    begun = json.loads(place.read_text()) if place.exists() else identity
    if differing := sorted(key for key in identity if begun[key] != identity[key]):
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


def export_model(
    config: FitConfig,
    sides: Sides,
    network: StanceNetwork,
    *,
    base: Path,
    target: Path,
    today: date,
    base_sum: str | None = None,
) -> None:
    """
    Quantize a network, calibrate it on the tuning side and write its model folder.

    Args:
        base_sum: SHA-256 of the base's weights, where `base` is a trained network and not the base itself.
    """
    base_sum = base_sum or hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
    weights, shape = quantize_encoder(network.encoder)
    heads = head_arrays(network)
    tokenizer_json = (base / "tokenizer.json").read_bytes()
    tokenizer = tokenizer_from(tokenizer_json)
    windows = [cut_windows(tokenizer, s.text, length=config.max_tokens, overlap=0)[0] for s in sides.tuning]
    engine = Engine(weights, shape, heads)
    reads = [engine.read(window.ids) for window in tqdm(windows, desc="calibrate", mininterval=5)]
    logits = np.array([stance for stance, _ in reads], dtype=np.float64)
    gold = np.array([STANCES.index(s.stance) for s in sides.tuning])
    calibration = fit_calibration(logits, gold, with_bias=True)
    probabilities = calibration.probabilities(logits)
    manifest = _declare(config, sides, shape, calibration, probabilities, base_sum=base_sum, today=today)
    pieces = [window.pieces_a_word(s.text) for window, s in zip(windows, sides.tuning, strict=True)]
    update = {
        "conformal": conformal_thresholds(probabilities, gold),
        "unfamiliar_above": float(np.quantile(pieces, _FAMILIAR)),
    }
    manifest = manifest.model_copy(update=update)
    files = {
        **encoder_parts(weights),
        "heads.safetensors": save(heads),
        "tokenizer.json": tokenizer_json,
        "config.json": _config_json(network),
    }
    readings = [Reading(w, p, c) for w, p, (_, c) in zip(windows, probabilities, reads, strict=True)]
    manifest = _finish(StanceClassifier(ModelFolder(manifest, "0" * 64, files)), sides.tuning, readings)
    files["README.md"] = write_card(manifest).encode()
    write_folder(target, files, manifest)
    shutil.copy(base / "tokenizer.json", target.with_name("network") / "tokenizer.json")


def _declare(
    config: FitConfig,
    sides: Sides,
    shape: EncoderShape,
    calibration: Calibration,
    probabilities: NDArray[np.float64],
    *,
    base_sum: str,
    today: date,
) -> Manifest:
    data_hash = content_hash(sides.training)
    return Manifest(
        format=FORMAT,
        version=f"{today.isoformat()}-{config.name}-{config_hash(config)[:4]}{data_hash[:4]}",
        trained_on=today.isoformat(),
        base=config.base,
        base_sum=base_sum,
        data_hash=data_hash,
        n_training=len(sides.training),
        config_hash=config_hash(config),
        labels=tuple(STANCES),
        encoder=shape,
        max_tokens=config.max_tokens,
        window_overlap=config.window_overlap,
        max_windows=_MAX_WINDOWS,
        temperature=calibration.temperature,
        bias=calibration.bias,
        uncertain_below=uncertainty_threshold(probabilities, coverage=config.coverage),
        unfamiliar_above=1.0,
        condition_bias=0.0,
        threat_floor=0.0,
        score_histograms=score_histograms(probabilities),
        conformal={},
        languages=LANGUAGES,
        figures={},
        files={},
    )


def _finish(
    classifier: StanceClassifier, statements: Sequence[LabelledStatement], readings: Sequence[Reading]
) -> Manifest:
    """Choose the rule of the condition, measure, and give the manifest with both."""

    def answer_all(rule: ConditionRule) -> list[Answer]:
        update = {"condition_bias": rule.bias, "threat_floor": rule.threat_floor}
        classifier.manifest = classifier.manifest.model_copy(update=update)
        return [
            classifier.answer(s.text, [reading], truncated=False)
            for s, reading in zip(statements, readings, strict=True)
        ]

    rule = fit_condition_rule(lambda rule: score_conditions(answer_all(rule), statements))
    figures = measure(answer_all(rule), statements).measured()
    return classifier.manifest.model_copy(update={"figures": {"tuning": figures}})


def _config_json(network: StanceNetwork) -> bytes:
    config = {
        "architectures": ["StanceNetwork"],
        "model_type": network.encoder.config.model_type,
        **label_config(),
    }
    return (json.dumps(config, indent=1) + "\n").encode()
