"""The service's routes as an ASGI application: classify, and the page with its files."""

import asyncio
import json
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from models.classifier import StanceClassifier
from models.errors import TextError
from models.stance import Answer
from serving.schema import MAX_BODY_BYTES, RequestFault, parse_request

PAGE = Path(__file__).parent / "page"


def make_app() -> Starlette:
    """
    Make the application; whoever starts it puts a loaded model into `state.classifier`.

    Requests are scored in turn, on one thread.
    """
    app = Starlette(
        routes=[
            Route("/v1/classify", _classify, methods=["POST"]),
            Route("/", _page),
            Mount("/page", StaticFiles(directory=PAGE)),
        ]
    )
    app.state.turn = asyncio.Lock()
    return app


async def _classify(request: Request) -> Response:
    try:
        items = parse_request(await _read_body(request))
    except RequestFault as fault:
        return _json(fault.as_record(), fault.status, "application/problem+json")
    classifier: StanceClassifier = request.app.state.classifier
    async with request.app.state.turn:
        answers = await asyncio.to_thread(classifier.classify_each, [item.text for item in items])
    records = [answer_record(item.id, answer) for item, answer in zip(items, answers, strict=True)]
    model = {"version": classifier.manifest.version, "manifest_sum": classifier.manifest_sum}
    return _json({"answers": records, "model": model}, HTTPStatus.OK, "application/json")


async def _page(_: Request) -> Response:
    return FileResponse(PAGE / "index.html", headers={"Content-Security-Policy": "default-src 'self'"})


def answer_record(name: str | None, answer: Answer | TextError) -> dict[str, object]:
    """Give one item's answer, or its fault, under its id."""
    if isinstance(answer, TextError):
        error = {"code": answer.code, "detail": answer.detail, "limit": answer.limit}
        return {"id": name, "error": error}
    return {"id": name, **answer.as_record(), "error": None}


async def _read_body(request: Request) -> bytes:
    """
    Read a JSON body up to the limit, and not a byte beyond it.

    Raises:
        RequestFault: another media type, or a body over the limit, by its declared or its real length.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise RequestFault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            detail = f"the body is over {MAX_BODY_BYTES} bytes"
            raise RequestFault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, limit=MAX_BODY_BYTES)
    return bytes(body)


def _json(content: dict[str, object], status: HTTPStatus, media_type: str) -> Response:
    # ASCII escapes: an id may hold a lone surrogate, which no UTF-8 can carry.
    body = json.dumps(content, allow_nan=False).encode("ascii")
    return Response(body, status_code=status, media_type=media_type)
