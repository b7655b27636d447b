"""One person's label of one text: the form that every source of labels is brought into, and its faults."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.errors import DataError, TextError
from models.stance import STANCES, Stance
from models.text import check_text, clean_text, is_prose

_CONFIDENCES = (1, 2, 3)
_LONGEST_NAME = 200
_WITHOUT_CONDITION = (Stance.CONCILIATORY, Stance.NONE)


@dataclass(frozen=True, slots=True)
class RawLabel:
    """
    A label as a file holds it, nothing checked yet; what a file does not say is None.

    Attributes:
        condition: {"start", "end"} and, where the file has the words, {"text"}.
        only_condition: the file marks conditions and names no stance.
        is_gold: a person decided that this one holds.
    """

    text: Any
    stance: Any = None
    condition: Any = None
    who: Any = None
    when: Any = None
    confidence: Any = None
    source: Any = None
    document: Any = None
    only_condition: bool = False
    is_gold: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """
    One person's label of one text.

    Attributes:
        stance: None where only the condition was marked.
        condition: its start and end in `text`, in characters.
        origin: file and row, and the tool that wrote them.
        confidence: 3 sure, 2 probable, 1 arguable.
        document: of the text where the file names one, else made of the text itself.
    """

    text: str
    stance: Stance | None
    condition: tuple[int, int] | None
    who: str
    when: datetime | None
    origin: str
    confidence: int
    source: str
    document: str
    is_gold: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row of a file."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def text_key(text: str) -> str:
    """Give what two texts share that differ by letter case and spaces alone."""
    return hashlib.sha256(" ".join(clean_text(text).casefold().split()).encode()).hexdigest()[:16]


def check_label(raw: RawLabel, *, place: str, tool: str, now: datetime) -> Label:
    """
    Make a label of what a file holds.

    Raises:
        DataError: what is wrong, with the value; the place is the caller's to name.
    """
    text = _text(raw.text)
    stance = None if raw.only_condition else _stance(raw.stance)
    condition = _condition(raw.condition, text)
    if condition and stance in _WITHOUT_CONDITION:
        words = text[condition[0] : condition[1]]
        raise DataError(f"a condition, {words!r}, is marked though the stance is {stance}")
    if raw.only_condition and not condition:
        raise DataError("neither a stance nor a condition is given")
    return Label(
        text=text,
        stance=stance,
        condition=condition,
        who=_name(raw.who, "who", tool),
        when=_time(raw.when, now),
        origin=f"{place} ({tool})",
        confidence=_confidence(raw.confidence),
        source=_name(raw.source, "source", "labels"),
        document=_name(raw.document, "document", f"text-{text_key(text)}"),
        is_gold=raw.is_gold,
    )


def _text(value: object) -> str:
    if value is None:
        raise DataError("there is no text")
    try:
        text = check_text(value)
    except TextError as error:
        raise DataError(f"{error.detail}: {str(value)[:40]!r}") from error
    if not is_prose(text):
        raise DataError(f"text {text[:40]!r} is not prose: fewer than two words, or letters are less than half of it")
    return text


def _stance(value: object) -> Stance:
    allowed = ", ".join(STANCES)
    if value is None or value == "":
        raise DataError(f"there is no stance; it must be one of {allowed}")
    if not isinstance(value, str):
        raise DataError(f"stance {value!r} must be a word, one of {allowed}, not {type(value).__name__}")
    if value not in list(STANCES):
        raise DataError(f"stance {value!r} is not one of {allowed}")
    return Stance(value)


def _condition(value: Any, text: str) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise DataError(f"condition {value!r} must be an object with start and end")
    if absent := [key for key in ("start", "end") if value.get(key) is None]:
        raise DataError(f"condition {value!r} has no {' and no '.join(absent)}")
    start, end = value["start"], value["end"]
    if type(start) is not int or type(end) is not int:
        raise DataError(f"condition {start!r} to {end!r}: both must be whole numbers")
    if start >= end:
        raise DataError(f"condition {start} to {end} does not end after its start")
    if start < 0 or end > len(text):
        raise DataError(f"condition {start} to {end} is not inside a text of {len(text)} characters")
    words = value.get("text")
    if words is not None and words != text[start:end]:
        raise DataError(f"condition {start} to {end} is {text[start:end]!r}, not {words!r}")
    if not text[start:end].strip():
        raise DataError(f"condition {start} to {end} is blank")
    return start, end


def _name(value: object, field: str, otherwise: str) -> str:
    if value is None:
        return otherwise
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{field} {value!r} must be a name that is not blank")
    if len(value) > _LONGEST_NAME:
        raise DataError(f"{field} {value[:20]!r}... has {len(value)} characters; the limit is {_LONGEST_NAME}")
    return value.strip()


def _confidence(value: object) -> int:
    if value is None:
        return 2
    if type(value) is not int or value not in _CONFIDENCES:
        raise DataError(f"confidence {value!r} is not one of 1, 2, 3")
    return value


def _time(value: object, now: datetime) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        time = value
    else:
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError as error:
            raise DataError(f"when {value!r} is not a time as 2026-11-25T12:00:00+00:00") from error
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    if time > now:
        raise DataError(f"when {value!r} is later than now, {now.isoformat(timespec='seconds')}")
    return time
