"""A trained network -> a model folder: quantized, calibrated and measured on the tuning side, declared, written."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from tqdm import tqdm

from models.classifier import Reading, StanceClassifier
from models.engine import Engine
from models.folder import ModelFolder, encoder_parts, label_config, write_folder
from models.manifest import FORMAT, EncoderShape, Manifest
from models.stance import STANCES, Answer
from models.tokens import cut_windows, tokenizer_from
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
from training.config import FitConfig, config_hash
from training.data import LabelledStatement, content_hash
from training.evaluate import measure, score_conditions
from training.export import head_arrays, quantize_encoder
from training.network import StanceNetwork
from training.split import Sides

# 4,000 characters of English are some 900 tokens, ten windows; ids of rare scripts can be one a character.
_MAX_WINDOWS = 16
# A text is unfamiliar when the tokenizer cuts its words smaller than this share of the tuning side's.
_FAMILIAR = 0.99
# Of all labelled data so far.
LANGUAGES = ("en",)


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
        temperature_slope=calibration.slope,
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
