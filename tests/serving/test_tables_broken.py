"""Thirty kinds of broken rows give thirty reasons, and cost none of the good ones."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

Rewrite = Callable[..., Path]

_JSONL = {
    b'{"text": "We': "not_json: not JSON: Unterminated string starting at at character 9",
    b'{"text": "a",}': "not_json: not JSON: ",
    b'{"text" "a"}': "not_json: not JSON: Expecting ':' delimiter at character 8",
    b'{"text": "a" "b"}': "not_json: not JSON: Expecting ',' delimiter at character 13",
    b'{text: "a"}': "not_json: not JSON: Expecting property name enclosed in double quotes at character 1",
    b'{"text": tru}': "not_json: not JSON: Expecting value at character 9",
    b'{"text": "a"} x': "not_json: not JSON: Extra data at character 14",
    b'{"text": "\\x"}': "not_json: not JSON: Invalid \\escape at character 10",
    b'{"text": "\\u12"}': "not_json: not JSON: Invalid \\uXXXX escape at character 11",
    b'{"text": "\t"}': "not_json: not JSON: Invalid control character at at character 10",
    b"We agree.": "not_json: not JSON: Expecting value at character 0",
    b"[" * 100_000: "too_deep: nested too deep to be read",
    b"[]": "not_object: the line is a list, not an object",
    b'"We agree."': "not_object: the line is a str, not an object",
    b"12": "not_object: the line is a int, not an object",
    b"1.5": "not_object: the line is a float, not an object",
    b"true": "not_object: the line is a bool, not an object",
    b"null": "not_object: the line is a NoneType, not an object",
    b"{}": "no_text: the object has no text",
    b'{"text": null}': "null: text is null",
    b'{"text": 12}': "wrong_type: text must be a string, not int",
    b'{"text": 1.5}': "wrong_type: text must be a string, not float",
    b'{"text": true}': "wrong_type: text must be a string, not bool",
    b'{"text": ["We agree."]}': "wrong_type: text must be a string, not list",
    b'{"text": {"en": "We agree."}}': "wrong_type: text must be a string, not dict",
    b'{"text": " \\u200b\\n"}': "blank: text is blank",
    b'{"text": "' + b"a" * 4_001 + b'"}': "too_long: text has 4001 characters; the limit is 4000",
    b'{"text": "We\\u0000"}': "nul: text has a NUL character at offset 2",
    b'{"text": "We \\ud800"}': "lone_surrogate: text has a lone surrogate U+D800 at offset 3",
    b'{"text": "We \xc3"}': "not_utf8: byte 0xC3 at character 13 is not UTF-8",
    b'{"text": "a", "model": 1}': "column_clash: the row already has model",
}
_CSV = {
    b"1": "cell_count: the row has 1 cells, the header 2",
    b"1,We,agree": 'cell_count: the row has 3 cells, the header 2; beyond it: ["agree"]',
    b"1,": "blank: text is blank",
    b"1,  ": "blank: text is blank",
    b"1," + b"a" * 4_001: "too_long: text has 4001 characters; the limit is 4000",
    b"1,We\x00": "nul: text has a NUL character at offset 2",
    b"1,We \xe4": "not_utf8: byte 0xE4 at character 3 is not UTF-8",
    b"1,We \xed\xa0\x80": "not_utf8: byte 0xED at character 3 is not UTF-8",
    b'1,"We"agree': "torn_record: ',' expected after '\"'; a quotation mark is missing or stray",
    b'1,"We agree': "torn_record: ',' expected after '\"'; a quotation mark is missing or stray",
}


def _interleaved(broken: dict[bytes, str], good: bytes) -> bytes:
    return b"".join(b"%b\n%b\n" % (row, good) for row in broken)


def test_each_broken_line_of_jsonl_has_its_reason_in_its_place(tmp_path: Path, rewrite: Rewrite) -> None:
    """Thirty-one reasons, all different, each followed by the answer to the good line after it."""
    assert 31 == len(set(_JSONL.values()))
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "We agree."}\n' + _interleaved(_JSONL, b'{"text": "We agree."}'))
    out = rewrite(tmp_path / "in.jsonl", tmp_path / "out.jsonl").read_bytes().splitlines()[1:]
    rows = [json.loads(line) for line in out]
    for reason, row, good in zip(_JSONL.values(), rows[::2], rows[1::2], strict=True):
        assert row["error"].startswith(reason), (reason, row["error"])
        assert (None, "conditional", None) == (row["stance"], good["stance"], good["error"])


def test_each_broken_record_of_csv_has_its_reason_in_its_place(tmp_path: Path, rewrite: Rewrite) -> None:
    """An unclosed quotation mark among them, which finds its end only in a quoted row far below."""
    (tmp_path / "in.csv").write_bytes(b"id,text\n" + _interleaved(_CSV, b'2,"We agree."'))
    out = rewrite(tmp_path / "in.csv", tmp_path / "out.csv").read_bytes().decode(errors="replace")
    rows = list(csv.DictReader(out.splitlines()))
    assert [*_CSV.values()] == [row["error"] for row in rows[::2]]
    assert ["conditional"] * len(_CSV) == [row["stance"] for row in rows[1::2]]
    assert {""} == {row["stance"] for row in rows[::2]} == {row["error"] for row in rows[1::2]}
