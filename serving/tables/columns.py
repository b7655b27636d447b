"""Our columns: their names, their values, and which of the input's columns holds the statements."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import TableError, TextError
from models.stance import STANCES, Answer

Verdict = Answer | TextError
Value = str | float | int | bool | None

COLUMN_TYPES: dict[str, type] = {
    "stance": str,
    "leaning": str,
    **{f"p_{stance}": float for stance in STANCES},
    "abstained": str,
    "language": str,
    "condition": str,
    "condition_start": int,
    "condition_end": int,
    "truncated": bool,
    "model": str,
    "error": str,
}
# Names, in languages that the model reads, that a column of statements is likely to have.
CANDIDATES = (
    *("text", "texts", "statement", "statements", "sentence", "utterance", "quote", "quotation", "speech", "content"),
    *("äußerung", "aussage", "zitat", "rede", "texte", "déclaration", "discours", "citation"),
    *("texto", "declaración", "discurso", "cita", "declaração", "testo", "dichiarazione"),
    *("текст", "заявление", "высказывание", "نص", "تصريح", "بيان", "文本", "声明", "发言"),
)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()


_PLAIN = frozenset(map(_plain, CANDIDATES))


@dataclass(frozen=True, slots=True)
class OwnColumns:
    """
    The columns that are written beside the input's.

    Attributes:
        prefix: stands before each name.
        model: the model's version, the same in every row.
    """

    prefix: str
    model: str

    @property
    def names(self) -> list[str]:
        """Give the names, in order."""
        return [self.prefix + name for name in COLUMN_TYPES]

    def values(self, verdict: Verdict) -> list[Value]:
        """Give one row's values, in order; of a row that was not scored only the model and the error."""
        if isinstance(verdict, TextError):
            nothing: list[Value] = [None] * (len(COLUMN_TYPES) - 2)
            return [*nothing, self.model, f"{verdict.code}: {verdict.detail}"]
        condition = verdict.condition
        return [
            str(verdict.stance),
            str(verdict.leaning),
            *(verdict.probabilities[stance] for stance in STANCES),
            str(verdict.abstained) if verdict.abstained else None,
            verdict.language,
            condition.text if condition else None,
            condition.start if condition else None,
            condition.end if condition else None,
            verdict.truncated,
            self.model,
            None,
        ]

    def check_clash(self, columns: Sequence[str], place: str) -> None:
        """
        Refuse columns that ours would hide.

        Raises:
            TableError: one of them has a name of ours.
        """
        if clash := [name for name in columns if name in self.names]:
            raise TableError(f"{place} already has {', '.join(clash)}: name ours otherwise with --prefix")


def choose_text(columns: Sequence[str], asked: str | None, place: str) -> str:
    """
    Choose the column of statements: the one asked for, or the only one that has a likely name.

    Raises:
        TableError: none such, or several.
    """
    listed = ", ".join(columns)
    likely = [name for name in columns if _plain(name) in _PLAIN] if asked is None else [asked]
    if len(likely) != 1:
        found = f"{' and '.join(likely)} could hold" if likely else "no column is known to hold"
        raise TableError(f"{place}: {found} the statements; say which with --text; its columns are: {listed}")
    if (count := columns.count(likely[0])) != 1:
        found = f"{count} columns are" if count else "no column is"
        raise TableError(f"{place}: {found} called {likely[0]}; its columns are: {listed}")
    return likely[0]
