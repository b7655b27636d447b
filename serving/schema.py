"""What the service takes: the shapes of requests, checked as a whole before anything is scored."""

from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from serving.body import parse_json
from serving.config import Limits
from serving.problems import RequestFault

# A field's name comes from outside: this much of it is repeated.
_SHOWN = 100


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


class Options(BaseModel):
    """
    How statements are to be read.

    Attributes:
        coverage: an answer abstains unless one stance alone remains possible at this coverage: of statements of
            each stance at most 1 - coverage are then answered wrong without a warning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coverage: Annotated[float, Field(gt=0, le=1, strict=True)] | None = None


class ClassifyRequest(BaseModel):
    """The body of POST /v1/classify."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statements: Annotated[list[Item], Field(min_length=1)]
    options: Options = Options()


def parse_request(body: bytes, limits: Limits) -> ClassifyRequest:
    """
    Read the body of a classify request.

    Raises:
        RequestFault: not JSON, a wrong shape, an unknown field, no statement, or too many of them.
    """
    content = parse_json(body, levels=limits.json_levels)
    statements = content.get("statements") if isinstance(content, dict) else None
    if isinstance(statements, list) and not 1 <= len(statements) <= limits.statements:
        detail = f"statements holds {len(statements)} statements; 1 to {limits.statements} are taken at once"
        raise RequestFault(HTTPStatus.BAD_REQUEST, detail, field="statements", limit=limits.statements)
    try:
        return ClassifyRequest.model_validate(content)
    except ValidationError as error:
        raise first_fault(error) from error


def first_fault(error: ValidationError) -> RequestFault:
    """
    Give the first thing that is wrong with a body, with its field; what stood there is not repeated.

    What a schema can tell is 400; what contradicts itself, which none can tell, is 422.
    """
    first = error.errors(include_url=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    field = path.lstrip(".")[:_SHOWN]
    match first["type"]:
        case "extra_forbidden":
            detail = f"{field} is not a field of this request"
        case "missing":
            detail = f"{field} is missing"
        case "value_error":
            detail = f"{field or 'the body'}: {first['ctx']['error']}"
            return RequestFault(HTTPStatus.UNPROCESSABLE_ENTITY, detail, field=field)
        case _:
            given = type(first["input"]).__name__
            detail = f"{field or 'the body'}: {first['msg'][0].lower()}{first['msg'][1:]}, not {given}"
    return RequestFault(HTTPStatus.BAD_REQUEST, detail, field=field)
