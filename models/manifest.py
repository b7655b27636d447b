"""What stands beside the weights of a model, and the refusal of what this code cannot honour."""

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import ModelError
from models.stance import STANCES, Stance

FORMAT = 2
Sum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class EncoderShape(BaseModel):
    """
    What the encoder's weights file does not say of itself.

    Attributes:
        vocabulary_size: rows of the table of word pieces.
        layer_norm_epsilon: added to variances.
        first_position: number of the first absolute position, where the second embedding table holds
            positions; None where it holds token types, of which only the first is used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary_size: int
    layer_norm_epsilon: float
    first_position: int | None


class Measured(BaseModel):
    """A figure with its 95 % interval, where it has one, and the number of statements that it rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float | None
    high: float | None
    n: int


class Manifest(BaseModel):
    """
    The declaration of a model folder.

    Attributes:
        format: number of this layout; another one is refused.
        version: a name for people: the day it was trained and the start of its config's and data's hash.
        base: the base model's name, and `base_sum` the SHA-256 of its weights (of nothing: from scratch).
        data_hash: SHA-256 over the `n_training` labelled statements that it was trained on.
        config_hash: SHA-256 of the config's values.
        labels: stances in the order of the outputs.
        max_tokens: length of a window, marks included; `window_overlap` tokens are shared by two.
        max_windows: windows beyond this many are left unread, and the answer says so.
        temperature: logits are divided by it; then `bias` (4,) is added, before the softmax (`models.calibration`).
        temperature_slope: by how much the temperature falls with the margin of the answer; 0 in older folders.
        uncertain_below: answers whose highest probability is lower abstain as uncertain.
        unfamiliar_above: texts of which the tokenizer needs more pieces a word are in another language, or in none.
        condition_bias: added to the condition logit of each token before the words are chosen.
        threat_floor: a hostile statement has a condition only if the logit of one token reaches this.
        score_histograms: stance -> counts of its probability on the tuning side, in ten equal bins from 0 to 1.
        conformal: stance -> the least probability at which it remains possible, for each coverage of
            `conformal.COVERAGES`; empty where the tuning side was too small.
        languages: codes of the languages that it was made and measured for.
        figures: side -> name -> what was measured on it.
        files: file name -> SHA-256, of every other file of the folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    version: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    trained_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    base: str
    base_sum: Sum
    data_hash: Sum
    n_training: int
    config_hash: Sum
    labels: tuple[str, ...]
    encoder: EncoderShape
    max_tokens: Annotated[int, Field(ge=16, le=512)]
    window_overlap: Annotated[int, Field(ge=0)]
    max_windows: Annotated[int, Field(ge=1)]
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    temperature_slope: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    bias: tuple[float, float, float, float]
    uncertain_below: Annotated[float, Field(ge=0, le=1)]
    unfamiliar_above: Annotated[float, Field(gt=0)]
    condition_bias: float
    threat_floor: float
    score_histograms: dict[Stance, tuple[int, ...]]
    conformal: dict[Stance, tuple[float, ...]]
    languages: tuple[str, ...]
    figures: dict[str, dict[str, Measured]]
    files: dict[str, Sum]


def parse_manifest(content: bytes, place: str) -> Manifest:
    """
    Read a manifest.

    Raises:
        ModelError: not a manifest, another format, or another label order, with `place` named.
    """
    try:
        declared = json.loads(content)
        if isinstance(declared, dict) and declared.get("format", FORMAT) != FORMAT:
            raise ModelError(f"{place}: format {declared['format']} is not {FORMAT}, the one that this version reads")
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "content"
        raise ModelError(f"{place}: {field}: {first['msg']}") from error
    except ValueError as error:
        raise ModelError(f"{place}: not JSON: {error}") from error
    if manifest.labels != tuple(STANCES):
        raise ModelError(f"{place}: label order {', '.join(manifest.labels)} is not {', '.join(STANCES)}")
    return manifest
