"""Labels by reference: joined with the texts that they name, and with no others."""

import gzip
import json
from pathlib import Path

import pytest

from models.errors import DataError
from training.__main__ import main
from training.data import read_statements
from training.references import apply_references, text_sum

OFFER = "Lift the embargo and our ports are open to you."
REPORT = "The delegations met for two hours on Tuesday."


def write_table(folder: Path, *rows: tuple[str, str, str, str, str]) -> Path:
    table = folder / "labels.tsv"
    head = "id\tsha256_12\tstance\tconfidence\tcondition"
    table.write_text("\n".join([head, *("\t".join(row) for row in rows)]) + "\n")
    return table


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    line = {
        "id": "t1", "text": REPORT, "stance": "conciliatory", "confidence": 1, "condition": None,
        "source": "own", "document": "d1",
    }  # fmt: skip
    path = tmp_path / "labelled.jsonl"
    path.write_text(json.dumps(line) + "\n" + json.dumps({**line, "id": "t2", "text": "We stay friends."}) + "\n")
    return path


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    path = tmp_path / "pool.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        for number, text in enumerate([OFFER, "Nobody labelled this one."]):
            lines.write(json.dumps({"id": f"u{number}", "text": text, "source": "own", "document": "d2"}) + "\n")
    return path


def test_a_label_replaces_and_a_label_adds(tmp_path: Path, labelled: Path, pool: Path) -> None:
    """One line gets another label, one stays as it was, and one comes in from the pool."""
    table = write_table(
        tmp_path, ("t1", text_sum(REPORT), "none", "3", ""), ("u0", text_sum(OFFER), "conditional", "2", "0-16")
    )
    target = tmp_path / "new" / "joined.jsonl"
    options = ["labels", "apply", str(table), "--to", str(labelled), "--texts", str(pool), "--target", str(target)]
    assert main(options) == 0
    statements = {s.id: s for s in read_statements([target])}
    assert {key: s.stance for key, s in statements.items()} == {"t1": "none", "t2": "conciliatory", "u0": "conditional"}
    assert statements["t1"].confidence == 3
    assert statements["u0"].condition == (0, 16)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (("t1", "0" * 12, "none", "3", ""), r"labelled.jsonl:1: not the text that .*labels.tsv:2 labels"),
        (("gone", "0" * 12, "none", "3", ""), "1 labels name statements that no file has, first 'gone'"),
        (("t1", text_sum(REPORT), "none", "3", "x"), "labels.tsv:2: condition 'x' is not start-end"),
        (
            ("t1", text_sum(REPORT), "none", "3", "5-12"),
            "labels.tsv:2: condition 5-12 cuts a word of",
        ),
        (("t1", text_sum(REPORT), "none", "3", "15-3"), "labels.tsv:2: condition 15-3 is not inside a text of 45"),
        (("t1", text_sum(REPORT), "none", "3", "4-99"), "labels.tsv:2: condition 4-99 is not inside a text of 45"),
        (("t1", text_sum(REPORT), "neutral", "3", ""), "labels.tsv:2: stance 'neutral' is not one of"),
        (("t1", text_sum(REPORT), "none", "sure", ""), "labels.tsv:2: confidence 'sure' is not one of 1, 2, 3"),
        (("t1", text_sum(REPORT), "none", "7", ""), "labels.tsv:2: confidence 7 is not one of 1, 2, 3"),
    ],
)
def test_a_label_of_another_text_is_an_error(
    tmp_path: Path, labelled: Path, row: tuple[str, str, str, str, str], error: str
) -> None:
    """The sum tells that a text was changed, a missing one is named."""
    with pytest.raises(DataError, match=error):
        list(apply_references([write_table(tmp_path, row)], labelled=[labelled], texts=[]))


def test_a_statement_labelled_twice_is_an_error(tmp_path: Path, labelled: Path) -> None:
    """Which of the two holds, nobody can say."""
    row = ("t1", text_sum(REPORT), "none", "3", "")
    with pytest.raises(DataError, match=r"labels.tsv:3: 't1' was labelled before, at .*labels.tsv:2"):
        list(apply_references([write_table(tmp_path, row, row)], labelled=[labelled], texts=[]))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"id\tsha256_12\tstance\tconfidence\tcondition\nt1\t000\n", "labels.tsv:2: .* has not 5 columns"),
        (b"id\tsha256_12\tstance\tconfidence\tcondition\n\xff\n", "labels.tsv: cannot be read: .*utf-8"),
    ],
)
def test_a_damaged_table_is_an_error(tmp_path: Path, labelled: Path, content: bytes, error: str) -> None:
    """A row that ends early, and bytes that are no text."""
    table = tmp_path / "labels.tsv"
    table.write_bytes(content)
    with pytest.raises(DataError, match=error):
        list(apply_references([table], labelled=[labelled], texts=[]))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b'{"id": "t1"}\n[1]\n', "texts.jsonl:2: a line must be an object, not list"),
        (b'{"id": "t1"}\n{"id\n', "texts.jsonl:2: not JSON"),
        (b"\xff\n", "texts.jsonl: cannot be read after line 0"),
    ],
)
def test_damaged_texts_are_an_error(tmp_path: Path, content: bytes, error: str) -> None:
    """Named by file and line."""
    texts = tmp_path / "texts.jsonl"
    texts.write_bytes(content)
    with pytest.raises(DataError, match=error):
        list(apply_references([write_table(tmp_path)], labelled=[], texts=[texts]))


def test_packed_texts_that_end_early_are_an_error(tmp_path: Path, pool: Path) -> None:
    """As after a download that broke off."""
    pool.write_bytes(pool.read_bytes()[:-12])
    with pytest.raises(DataError, match=r"pool.jsonl.gz: cannot be read after line \d"):
        list(apply_references([write_table(tmp_path)], labelled=[], texts=[pool]))


def test_a_table_with_other_columns_is_an_error(tmp_path: Path, labelled: Path) -> None:
    """The head is looked at, not trusted."""
    table = tmp_path / "labels.tsv"
    table.write_text("id\tstance\nt1\tnone\n")
    with pytest.raises(DataError, match="labels.tsv:1: columns .* are not id, sha256_12"):
        list(apply_references([table], labelled=[labelled], texts=[]))


def test_the_sum_looks_at_words_alone() -> None:
    """White space, case and marks do not change it."""
    assert text_sum("We  stay friends.") == text_sum("we stay friends!") != text_sum("We stay friend.")
