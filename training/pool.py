"""Unlabelled texts in, from JSONL; what is near to a side that is kept for choosing or measuring stays out."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from models.errors import DataError, TextError
from models.text import check_text
from training.data import LabelledStatement, numbered_lines, read_statements
from training.split import leave_out_near_texts


def read_pool(path: Path, *, apart_from: Sequence[LabelledStatement], files: Iterable[Path]) -> list[str]:
    """
    Read the texts of a pool, without those whose document or near-duplicate is kept for choosing or measuring.

    Args:
        path: JSONL, plain or .gz; each line an object with a text and a document.
        apart_from: labelled statements to keep clear of.
        files: labelled files to keep clear of.

    Raises:
        DataError: a file that cannot be read, or a line that is not as it must be.
    """
    kept = [*apart_from, *read_statements(files)]
    documents = {statement.document for statement in kept}
    rows = [row for place, line in numbered_lines(path) if (row := _parse(line, place))[1] not in documents]
    return leave_out_near_texts([text for text, _ in rows], [statement.text for statement in kept])


def pool_hash(texts: Sequence[str]) -> str:
    """Give the SHA-256 over all texts, in their order."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _parse(line: str, place: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
        return check_text(row["text"]), str(row["document"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{place}: not an object with a text and a document: {error}") from error
    except TextError as error:
        raise DataError(f"{place}: {error.detail}") from error
