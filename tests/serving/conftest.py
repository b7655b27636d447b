"""What tests of serving share: tables without a model, workers with a tiny one, clients that hold keys."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from models.errors import TextError
from models.stance import STANCES, Answer, Condition, Stance
from models.text import check_text
from serving.auth import AccessScope, make_key
from serving.batch.order import table_of
from serving.config import ServeConfig, read_serve_config
from serving.routes import make_app
from serving.tables.block import TableOptions
from serving.tables.columns import OwnColumns, Verdict
from serving.tables.places import find_places, kind_of
from serving.worker import Worker

Rewrite = Callable[..., Path]


@pytest.fixture(scope="session")
def answer() -> Answer:
    """An answer with every field filled."""
    probabilities = dict(zip(STANCES, (0.125, 0.5, 0.25, 0.125), strict=True))
    return Answer(Stance.CONDITIONAL, Stance.CONDITIONAL, probabilities, Condition(2, 6, 'a, "b'), None, None, False)  # noqa: FBT003


@pytest.fixture(scope="session")
def rewrite(answer: Answer) -> Rewrite:
    """Give a function that writes tables as the batch run does, with one answer for all that can be scored."""

    def verdict_of(text: object) -> Verdict:
        if isinstance(text, TextError):
            return text
        try:
            check_text(text)
        except TextError as error:
            return error
        return answer

    def rewrite(inputs: Path | Sequence[Path], out: Path, *, size: int = 4, skip: int = 0, **given: object) -> Path:
        names = [str(path) for path in ([inputs] if isinstance(inputs, Path) else inputs)]
        places = find_places(names, apart=[out])
        kind, out_kind = kind_of(places[0].name)[0], kind_of(out.name)[0]
        defaults = {"text": None, "encoding": "utf-8", "delimiter": None, "quote": '"', "own": OwnColumns("", "m1")}
        compression = kind_of(out.name)[1]
        options = {"kind": kind, "out_kind": out_kind, "out_compression": compression, **defaults, **given}
        table = table_of(places, TableOptions(**options))  # type: ignore[arg-type]
        spool = out.with_name("spool")
        with spool.open("wb") as file:
            file.write(table.opening())
            for place in places:
                for block in table.blocks(place, skip=skip, size=size):
                    file.write(table.encode(block, [verdict_of(text) for text in block.texts]))
        return table.finish(spool).replace(out)

    return rewrite


SECRETS = {scope: f"secret-of-{scope}" for scope in AccessScope}
KEYS = "\n".join(make_key(f"holder-{scope.name}", [scope], secret)[1].as_line() for scope, secret in SECRETS.items())
MakeClient = Callable[..., TestClient]


def bearer(scope: AccessScope) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRETS[scope]}"}


@pytest.fixture(scope="session")
def config() -> ServeConfig:
    """Read the project's own settings."""
    return read_serve_config({})


@pytest.fixture(scope="module")
def make_client(
    tiny_folder: Path, config: ServeConfig, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeClient]:
    """Start workers in this process, each with settings of its own; all end with the module."""
    started: list[TestClient] = []

    def make(
        *, limits: dict[str, Any] | None = None, access: dict[str, Any] | None = None, **changed: Any
    ) -> TestClient:
        changed.setdefault("feedback_url", f"sqlite:///{tmp_path_factory.mktemp('feedback')}/feedback.sqlite")
        changed["limits"] = config.limits.model_copy(update=limits or {})
        changed["access"] = config.access.model_copy(update=access or {})
        worker = Worker(config.model_copy(update=changed), keys=KEYS, model_folder=tiny_folder)
        client = TestClient(make_app(worker), headers=bearer(AccessScope.CLASSIFY), raise_server_exceptions=False)
        client.worker = worker  # type: ignore[attr-defined]
        started.append(client.__enter__())
        return client

    yield make
    for client in started:
        client.__exit__()


@pytest.fixture(scope="module")
def client(make_client: MakeClient) -> TestClient:
    """Hold a key that may classify, at a worker with the project's own settings."""
    return make_client()
