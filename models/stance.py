"""The label contract: the stances in their one order, and the record that every answer is."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Stance(StrEnum):
    """How a statement stands towards the other side; the order is that of every model's outputs."""

    CONCILIATORY = "conciliatory"
    CONDITIONAL = "conditional"
    HOSTILE = "hostile"
    NONE = "none"


STANCES: tuple[Stance, ...] = tuple(Stance)
LEANINGS: tuple[Stance, ...] = STANCES[:3]


class Abstention(StrEnum):
    """Why an answer should not be relied on."""

    UNCERTAIN = "uncertain"
    LANGUAGE = "language"
    TRUNCATED = "truncated"
    UNFAMILIAR = "unfamiliar"
    NOT_PROSE = "not_prose"


@dataclass(frozen=True, slots=True)
class Condition:
    """
    The words that state what the other side has to do.

    Attributes:
        start: offset of the first character in the text as sent, in Unicode code points.
        end: offset after the last character.
        text: the words themselves, `text[start:end]` of what was sent.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the model says of one statement.

    Attributes:
        stance: the most probable of the four.
        leaning: the most probable of conciliatory, conditional and hostile.
        probabilities: stance -> calibrated probability; the four sum to 1.
        condition: for conditional statements and contingent threats, where one was found.
        abstained: why the answer should not be relied on, else None.
        language: a code, None where none was detected.
        truncated: whether text was left unread.
    """

    stance: Stance
    leaning: Stance
    probabilities: dict[Stance, float]
    condition: Condition | None
    abstained: Abstention | None
    language: str | None
    truncated: bool

    def as_record(self) -> dict[str, object]:
        """Give the answer as plain values that JSON can hold, in the order of the contract."""
        record = asdict(self)
        record["probabilities"] = {str(stance): p for stance, p in self.probabilities.items()}
        return record
