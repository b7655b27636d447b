"""`python -m serving serve` and `key`: the key, and the service's processes."""

import os
import re
import sys
from collections.abc import MutableMapping
from typing import NoReturn
from urllib.parse import quote

from models.errors import ConfigError
from serving.auth import KEYS_VARIABLE, AccessScope, Key, make_key
from serving.config import PROJECT, ServeConfig, read_serve_config

KEY_VARIABLE = "STANCE_API_KEY"
# What a person at the page needs; monitoring has a key of its own.
_LOCAL_SCOPES = (AccessScope.ADMIN,)


def serve() -> NoReturn:
    """
    Become the service.

    Where no key is let in yet, STANCE_API_KEY is, or one that is made here; both are printed for the person who
    started it.

    Raises:
        ConfigError: a setting is wrong.
    """
    environment = os.environ
    config = read_serve_config(environment)
    for line in _first_lines(config, environment):
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    environment["BENTOML_DO_NOT_TRACK"] = "True"
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:StanceService"]
    os.chdir(PROJECT)
    os.execv(sys.executable, [*command, "--host", config.host, "--port", str(config.port)])  # noqa: S606


def _first_lines(config: ServeConfig, environment: MutableMapping[str, str]) -> list[str]:
    """Let one key in where there is none, and give the lines that say so."""
    has_keys = bool(config.access.keys_file or environment.get(KEYS_VARIABLE))
    given = environment.pop(KEY_VARIABLE, None)
    if has_keys and not given:
        return []
    if given is not None and not re.fullmatch(r"[!-~]{16,}", given):
        raise ConfigError(f"{KEY_VARIABLE} is not 16 or more visible ASCII characters without a space")
    secret, key = make_key("local", _LOCAL_SCOPES, given)
    environment[KEYS_VARIABLE] = "\n".join(filter(None, (environment.get(KEYS_VARIABLE), key.as_line())))
    return [f"key: {secret}", f"open: http://{config.host}:{config.port}/#key={quote(secret, safe='')}"]


def new_key(name: str, scopes: str) -> tuple[str, Key]:
    """
    Make a key for somebody.

    Args:
        scopes: separated by commas.

    Raises:
        ConfigError: an unknown scope.
    """
    if unknown := sorted(set(scopes.split(",")) - set(AccessScope)):
        raise ConfigError(f"scope {unknown[0]!r} is not one of {', '.join(AccessScope)}")
    return make_key(name, map(AccessScope, scopes.split(",")))
