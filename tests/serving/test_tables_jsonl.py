"""JSONL: every object comes back as it stood, with our fields at its end."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import TableError
from serving.tables.columns import COLUMN_TYPES

Rewrite = Callable[..., Path]
# Files are written anew by each example; a busy machine is no fault.
UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_objects = st.dictionaries(st.text(max_size=3).filter(lambda name: name not in COLUMN_TYPES), _values, max_size=4)


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@given(
    objects=st.lists(_objects, max_size=9), ascii_only=st.booleans(), end=st.sampled_from(["\n", "\r\n", "\n\n", " \n"])
)
@settings(max_examples=60, deadline=None, suppress_health_check=UNCHECKED)
def test_any_object_comes_back_with_its_fields(
    tmp_path: Path, rewrite: Rewrite, objects: list[dict[str, object]], end: str, *, ascii_only: bool
) -> None:
    """Nested, empty and without a text, in order, whatever separates the lines."""
    objects = [{"text": "We"}, *objects]
    content = end.join(json.dumps(each, ensure_ascii=ascii_only) for each in objects)
    (tmp_path / "in.jsonl").write_bytes(content.encode("utf-8", "surrogatepass"))
    written = _lines_of_bytes(rewrite(tmp_path / "in.jsonl", tmp_path / "out.jsonl", text="text"))
    assert [list(COLUMN_TYPES)] * len(objects) == [list(each)[-len(COLUMN_TYPES) :] for each in written]
    assert objects == [dict(list(each.items())[: -len(COLUMN_TYPES)]) for each in written]


def _lines_of_bytes(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def test_an_object_stays_byte_for_byte(tmp_path: Path, rewrite: Rewrite) -> None:
    """Spaces, escapes, numbers of 5,000 digits and a key that stands twice."""
    line = '{ "n" : 1.50e3,"text":"We \\u0061gree", "n": ' + "9" * 5_000
    (tmp_path / "in.jsonl").write_text("\ufeff" + line + " }  \n")
    out = rewrite(tmp_path / "in.jsonl", tmp_path / "out.jsonl").read_text()
    assert f'{line}, "stance": "conditional", ' == out[: len(line) + 27]


def test_a_line_that_is_no_object_is_kept_as_unread(tmp_path: Path, rewrite: Rewrite) -> None:
    """Torn, not UTF-8, or with a field of ours: the words are there, and the reason."""
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "We"}\n{"text": "We\n{"text": "\xff"}\n{"error": 1, "text": "We"}\n')
    _, torn, broken, clash = _lines(rewrite(tmp_path / "in.jsonl", tmp_path / "out.jsonl"))
    assert ('{"text": "We', '{"text": "\\xff"}', '{"error": 1, "text": "We"}') == (
        torn["unread"],
        broken["unread"],
        clash["unread"],
    )
    assert str(torn["error"]).startswith("not_json: ")
    assert str(broken["error"]).startswith("not_utf8: ")
    assert "column_clash: the row already has error" == clash["error"]


def test_the_first_object_shows_which_field_holds_the_statements(tmp_path: Path, rewrite: Rewrite) -> None:
    """Found where one name is likely; else its fields are listed."""
    (tmp_path / "in.jsonl").write_text('\n[]\n{"id": 1, "Quote": "We agree"}\n')
    assert "conditional" == _lines(rewrite(tmp_path / "in.jsonl", tmp_path / "out.jsonl"))[1]["stance"]
    (tmp_path / "in.jsonl").write_text('{"id": 1}\n{"id": 2, "name": "We agree"}\n')
    rows = _lines(rewrite(tmp_path / "in.jsonl", tmp_path / "out.jsonl", text="name"))
    assert ["no_text: the object has no name", None] == [row["error"] for row in rows]
    (tmp_path / "in.jsonl").write_text('{"id": 1, "name": "We agree"}\n')
    with pytest.raises(TableError, match=r"say which with --text; its columns are: id, name"):
        rewrite(tmp_path / "in.jsonl", tmp_path / "out.jsonl")


def test_a_field_of_ours_in_the_first_object_is_refused(tmp_path: Path, rewrite: Rewrite) -> None:
    """Rather than every row; `--prefix` names ours otherwise."""
    (tmp_path / "in.jsonl").write_text('{"text": "We agree", "model": "T-34"}\n')
    with pytest.raises(TableError, match=r"in\.jsonl already has model: name ours otherwise with --prefix"):
        rewrite(tmp_path / "in.jsonl", tmp_path / "out.jsonl")


def test_a_file_without_lines_gives_one_without_lines(tmp_path: Path, rewrite: Rewrite) -> None:
    """It is not an error: a filter before us may have let nothing through."""
    (tmp_path / "in.jsonl").write_bytes(b"")
    assert b"" == rewrite(tmp_path / "in.jsonl", tmp_path / "out.jsonl").read_bytes()
