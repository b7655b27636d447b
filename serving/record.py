"""One item's answer as it is written: over REST and as a line of JSON."""

from models.errors import TextError
from models.stance import Answer


def answer_record(name: str | None, answer: Answer | TextError) -> dict[str, object]:
    """Give one item's answer, or its fault, under its id."""
    if isinstance(answer, TextError):
        error = {"code": answer.code, "detail": answer.detail, "limit": answer.limit}
        return {"id": name, "error": error}
    return {"id": name, **answer.as_record(), "error": None}
