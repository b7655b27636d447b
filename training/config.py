"""A training config file: every key stands in it, and one reader makes one frozen record of it."""

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.settings import read_settings, read_toml, validate_settings

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class FitConfig(BaseModel):
    """
    All that decides a fine-tuning, besides the data.

    Attributes:
        name: names the run's folder under `runs/`.
        base: a name from `bases`, a local folder or a hub id; "scratch" starts from nothing.
        statements: glob patterns of labelled JSONL that are always trained on.
        tuning_share: share of document clusters kept out of training to choose by.
        split_seed: draws the tuning side.
        seed: draws all else: fresh heads, dropout and the order of the batches.
        max_tokens: length of the window that the model reads at once, marks included.
        window_overlap: tokens that two windows of a long text share.
        frozen_layers: lowest encoder layers, with the embeddings, that keep the base's weights.
        layer_decay: each encoder layer learns at this times the rate of the one above it; 1 for one rate.
        none_share: share of the statements without a stance drawn for each epoch, anew each time.
        class_weight_power: loss weight of a stance is (N / 4n) to this power; 0 weighs all alike.
        confidence_weights: loss weights of labels that are arguable, probable and sure.
        condition_weight: weight of the condition head's loss beside the stance head's.
        warmup_share: share of the steps in which the learning rate rises; then it falls to 0.
        rounded: whether it is trained in the int8 numbers in which it ships; a third slower.
        checkpoint_steps: steps between two checkpoints.
        coverage: share of the tuning side that is answered without abstaining as uncertain.
        threads: torch threads; 0 leaves it to torch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    base: str
    statements: tuple[str, ...]
    tuning_share: Share
    split_seed: int
    seed: int
    max_tokens: Annotated[int, Field(ge=16, le=512)]
    window_overlap: Annotated[int, Field(ge=0)]
    frozen_layers: Annotated[int, Field(ge=0)]
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    head_learning_rate: Positive
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    weight_decay: Annotated[float, Field(ge=0)]
    warmup_share: Share
    none_share: Annotated[float, Field(gt=0, le=1)]
    class_weight_power: Share
    confidence_weights: tuple[Positive, Positive, Positive]
    condition_weight: Annotated[float, Field(ge=0)]
    rounded: bool
    checkpoint_steps: Count
    coverage: Annotated[float, Field(gt=0, le=1)]
    threads: Annotated[int, Field(ge=0)]


class DistilConfig(BaseModel):
    """
    Teachers that differ by seed alone, and the student of their average.

    Attributes:
        teacher_seeds: one teacher each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    teacher: FitConfig
    teacher_seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    student: FitConfig


def read_fit_config(path: Path) -> FitConfig:
    """
    Read a TOML file.

    Raises:
        ConfigError: no such file, not TOML, or a key that is missing, unknown or out of range.
    """
    return read_settings(path, FitConfig)


def read_distil_config(path: Path) -> DistilConfig:
    """
    Read a TOML file whose `teacher` and `student` name two others, beside it.

    Raises:
        ConfigError: a file that is missing or not TOML, or a key that is missing, unknown or out of range.
    """
    values = read_toml(path)
    for role in ("teacher", "student"):
        if isinstance(values.get(role), str):
            values[role] = read_fit_config(path.parent / values[role]).model_dump()
    return validate_settings(DistilConfig, values, path)


def config_hash(config: FitConfig) -> str:
    """Give the SHA-256 of a config's values."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()
