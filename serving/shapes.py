"""What the service gives: the shapes of its answers, for /openapi.json and for the client."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from models.manifest import Measured
from models.stance import Abstention, Condition, Stance


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class Scored(_Shape):
    """
    An answered statement.

    `leaning` is the most probable of conciliatory, conditional and hostile. `condition` has offsets in Unicode code
    points of the text as sent. `abstained` says why the answer should not be relied on, `truncated` whether text was
    left unread. `language` is null until a detector is there.
    """

    id: str | None
    stance: Stance
    leaning: Stance
    probabilities: dict[Stance, float]
    condition: Condition | None
    abstained: Abstention | None
    language: str | None
    truncated: bool
    error: None


class ItemError(_Shape):
    """Why a statement could not be scored; `limit` is the number that was passed, where there is one."""

    code: Literal["blank", "too_long", "nul", "lone_surrogate", "wrong_type"]
    detail: str
    limit: int | None


class Unscored(_Shape):
    """A statement that could not be scored; the others of its request are answered."""

    id: str | None
    error: ItemError


class ModelName(_Shape):
    """Which model answered: its version, and the SHA-256 of its manifest, which names it as a whole."""

    version: str
    manifest_sum: str


class ClassifyAnswer(_Shape):
    """One answer for each statement, in order."""

    answers: list[Scored | Unscored]
    model: ModelName


class ModelCard(ModelName):
    """
    What the model is.

    `labels` says what each stance means, `languages` for which languages it was made and measured, `figures` what was
    measured on which side, `coverages` the least and the highest that a request may ask for (null: none), `limits` what
    a request may hold. `refused` is null, or the version of a champion that could not be taken over; then the one
    before it goes on.
    """

    trained_on: str
    base: str
    labels: dict[Stance, str]
    languages: list[str]
    calibration: dict[str, Any]
    coverages: list[float] | None
    figures: dict[str, dict[str, Measured]]
    limits: dict[str, int]
    refused: str | None


class State(_Shape):
    """The service's state."""

    status: Literal["live", "ready"]


class Stored(_Shape):
    """A correction that is on disk."""

    id: str


class Problem(_Shape):
    """Problem details as in RFC 9457; `field` is where in the request, `limit` the number that was passed."""

    type: str
    title: str
    status: int
    detail: str
    field: str
    limit: float | None
