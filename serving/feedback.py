"""The routes of corrections: record one, withdraw one's own, read all as JSONL."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import chain

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from models.errors import StoreError
from serving.auth import Key
from serving.body import parse_json, read_body
from serving.feedback_shapes import Correction
from serving.problems import RequestFault
from serving.replies import answer_json
from serving.schema import first_fault
from serving.store import OnceError, Store
from serving.worker import Worker

ONCE_HEADER = "Idempotency-Key"
_UNAVAILABLE = "the correction could not be stored; nothing of it was kept"


async def record(request: Request, worker: Worker, key: Key) -> Response:
    """Store a correction; 201 when it is on disk."""
    limits = worker.config.limits
    content = parse_json(await read_body(request, limits), levels=limits.json_levels)
    try:
        correction = Correction.model_validate(content)
    except ValidationError as error:
        raise first_fault(error) from error
    once = _once(request)
    try:
        name = await asyncio.to_thread(worker.store.add, key.name, correction, at=datetime.now(UTC), once=once)
    except OnceError as error:
        raise RequestFault(HTTPStatus.CONFLICT, str(error), field=ONCE_HEADER) from error
    except StoreError as error:
        raise RequestFault(HTTPStatus.SERVICE_UNAVAILABLE, _UNAVAILABLE, headers={"Retry-After": "5"}) from error
    worker.metrics.feedback.inc()
    return answer_json({"id": name}, HTTPStatus.CREATED)


async def withdraw(request: Request, worker: Worker, key: Key) -> Response:
    """Withdraw a correction of one's own."""
    name = request.path_params["name"]
    try:
        was_there = await asyncio.to_thread(worker.store.withdraw, key.name, name, at=datetime.now(UTC))
    except StoreError as error:
        detail = "the correction could not be withdrawn"
        raise RequestFault(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "5"}) from error
    if not was_there:
        raise RequestFault(HTTPStatus.NOT_FOUND, f"{key.name} has recorded no correction with this id", field="id")
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def read(_: Request, worker: Worker, __: Key) -> Response:
    """Give every correction that was not withdrawn, a line each."""
    lines = _lines(worker.store)
    try:
        # Before the status is sent: a database that fails is 503, not a 200 that breaks off.
        first = await asyncio.to_thread(next, lines, b"")
    except StoreError as error:
        detail = "the corrections could not be read"
        raise RequestFault(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "5"}) from error
    return StreamingResponse(chain([first], lines), media_type="application/jsonl")


def _lines(store: Store) -> Iterator[bytes]:
    for row in store.export():
        yield json.dumps(row).encode("ascii") + b"\n"


def _once(request: Request) -> str | None:
    once = request.headers.get(ONCE_HEADER)
    if once is not None and not re.fullmatch(r"[!-~]{1,200}", once):
        detail = f"{ONCE_HEADER} is not 1 to 200 visible ASCII characters"
        raise RequestFault(HTTPStatus.BAD_REQUEST, detail, field=ONCE_HEADER, limit=200)
    return once
