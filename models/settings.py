"""Settings files: TOML with every key, read into one frozen record, a wrong key named."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from models.errors import ConfigError

Record = TypeVar("Record", bound=BaseModel)
_KEY_FAULTS = {"missing": "the key is missing", "extra_forbidden": "no such key"}


def read_settings(path: Path, record: type[Record]) -> Record:
    """
    Read a TOML file.

    Raises:
        ConfigError: no such file, not TOML, or a key that is missing, unknown or out of range.
    """
    return validate_settings(record, read_toml(path), path)


def read_toml(path: Path) -> dict[str, Any]:
    """
    Read a TOML file's values.

    Raises:
        ConfigError: no such file, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error


def validate_settings(record: type[Record], values: Mapping[str, Any], path: Path) -> Record:
    """
    Make a record of values that `path` gave.

    Raises:
        ConfigError: a key that is missing, unknown or out of range.
    """
    try:
        return record.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {'; '.join(_faults(error))}") from error


def _faults(error: ValidationError) -> list[str]:
    faults = []
    for fault in error.errors():
        key = ".".join(map(str, fault["loc"]))
        known = _KEY_FAULTS.get(fault["type"])
        faults.append(f"{key}: {known}" if known else f"{key}: {fault['msg']}, not {fault['input']!r}")
    return faults
