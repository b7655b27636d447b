"""What the service takes: a request's shape and limits, checked as a whole before anything is scored."""

import json
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from models.errors import DetenteError

MAX_STATEMENTS = 64
# 64 statements of 4,000 characters, each written as a six-byte escape, fit with room to spare.
MAX_BODY_BYTES = 4 * 1024 * 1024


class Item(BaseModel):
    """
    One statement of a request.

    Attributes:
        id: given back with the answer.
        text: whatever stood there: a wrong type is this item's fault, and the others are answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: StrictStr | None = None
    text: Any


class ClassifyRequest(BaseModel):
    """The body of POST /v1/classify."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statements: Annotated[list[Item], Field(min_length=1, max_length=MAX_STATEMENTS)]


class RequestFault(DetenteError):
    """
    A request is refused as a whole.

    Attributes:
        status: the HTTP status.
        field: where in the body, as `statements[3].id`; empty for the body itself.
        limit: the number that was passed, where there is one.
    """

    def __init__(self, status: HTTPStatus, detail: str, *, field: str = "", limit: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.limit = limit

    def as_record(self) -> dict[str, object]:
        """Give the body of the answer: problem details as in RFC 9457, with field and limit."""
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            "field": self.field,
            "limit": self.limit,
        }


def parse_request(body: bytes) -> list[Item]:
    """
    Read the body of a classify request.

    Raises:
        RequestFault: not JSON, a wrong shape, an unknown field, no statement, or over 64 of them.
    """
    try:
        # Not pydantic's own JSON reader: it refuses the whole body for one lone surrogate in one text.
        return ClassifyRequest.model_validate(json.loads(body.decode("utf-8"))).statements
    except UnicodeDecodeError as error:
        raise RequestFault(HTTPStatus.BAD_REQUEST, f"the body is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise RequestFault(HTTPStatus.BAD_REQUEST, "the body is nested too deep to be read") from error
    except ValidationError as error:
        raise _first_fault(error) from error
    except ValueError as error:
        raise RequestFault(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from error


def _first_fault(error: ValidationError) -> RequestFault:
    first = error.errors(include_url=False)[0]
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    count = f"{field} holds {{}} statements; 1 to {MAX_STATEMENTS} are taken at once"
    match first["type"]:
        case "too_long" | "too_short":
            detail = count.format(first["ctx"]["actual_length"])
            return RequestFault(HTTPStatus.BAD_REQUEST, detail, field=field, limit=MAX_STATEMENTS)
        case "extra_forbidden":
            return RequestFault(HTTPStatus.BAD_REQUEST, f"{field} is not a field of this request", field=field)
        case "missing":
            return RequestFault(HTTPStatus.BAD_REQUEST, f"{field} is missing", field=field)
        case _:
            given = type(first["input"]).__name__
            detail = f"{field or 'the body'}: {first['msg'][0].lower()}{first['msg'][1:]}, not {given}"
            return RequestFault(HTTPStatus.BAD_REQUEST, detail, field=field)
