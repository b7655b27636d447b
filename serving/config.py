"""The service's settings: configs/serve.toml has every key, and one reader makes one frozen record of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.settings import read_settings
from models.text import MAX_CHARACTERS

PROJECT = Path(__file__).parent.parent
DEFAULT_CONFIG = PROJECT / "configs" / "serve.toml"
CONFIG_VARIABLE = "STANCE_CONFIG"
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Table):
    """
    What one request may hold, and how long it may take.

    Attributes:
        body_seconds: a body must have arrived within this time.
        answer_seconds: a request that is not answered by then is given up, and no more of it is begun.
    """

    header_bytes: Count
    body_bytes: Count
    body_seconds: Seconds
    json_levels: Count
    statements: Count
    characters: Annotated[int, Field(ge=1, le=MAX_CHARACTERS)]
    answer_seconds: Seconds


class Access(_Table):
    """
    Who may come in.

    Attributes:
        keys_file: lines of `NAME SHA256 SCOPE,SCOPE`; empty where keys come from the environment alone.
        origins: other sites whose pages may call the service from a browser.
    """

    keys_file: str
    origins: tuple[str, ...]


class ServeConfig(_Table):
    """
    All that decides how the service answers, besides the model.

    Attributes:
        host, port: where `python -m serving serve` listens.
        drain_seconds: after SIGTERM, how long new requests are still taken while /readyz says 503.
        queue_statements: statements that may wait in one worker.
        queue_seconds: no request is taken in behind more of the same key than is read in this time.
        models_folder: versions and champion.json; empty, or none promoted in it: models/default is served.
        feedback_url: the database of corrections, as SQLAlchemy reads it.
    """

    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    drain_seconds: Annotated[float, Field(ge=0)]
    queue_statements: Count
    queue_seconds: Seconds
    models_folder: str
    feedback_url: str
    limits: Limits
    access: Access


def read_serve_config(environment: Mapping[str, str]) -> ServeConfig:
    """
    Read the file that STANCE_CONFIG names, else the project's own.

    Raises:
        ConfigError: no such file, not TOML, or a key that is missing, unknown or out of range.
    """
    return read_settings(Path(environment.get(CONFIG_VARIABLE) or DEFAULT_CONFIG), ServeConfig)
