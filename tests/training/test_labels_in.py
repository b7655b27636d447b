"""Labels from every source come out in one form, and a fault is named by row and value."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.errors import DataError
from models.stance import Stance
from serving.feedback_shapes import Correction, Given, Stretch
from serving.store import Store
from training.__main__ import main
from training.labels_in import read_labels
from training.merge import merge_labels

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
# One part of each row's message, in the order of label_faults.jsonl.
MESSAGES = (
    "1: stance 'friendly' is not one of", "2: stance 1 must be a word", "3: there is no stance", "4: there is no text",
    "5: text is blank: '   '", "6: text must be a string, not int: '17'", "7: text has a NUL character at offset 10",
    "8: text has a lone surrogate U+D800", "9: text '*** 1914 ***' is not prose", "10: not JSON: Expecting value",
    "11: a row must be an object, not ['We reject", "12: no such column: 'colour'",
    "13: confidence 7 is not one of 1, 2, 3", "14: when 'last Tuesday' is not a time",
    "15: when '2999-01-01T00:00:00+00:00' is later than now", "16: who '  ' must be a name",
    "17: source ['a'] must be a name", "18: condition 'if Paros pays' must be an object",
    "19: condition {'start': 8} has no end", "20: condition '8' to 19: both must be whole numbers",
    "21: condition 12 to 8 does not end after its start",
    "22: condition 8 to 99 is not inside a text of 22 characters",
    "23: condition 8 to 21 is 'if Milos pays', not 'if Melos pays'",
    "24: a condition, 'if Andros pays', is marked though the stance is none", "25: condition 7 to 8 is blank",
    "26: label 'conditional' must be a list", "27: 2 stances are given, ['conditional', 'hostile']",
    "28: span label 'threat' is not 'condition'", "29: label 5 must be a name", "30: label [8, 23] must be a name, or",
    "31: given {'stance': 'calm'} must name", "32: given.manifest_sum 'abc' is not a SHA-256",
    "34: 'ann' labelled 'we reject the note of Athens.' at the same time in",
)  # fmt: skip


def _write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_each_kind_of_fault_has_a_message_with_row_and_value() -> None:
    """Over thirty kinds; the one sound row of the file is read."""
    path = HERE / "label_faults.jsonl"
    reading = read_labels([path], now=NOW)
    assert len(MESSAGES) == len(reading.faults)
    for expected, fault in zip(MESSAGES, reading.faults, strict=True):
        assert f"label_faults.jsonl:{expected}" in str(fault)
    assert ["We reject the note of Athens."] == [label.text for label in reading.labels]


def test_check_names_every_fault_and_says_by_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """The command reads the file as the job does."""
    assert 1 == main(["labels", "check", str(HERE / "label_faults.jsonl")])
    out = capsys.readouterr().out.splitlines()
    assert len(MESSAGES) + 1 == len(out)
    assert "1 label read, 33 rows with a fault" in out[-1]


def test_corrections_come_in_as_the_service_exports_them(tmp_path: Path) -> None:
    """By way of the store itself: who, when, the words of the condition and the article."""
    store = Store(f"sqlite:///{tmp_path}/feedback.sqlite")
    correction = Correction(
        statement="We come if Corfu pays.",
        given=Given(stance=Stance.NONE, manifest_sum="0" * 64),
        stance=Stance.CONDITIONAL,
        condition=Stretch(start=8, end=21),
    )
    store.add("ann", correction, at=NOW)
    reading = read_labels([_write(tmp_path / "feedback.jsonl", *store.export())], now=NOW)
    store.close()
    assert [] == reading.faults
    (label,) = reading.labels
    assert (Stance.CONDITIONAL, (8, 21), "ann", NOW) == (label.stance, label.condition, label.who, label.when)
    assert label.origin.endswith("feedback.jsonl:1 (feedback)")


def test_csv_jsonl_and_parquet_say_the_same(tmp_path: Path) -> None:
    """Numbers in CSV are numbers, an empty cell says nothing."""
    rows = [
        {"text": "We come if Corfu pays, \"all of it\".", "stance": "conditional", "condition_start": 8,
         "condition_end": 21, "who": "ann", "confidence": 3},
        {"text": "We reject the note of Corfu.", "stance": "hostile", "condition_start": None,
         "condition_end": None, "who": "bob", "confidence": None},
    ]  # fmt: skip
    jsonl = _write(tmp_path / "a.jsonl", *rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    lines = ["text,stance,condition_start,condition_end,who,confidence"]
    lines += [
        '"We come if Corfu pays, ""all of it"".",conditional,8,21,ann,3',
        "We reject the note of Corfu.,hostile,,,bob,",
    ]
    (tmp_path / "a.csv").write_text("\r\n".join(lines))
    readings = [read_labels([p], now=NOW) for p in (jsonl, tmp_path / "a.parquet", tmp_path / "a.csv")]
    assert [[], [], []] == [reading.faults for reading in readings]
    told = [[(x.text, x.stance, x.condition, x.who, x.confidence) for x in reading.labels] for reading in readings]
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"", "suffix '.xlsx' is not one of"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b'{"a": 1}', "is a list of tasks, not dict"),
        ("a.csv", b"text,stance\n\xff,none\n", "byte 12 is not UTF-8"),
        ("a.parquet", b"PAR", "not Parquet"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """The message says what was expected."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_labels([tmp_path / name], now=NOW)
    with pytest.raises(DataError, match="No such file"):
        read_labels([tmp_path / "absent.jsonl"], now=NOW)


def test_label_studio_s_export_is_read_with_all_its_annotators() -> None:
    """
    The file was exported by Label Studio 1.23.2 through `GET /api/projects/1/export?exportType=JSON`.

    Two annotators on the first text, a cancelled annotation on the second, ground truth on the third.
    """
    reading = read_labels([HERE / "label_studio.json"], now=datetime(2026, 11, 27, tzinfo=UTC))
    assert [] == reading.faults
    told = [(label.document, str(label.stance), label.who) for label in reading.labels]
    assert [
        ("letter-0", "conditional", "1"), ("letter-0", "hostile", "2"), ("letter-1", "hostile", "1"),
        ("letter-2", "none", "1"), ("letter-2", "none", "1"), ("letter-3", "conciliatory", "1"),
    ] == told  # fmt: skip
    first = reading.labels[0]
    assert first.condition
    assert "once the Hanse has paid for the burnt ships" == first.text[slice(*first.condition)]
    assert [False] * 4 + [True, False] == [label.is_gold for label in reading.labels]


def test_doccano_s_exports_are_read_and_join_to_one_statement() -> None:
    """
    Both were exported as JSONL by doccano 1.8.4, as `ann.jsonl`, from one project of each kind.

    A text without a span says nothing; the file names the annotator.
    """
    reading = read_labels([HERE / "doccano_classification.jsonl", HERE / "doccano_sequence.jsonl"], now=NOW)
    assert [] == reading.faults
    assert ["conditional", "hostile", "none", None] == [label.stance for label in reading.labels]
    assert "doccano_classification" == reading.labels[0].who
    first, *_ = merge_labels(reading.labels).statements
    assert first.condition
    assert "once the Hanse has paid for the burnt ships" == first.text[slice(*first.condition)]


@pytest.mark.parametrize("tool", ["label-studio", "doccano"])
def test_texts_go_out_as_tasks_with_the_model_s_answers(tmp_path: Path, tiny_folder: Path, tool: str) -> None:
    """One task a text; what doccano is given can be read back as labels."""
    pool = _write(
        tmp_path / "pool.jsonl", *({"text": f"We reject note {i} of Corfu.", "document": "d"} for i in range(3))
    )
    target = tmp_path / "tasks.jsonl"
    where = ["labels", "export", str(pool), str(target), "--model", str(tiny_folder), "--tool", tool]
    assert 0 == main(where)
    if tool == "doccano":
        assert 3 == len(read_labels([target], now=NOW).labels)
    else:
        tasks = json.loads(target.read_text())
        assert "We reject note 0 of Corfu." == tasks[0]["data"]["text"]
        assert tasks[0]["predictions"][0]["result"][0]["value"]["choices"][0] in list(Stance)
