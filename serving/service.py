"""The BentoML service: it starts, replaces and stops the workers; every request is answered by our own routes."""

import gc
import os
import sys
from typing import Any

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from models.classifier import DEFAULT_FOLDER
from models.errors import DetenteError, ModelError
from models.folder import open_folder
from serving.auth import KEYS_VARIABLE
from serving.config import read_serve_config
from serving.routes import make_app
from serving.store import Store
from serving.worker import make_worker, open_registry, open_ring


class Front:
    """
    Stands before the framework's own routes and layers, and answers in their place.

    BentoML sets a timer for each request, which holds it for the whole of its time-out though it was long answered:
    half a kilobyte a request, for an hour at 3,600 s. So the layers are passed by once the worker has started.

    Attributes:
        routes: our application, in the state of this process; set when the worker starts.
    """

    routes: ASGIApp

    def __init__(self, app: ASGIApp) -> None:
        self._framework = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave the start and the end to the framework; answer all else."""
        if scope["type"] == "lifespan":
            scope["app"].middleware_stack = self
            await self._framework(scope, receive, send)
        else:
            await Front.routes(scope, receive, send)


@bentoml.service(
    name="stance",
    workers="cpu_count",
    # Where a Bento is served, nobody passes by our own command, which sets it too.
    envs=[{"name": "BENTOML_DO_NOT_TRACK", "value": "True"}],
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": ".*"},
)
class StanceService:
    """Says how diplomatic statements stand towards the other side."""

    def __init__(self) -> None:
        self._worker = make_worker(os.environ)
        self._running = self._worker.running()
        Front.routes = make_app(self._worker)

    @bentoml.on_startup
    async def start(self) -> None:
        """Begin to score and to watch."""
        # What is there now stays: a collector that looked through all of it would hold every answer up meanwhile.
        gc.collect()
        gc.freeze()
        await self._running.__aenter__()
        self._worker.health.drain_on_sigterm(self._worker.config.drain_seconds)

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """End what was begun."""
        await self._running.__aexit__(None, None, None)

    @bentoml.on_deployment
    @staticmethod
    def check() -> None:
        """
        Stop the start where nothing could be answered.

        A worker that fails at its start is started again for ever behind an open port; this runs once, before.
        """
        try:
            config = read_serve_config(os.environ)
            open_ring(config, os.environ.get(KEYS_VARIABLE, ""))
            Store(config.feedback_url).close()
            registry = open_registry(config)
            pointer = registry.pointer() if registry else None
            if registry and pointer:
                registry.load(pointer)
            else:
                open_folder(DEFAULT_FOLDER)
        except ModelError as error:
            sys.exit(f"error: {error}\nTo restore the model of this version: git checkout -- models/default")
        except DetenteError as error:
            sys.exit(f"error: {error}")


_service: Any = StanceService
_service.add_asgi_middleware(Front)
