"""One worker: the parts that live as long as its process, put together and kept going."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from models.classifier import DEFAULT_FOLDER
from models.registry import Registry
from serving.admission import Desk
from serving.auth import KEYS_VARIABLE, KeyRing
from serving.champion import Champion
from serving.config import ServeConfig, read_serve_config
from serving.health import Health
from serving.metrics import Metrics, shared_folder
from serving.store import Store

_LOG = logging.getLogger(__name__)


class Worker:
    """
    Holds what requests need.

    Args:
        keys: lines of keys, beside those of the keys file.
        model_folder: what is served.

    Raises:
        ConfigError: no key is let in.
        ModelError: the model cannot be used.
        StoreError: corrections cannot be stored.
    """

    def __init__(self, config: ServeConfig, *, keys: str, model_folder: Path = DEFAULT_FOLDER) -> None:
        self.config = config
        self.ring = open_ring(config, keys)
        self.metrics = Metrics()
        self.champion = Champion(open_registry(config), model_folder, self.metrics)
        self.store = Store(config.feedback_url)
        self.desk = Desk(
            self.metrics,
            bound=config.queue_statements,
            request_statements=config.limits.statements,
            queue_seconds=config.queue_seconds,
        )
        self.health = Health(
            self.desk, lambda: (self.champion.model.score, self.champion.model.known_answer), shared_folder()
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Score and watch in the background."""
        tasks = [asyncio.create_task(work) for work in (self.desk.work(), self.health.watch(), self.champion.watch())]
        for task in tasks:
            task.add_done_callback(_report)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            self.desk.close()
            self.health.close()
            self.store.close()


def open_ring(config: ServeConfig, keys: str) -> KeyRing:
    """
    Open the keys that are let in.

    Raises:
        ConfigError: there is none, or a line is not one.
    """
    file = config.access.keys_file
    return KeyRing(keys, Path(file) if file else None)


def open_registry(config: ServeConfig) -> Registry | None:
    """Open the folder of versions that the settings name."""
    return Registry(Path(config.models_folder)) if config.models_folder else None


def make_worker(environment: Mapping[str, str]) -> Worker:
    """
    Make the worker that the environment describes.

    Raises:
        ConfigError: a setting is wrong, or no key is let in.
        ModelError: the model cannot be used.
    """
    return Worker(read_serve_config(environment), keys=environment.get(KEYS_VARIABLE, ""))


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _LOG.error("a worker's background work ended", exc_info=error)
