"""A request's body: read up to its limits in bytes and time, and as JSON up to a depth."""

import asyncio
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from serving.config import Limits
from serving.problems import RequestFault

# The rest of the body will not be read, so that the connection cannot be used again.
_CLOSE = {"Connection": "close"}


async def read_body(request: Request, limits: Limits) -> bytes:
    """
    Read a JSON body's bytes.

    Raises:
        RequestFault: another media type, too long by its declared or its real length, too slow, or cut short.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        detail = "the body must be application/json"
        raise RequestFault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, field="Content-Type", headers=_CLOSE)
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limits.body_bytes:
        raise _too_long(limits.body_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise _too_long(limits.body_bytes)
    except TimeoutError as error:
        detail = f"the body had not arrived after {limits.body_seconds:g} s"
        raise RequestFault(HTTPStatus.REQUEST_TIMEOUT, detail, limit=limits.body_seconds, headers=_CLOSE) from error
    except ClientDisconnect as error:
        raise RequestFault(HTTPStatus.BAD_REQUEST, "the body was cut short") from error
    return bytes(body)


def _too_long(limit: int) -> RequestFault:
    detail = f"the body is over {limit} bytes"
    return RequestFault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, limit=limit, headers=_CLOSE)


def parse_json(body: bytes, *, levels: int) -> Any:  # noqa: ANN401
    """
    Read JSON, lone surrogates in its texts included: those are one item's fault.

    Raises:
        RequestFault: not UTF-8, not JSON, or nested more than `levels` deep.
    """
    deep = RequestFault(HTTPStatus.BAD_REQUEST, f"the body is nested over {levels} levels deep", limit=levels)
    try:
        content = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise RequestFault(HTTPStatus.BAD_REQUEST, f"the body is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise deep from error
    except ValueError as error:
        raise RequestFault(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from error
    if _is_deeper(content, levels):
        raise deep
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _is_deeper(content: object, levels: int) -> bool:
    layer = _containers([content])
    for _ in range(levels):
        if not layer:
            return False
        layer = _containers(child for node in layer for child in (node.values() if isinstance(node, dict) else node))
    return bool(layer)


def _containers(nodes: Iterable[object]) -> list[dict[str, Any] | list[Any]]:
    return [node for node in nodes if isinstance(node, (dict, list))]
