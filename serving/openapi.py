"""/openapi.json: the service described from the schemas that it checks by, with an example of each body and error."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.auth import AccessScope
from serving.config import Limits
from serving.examples import ANSWER, CORRECTION, MODEL, REQUEST, fault_example
from serving.feedback_shapes import Correction
from serving.problems import MEDIA_TYPE
from serving.schema import ClassifyRequest
from serving.shapes import ClassifyAnswer, ModelCard, Problem, State, Stored

_Json = dict[str, Any]
_REF = "#/components/schemas/"
_ANY = (401, 403, 404, 405, 431, 500)
_BODY = (400, 408, 413, 415)


def describe_service(limits: Limits) -> _Json:
    """Write the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "detente",
            "version": "1",
            "description": "Says how diplomatic statements stand towards the other side. Every error is a problem "
            "as in RFC 9457, with the field and the limit that were passed.",
        },
        "security": [{"key": []}],
        "paths": _paths(limits),
        "components": {
            "schemas": _schemas(limits),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of the service."}},
        },
    }


def _paths(limits: Limits) -> _Json:
    once = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Sent a second time with the same body, it stores nothing and gives the first one's id.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    }
    name = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/v1/classify": {
            "post": _operation(
                f"Say how 1 to {limits.statements} statements stand.",
                answers={200: _content(ClassifyAnswer, ANSWER)},
                faults=(*_BODY, *_ANY, 422, 429, 503),
                scope=AccessScope.CLASSIFY,
                body=(ClassifyRequest, REQUEST),
            )
        },
        "/v1/model": {
            "get": _operation("Say what the model is.", answers={200: _content(ModelCard, MODEL)}, faults=_ANY)
        },
        "/v1/feedback": {
            "post": _operation(
                "Record a correction; it is on disk when 201 comes.",
                answers={201: _content(Stored, {"id": "1f0f9c1e-7d6a-4b3c-9a53-0b6f6f0a1c22"})},
                faults=(*_BODY, *_ANY, 409, 422, 503),
                scope=AccessScope.FEEDBACK_WRITE,
                body=(Correction, CORRECTION),
                parameters=(once,),
            ),
            "get": _operation(
                "Give every correction that was not withdrawn, a line of JSON each.",
                answers={200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}}},
                faults=(*_ANY, 503),
                scope=AccessScope.FEEDBACK_READ,
            ),
        },
        "/v1/feedback/{id}": {
            "delete": _operation(
                "Withdraw a correction of one's own.",
                answers={204: {}},
                faults=(*_ANY, 503),
                scope=AccessScope.FEEDBACK_WRITE,
                parameters=(name,),
            )
        },
        "/metrics": {
            "get": _operation(
                "Give the metrics of all workers.",
                answers={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
                faults=_ANY,
                scope=AccessScope.METRICS,
            )
        },
        "/livez": {
            "get": _operation(
                "Say that the process answers.",
                answers={200: _content(State, {"status": "live"})},
                faults=(405, 431, 500),
                is_open=True,
            )
        },
        "/readyz": {
            "get": _operation(
                "Say that every worker answers a known statement as it should.",
                answers={200: _content(State, {"status": "ready"})},
                faults=(405, 431, 500, 503),
                is_open=True,
            )
        },
    }


def _operation(
    summary: str,
    *,
    answers: Mapping[int, _Json],
    faults: tuple[int, ...],
    scope: AccessScope | None = None,
    body: tuple[type[BaseModel], _Json] | None = None,
    parameters: tuple[_Json, ...] = (),
    is_open: bool = False,
) -> _Json:
    described: _Json = {"summary": summary, "responses": {}}
    if scope:
        described["description"] = f"Needs a key with the scope `{scope}` or `admin`."
    if is_open:
        described["security"] = []
    if parameters:
        described["parameters"] = list(parameters)
    if body:
        described["requestBody"] = {"required": True, **_content(*body)}
    for status, content in answers.items():
        described["responses"][str(status)] = {"description": HTTPStatus(status).phrase, **content}
    for status in sorted(faults):
        described["responses"][str(status)] = _fault(HTTPStatus(status))
    return described


def _content(shape: type[BaseModel], example: object) -> _Json:
    return {"content": {"application/json": {"schema": {"$ref": _REF + shape.__name__}, "example": example}}}


def _fault(status: HTTPStatus) -> _Json:
    described: _Json = {
        "description": status.phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}, "example": fault_example(status)}},
    }
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        seconds = {"type": "integer", "minimum": 1}
        described["headers"] = {"Retry-After": {"description": "Seconds to wait.", "required": True, "schema": seconds}}
    return described


def _schemas(limits: Limits) -> _Json:
    taken = (ClassifyRequest, Correction)
    given = (ClassifyAnswer, ModelCard, Problem, State, Stored)
    modes = [*((shape, "validation") for shape in taken), *((shape, "serialization") for shape in given)]
    _, definitions = models_json_schema(modes, ref_template=_REF + "{model}")  # type: ignore[arg-type]
    schemas: _Json = definitions["$defs"]
    schemas["ClassifyRequest"]["properties"]["statements"]["maxItems"] = limits.statements
    # No type or length here: what is wrong with one text is answered in its place.
    schemas["Item"]["properties"]["text"]["description"] = (
        f"A string of 1 to {limits.characters} characters, not blank, without NUL and lone surrogates; "
        "anything else is answered with an error in its place."
    )
    return schemas
