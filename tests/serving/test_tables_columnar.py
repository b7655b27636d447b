"""Parquet and Feather: every column comes back with its type, ours after them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from models.errors import TableError
from serving.tables.columns import COLUMN_TYPES

Rewrite = Callable[..., Path]
# Files are written anew by each example; a busy machine is no fault.
UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
OURS = len(COLUMN_TYPES)

_TEXT = st.text(max_size=5)
_POINT = pa.struct([("x", pa.int32()), ("names", pa.list_(pa.string()))])
_TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
_TYPES: list[tuple[pa.DataType, st.SearchStrategy[object]]] = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint8(), st.integers(0, 255)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.string(), _TEXT),
    (pa.large_string(), _TEXT),
    (pa.binary(), st.binary(max_size=5)),
    (pa.date32(), st.dates(date(1900, 1, 1))),
    (pa.timestamp("us"), _TIMES),
    (pa.timestamp("ms", "Europe/Berlin"), _TIMES.map(lambda time: time.replace(microsecond=0, tzinfo=UTC))),
    (pa.decimal128(9, 2), st.integers(-99_999, 99_999).map(lambda cents: Decimal(cents) / 100)),
    (pa.list_(pa.int16()), st.lists(st.integers(-9, 9), max_size=3)),
    (_POINT, st.fixed_dictionaries({"x": st.integers(-9, 9), "names": st.lists(_TEXT, max_size=2)})),
    (
        pa.map_(pa.string(), pa.int8()),
        st.dictionaries(_TEXT, st.integers(-9, 9), max_size=2).map(lambda d: [*d.items()]),
    ),
    (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["a", "b", "c"])),
]


@st.composite
def _tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 11))
    held = draw(st.lists(st.sampled_from(_TYPES), max_size=5))
    columns = {"text": pa.array(draw(_some(st.text(max_size=5), rows)), pa.string())}
    for number, (kind, values) in enumerate(held):
        columns[f"c{number}"] = pa.array(draw(_some(values, rows)), kind)
    return pa.table(columns).replace_schema_metadata({"by": "us"})


def _some(values: st.SearchStrategy[object], rows: int) -> st.SearchStrategy[list[object]]:
    return st.lists(st.none() | values, min_size=rows, max_size=rows)


def _write(table: pa.Table, path: Path, rows: int) -> None:
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=rows)
    else:
        feather.write_feather(table, path, chunksize=rows)


def _read(path: Path) -> pa.Table:
    return pq.read_table(path) if path.suffix == ".parquet" else feather.read_table(path)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@given(_tables(), st.integers(1, 5))
@settings(max_examples=40, deadline=None, suppress_health_check=UNCHECKED)
def test_any_table_comes_back_with_its_columns(
    tmp_path: Path, rewrite: Rewrite, suffix: str, table: pa.Table, rows: int
) -> None:
    """Numbers, times, nested and categorical values, nulls, no rows at all, in groups of any size."""
    source = tmp_path / f"in{suffix}"
    _write(table, source, rows)
    written = _read(rewrite(source, tmp_path / f"out{suffix}", text="text", size=3))
    expected = _read(source)
    assert expected.schema.equals(pa.schema(list(written.schema)[:-OURS], written.schema.metadata), check_metadata=True)
    assert expected.to_pylist() == written.select(expected.column_names).to_pylist()


def test_parquet_comes_out_as_feather_and_the_other_way(tmp_path: Path, rewrite: Rewrite) -> None:
    """With the same types, the categories of two files joined."""
    for name, words in (("a", ["x", "y"]), ("b", ["z", "x"])):
        kinds = pa.array(words).dictionary_encode()
        pq.write_table(pa.table({"text": ["We agree"] * 2, "kind": kinds}), tmp_path / f"{name}.parquet")
    out = rewrite([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "out.feather")
    back = rewrite(out, tmp_path / "back.parquet", own=_own("second_"))
    assert ["x", "y", "z", "x"] == _read(out)["kind"].to_pylist() == _read(back)["kind"].to_pylist()
    assert pa.types.is_dictionary(_read(back).schema.field("kind").type)


def _own(prefix: str) -> object:
    from serving.tables.columns import OwnColumns

    return OwnColumns(prefix, "m1")


def test_our_columns_have_types_of_their_own(tmp_path: Path, rewrite: Rewrite) -> None:
    """And nulls, not zeros, where a row was not scored."""
    _write(pa.table({"text": ["We agree", None]}), tmp_path / "in.parquet", 9)
    table = _read(rewrite(tmp_path / "in.parquet", tmp_path / "out.parquet"))
    types = [str(field.type) for field in table.schema][1:]
    assert ["string"] * 2 + ["double"] * 4 + ["string"] * 3 + ["int32"] * 2 + ["bool"] + ["string"] * 2 == types
    expected = {**dict.fromkeys(COLUMN_TYPES), "text": None, "model": "m1", "error": "null: text is null"}
    assert expected == table.to_pylist()[1]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary()])
def test_text_may_be_held_in_several_ways(tmp_path: Path, rewrite: Rewrite, kind: pa.DataType) -> None:
    """As strings or as bytes."""
    _write(pa.table({"text": pa.array(["We agree"], kind)}), tmp_path / "in.feather", 9)
    assert ["conditional"] == _read(rewrite(tmp_path / "in.feather", tmp_path / "out.feather"))["stance"].to_pylist()


def test_strings_that_are_not_utf8_are_a_fault_of_their_row(tmp_path: Path, rewrite: Rewrite) -> None:
    """Nothing in a file guarantees that its strings are UTF-8; the bytes come back."""
    held = pa.array([b"We agree", b"We \xff agree"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 2, held.buffers())
    _write(pa.table({"text": broken}), tmp_path / "in.parquet", 9)
    table = _read(rewrite(tmp_path / "in.parquet", tmp_path / "out.parquet"))
    assert [None, "not_utf8: byte 0xFF at byte 3 is not UTF-8"] == table["error"].to_pylist()
    assert held.to_pylist() == table["text"].cast(pa.binary()).to_pylist()


def test_reading_goes_on_after_any_block(tmp_path: Path, rewrite: Rewrite) -> None:
    """Across row groups: what is read from row 9 on is what a whole reading has there."""
    _write(pa.table({"text": [f"We agree {n}" for n in range(20)]}), tmp_path / "in.parquet", 6)
    whole = _read(rewrite(tmp_path / "in.parquet", tmp_path / "whole.parquet", size=2))
    rest = _read(rewrite(tmp_path / "in.parquet", tmp_path / "rest.parquet", size=2, skip=8))
    assert whole.slice(8).to_pylist() == rest.to_pylist()


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"text": [1, 2]}, "column text holds int64, not text"),
        ({"a": ["x"]}, "no column is known to hold the statements"),
        ({"text": ["x"], "p_none": [0.5]}, "already has p_none"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    tmp_path: Path, rewrite: Rewrite, table: dict[str, list[object]], reason: str
) -> None:
    """Before a row is scored."""
    _write(pa.table(table), tmp_path / "in.parquet", 9)
    with pytest.raises(TableError, match=reason):
        rewrite(tmp_path / "in.parquet", tmp_path / "out.parquet")


def test_a_torn_file_and_one_with_another_schema_are_refused(tmp_path: Path, rewrite: Rewrite) -> None:
    """Each by its name, with what is wrong."""
    _write(pa.table({"text": ["x"] * 50, "n": [1] * 50}), tmp_path / "a.parquet", 9)
    _write(pa.table({"text": ["x"], "n": ["1"]}), tmp_path / "b.parquet", 9)
    with pytest.raises(TableError, match=r"b\.parquet: column n is string; the first input has int64"):
        rewrite([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "out.parquet")
    (tmp_path / "c.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    with pytest.raises(TableError, match=r"c\.parquet cannot be read as parquet"):
        rewrite(tmp_path / "c.parquet", tmp_path / "out.parquet")
