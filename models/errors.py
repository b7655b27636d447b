"""
The errors that this project raises on purpose; the edges turn them into exit codes and statuses.

    DetenteError
    +-- ConfigError      a setting is missing, unknown or out of range
    +-- CoverageError    the model has no thresholds for the coverage that was asked for
    +-- DataError        a labelled statement or a file of them is not as it must be
    +-- ModelError       a model folder is missing, damaged or of another kind
    +-- StoreError       corrections cannot be stored or read
    +-- TableError       a table of statements cannot be read or written as asked
    +-- TextError        a text cannot be scored
    +-- WorkerError      the processes that score do not stay alive
"""


class DetenteError(Exception):
    """Whatever this project refuses, with the value, the limit and the place in its message."""


class ConfigError(DetenteError):
    """A setting is missing, unknown or out of range."""


class CoverageError(DetenteError):
    """The model has no thresholds for the coverage that was asked for."""


class DataError(DetenteError):
    """A labelled statement, or a file of them, is not as it must be."""


class ModelError(DetenteError):
    """A model folder is missing, damaged or of another kind than this code reads."""


class StoreError(DetenteError):
    """Corrections cannot be stored or read."""


class TableError(DetenteError):
    """A table of statements cannot be read, or written, as it was asked."""


class TextError(DetenteError):
    """
    A text cannot be scored.

    Attributes:
        code: a short name for programs: blank, too_long, nul, lone_surrogate or wrong_type.
        limit: the number that was passed, where there is one.
    """

    def __init__(self, code: str, detail: str, limit: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.limit = limit


class WorkerError(DetenteError):
    """The processes that score die again and again."""
