"""A correction as it comes in: what was answered, and what a person says is right."""

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from models.stance import Stance
from models.text import MAX_CHARACTERS


def _whole(value: object) -> object:
    """Take 5.0 as 5, as JSON Schema's integers do; strict numbers are neither texts nor booleans."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Offset = Annotated[int, Field(ge=0, strict=True), BeforeValidator(_whole)]
_Short = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stretch(_Part):
    """A stretch of a text, in Unicode code points: its start, and the end after its last character."""

    start: _Offset
    end: _Offset

    @model_validator(mode="after")
    def _is_forward(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"the stretch ends at {self.end}, not after its start at {self.start}")
        return self


class Given(_Part):
    """The answer that was given, and the `manifest_sum` of the model that gave it."""

    stance: Stance
    manifest_sum: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Place(Stretch):
    """Where the statement stood: the SHA-256 of the article, and the stretch of it."""

    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Correction(_Part):
    """
    A correction of one answer.

    Attributes:
        stance: what the person says is right; `condition` the words of the condition in the statement.
        speaker: who made the statement.
        reason: why the answer was wrong.
    """

    statement: Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]
    given: Given
    stance: Stance
    condition: Stretch | None = None
    speaker: _Short | None = None
    article: Place | None = None
    reason: Annotated[str, Field(max_length=2000)] | None = None

    @model_validator(mode="after")
    def _is_inside(self) -> Self:
        if self.condition and self.condition.end > len(self.statement):
            raise ValueError(f"the condition ends at {self.condition.end}, the statement at {len(self.statement)}")
        return self
