"""The service's routes as an ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from models.errors import CoverageError, TextError
from models.stance import Answer
from models.text import check_text
from serving import feedback
from serving.admission import Score
from serving.auth import AccessScope, Doorkeeper, Key, require
from serving.body import read_body
from serving.edge import Edge
from serving.openapi import describe_service
from serving.problems import MEDIA_TYPE, RequestFault, answer_fault
from serving.record import answer_record
from serving.replies import answer_json
from serving.schema import Item, parse_request
from serving.turnstile import Turnstile
from serving.worker import Worker

PAGE = Path(__file__).parent / "page"
# As nginx counts it: the client has gone, and this is sent to nobody.
_CLIENT_GONE = 499
_PAGE_POLICY = {"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"}
_DOCS_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
Endpoint = Callable[[Request, Worker, Key], Awaitable[Response]]


def make_app(worker: Worker) -> ASGIApp:
    """Make the application around a worker."""

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        async with worker.running():
            yield

    app = Starlette(
        routes=_routes(worker),
        lifespan=running,
        middleware=[
            *_cross_origin(worker.config.access.origins),
            Middleware(Doorkeeper, ring=worker.ring),
            Middleware(Turnstile, desk=worker.desk),
        ],
        exception_handlers={RequestFault: answer_fault, HTTPException: answer_fault, Exception: answer_fault},
    )
    return Edge(
        app,
        header_bytes=worker.config.limits.header_bytes,
        metrics=worker.metrics,
        is_stopping=lambda: worker.health.is_stopping,
    )


def _routes(worker: Worker) -> list[BaseRoute]:
    def keyed(path: str, **methods: tuple[AccessScope | None, Endpoint]) -> Route:
        async def answer(request: Request) -> Response:
            key: Key = request.scope["state"]["key"]
            scope, endpoint = methods["GET" if request.method == "HEAD" else request.method]
            if scope:
                require(key, scope)
            return await endpoint(request, worker, key)

        # One route a path: the router's Allow names the methods of one.
        return Route(path, answer, methods=list(methods))

    async def live(_: Request) -> Response:
        return answer_json({"status": "live"})

    async def ready(_: Request) -> Response:
        if faults := worker.health.faults():
            raise RequestFault(HTTPStatus.SERVICE_UNAVAILABLE, faults[0], headers={"Retry-After": "5"})
        return answer_json({"status": "ready"})

    return [
        keyed("/v1/classify", POST=(AccessScope.CLASSIFY, _classify)),
        keyed("/v1/model", GET=(None, _model)),
        keyed(
            "/v1/feedback",
            POST=(AccessScope.FEEDBACK_WRITE, feedback.record),
            GET=(AccessScope.FEEDBACK_READ, feedback.read),
        ),
        keyed("/v1/feedback/{name}", DELETE=(AccessScope.FEEDBACK_WRITE, feedback.withdraw)),
        keyed("/openapi.json", GET=(None, _openapi)),
        keyed("/metrics", GET=(AccessScope.METRICS, _metrics)),
        Route("/livez", live),
        Route("/readyz", ready),
        Route("/", _page),
        Route("/docs", _docs),
        Route("/docs/{name}", _docs_file),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]


def _cross_origin(origins: tuple[str, ...]) -> list[Middleware]:
    if not origins:
        return []
    shown = ("Retry-After",)
    asked = ("Authorization", "Idempotency-Key")
    methods = ("GET", "POST", "DELETE")
    return [
        Middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=methods, allow_headers=asked, expose_headers=shown
        )
    ]


async def _page(_: Request) -> Response:
    return FileResponse(PAGE / "index.html", headers=_PAGE_POLICY)


async def _docs(_: Request) -> Response:
    # Swagger UI sets styles of its own and draws its arrows from data: addresses; scripts are local files alone.
    policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
    return FileResponse(PAGE / "docs.html", headers={"Content-Security-Policy": policy})


async def _docs_file(request: Request) -> Response:
    if (name := request.path_params["name"]) not in _DOCS_FILES:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return FileResponse(_docs_folder() / name)


def _docs_folder() -> Path:
    """Find Swagger UI's files, which come with BentoML."""
    found = find_spec("bentoml")
    return Path((found and found.origin) or "").parent / "_internal" / "server" / "static_content"


async def _openapi(_: Request, worker: Worker, __: Key) -> Response:
    return answer_json(describe_service(worker.config.limits))


async def _metrics(_: Request, worker: Worker, __: Key) -> Response:
    return Response(worker.metrics.render(), media_type=CONTENT_TYPE_LATEST)


async def _model(_: Request, worker: Worker, __: Key) -> Response:
    return answer_json(worker.champion.describe(worker.config.limits))


async def _classify(request: Request, worker: Worker, key: Key) -> Response:
    limits = worker.config.limits
    asked = parse_request(await read_body(request, limits), limits)
    model = worker.champion.model
    try:
        score = model.scorer(asked.options.coverage)
    except CoverageError as error:
        raise RequestFault(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), field="options.coverage") from error
    texts = [_checked(item, limits.characters) for item in asked.statements]
    fit = [text for text in texts if isinstance(text, str)]
    scored = await _score(request, worker, key, score, fit) if fit else []
    if scored is None:
        return Response(status_code=_CLIENT_GONE, media_type=MEDIA_TYPE)
    in_order = iter(scored)
    answers = [text if isinstance(text, TextError) else next(in_order) for text in texts]
    worker.metrics.count_answers(answers)
    records = [answer_record(item.id, answer) for item, answer in zip(asked.statements, answers, strict=True)]
    return answer_json({"answers": records, "model": model.name()})


async def _score(request: Request, worker: Worker, key: Key, score: Score, texts: list[str]) -> list[Answer] | None:
    """Wait for answers no longer than the client does and the limit allows; None where the client has gone."""
    worker.desk.admit(key.name, len(texts))
    seconds = worker.config.limits.answer_seconds
    with worker.desk.place(key.name, texts, score) as done:
        gone = asyncio.create_task(_until_gone(request))
        either: set[asyncio.Future[Any]] = {done, gone}
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        is_gone = gone.done()
        gone.cancel()
        if done.done():
            return done.result()
    worker.metrics.shed.labels("gone" if is_gone else "late").inc(len(texts))
    if is_gone:
        return None
    detail = f"not answered within {seconds:g} s"
    raise RequestFault(HTTPStatus.SERVICE_UNAVAILABLE, detail, limit=seconds, headers={"Retry-After": "1"})


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _checked(item: Item, max_characters: int) -> str | TextError:
    try:
        return check_text(item.text, max_characters=max_characters)
    except TextError as error:
        return error
