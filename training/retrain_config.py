"""The settings of a retraining: which labels, which evaluation, which rules; every key stands in the file."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.settings import read_settings, read_toml, validate_settings
from training.config import FitConfig, read_fit_config
from training.gate import GateRules

Share = Annotated[float, Field(ge=0, lt=1)]


class RetrainConfig(BaseModel):
    """
    All that decides a retraining, besides the labels.

    Attributes:
        fit: how to fine-tune; its own statements are trained on again, as rehearsal.
        gate: what the challenger has to reach.
        labels: glob patterns of what people labelled, in any form that `labels check` reads.
        earlier: glob patterns of labelled JSONL of earlier trainings, trained on again where they are at hand.
        held_out: glob patterns of labelled JSONL to judge by; what is near to it is never trained on.
        held_back_share: of the new labels' documents, judged by and never trained on.
        pool: JSONL of unlabelled texts on which the champion's answers are rehearsed; empty for none.
        pool_texts: how many of them.
        fewest_labels: fewer decided texts than this are nothing new.
        from_base: start from the base of `fit`, not from the champion's weights.
        embeddings: base whose frozen vectors screen the new labels for noise; empty for no screen.
        screen_share: share of the new labels that is listed for a person.
        first: model folder that answers while the registry is empty, taken in as the first champion; empty: the
            first challenger is promoted as it is, for there is nothing to hold it against.
        registry: folder of versions; `runs` the folder of runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fit: FitConfig
    gate: GateRules
    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    earlier: tuple[str, ...]
    held_out: Annotated[tuple[str, ...], Field(min_length=1)]
    held_back_share: Share
    pool: str
    pool_texts: Annotated[int, Field(ge=0)]
    fewest_labels: Annotated[int, Field(ge=1)]
    from_base: bool
    embeddings: str
    screen_share: Share
    first: str
    registry: str
    runs: str


def read_retrain_config(path: Path) -> RetrainConfig:
    """
    Read a TOML file whose `fit` and `gate` name two others, beside it.

    Raises:
        ConfigError: a file that is missing or not TOML, or a key that is missing, unknown or out of range.
    """
    values = read_toml(path)
    if isinstance(values.get("fit"), str):
        values["fit"] = read_fit_config(path.parent / values["fit"]).model_dump()
    if isinstance(values.get("gate"), str):
        values["gate"] = read_settings(path.parent / values["gate"], GateRules).model_dump()
    return validate_settings(RetrainConfig, values, path)
