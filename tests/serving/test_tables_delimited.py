"""CSV and TSV: every record comes back as it stood, with our cells after it."""

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import TableError
from serving.tables.columns import COLUMN_TYPES

Rewrite = Callable[..., Path]
# Files are written anew by each example; a busy machine is no fault.
UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
OURS = len(COLUMN_TYPES)

_cells = st.text(st.sampled_from("ab ,;\t\"'\n\r\\äß\u2028|0"), max_size=6)


@st.composite
def _tables(draw: st.DrawFn) -> tuple[str, str, str]:
    """Draw the content of a file with a column `text`, its delimiter and its quotation mark."""
    names = ["text", *draw(st.lists(_cells.filter(lambda name: name.strip(" \r\n") != "text"), max_size=3))]
    rows = draw(st.lists(st.lists(_cells, min_size=len(names), max_size=len(names)), max_size=9))
    quote, delimiter = draw(st.sampled_from("\"'")), draw(st.sampled_from(",;\t|"))
    written = io.StringIO()
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(written, delimiter=delimiter, quotechar=quote, quoting=csv.QUOTE_ALL, lineterminator=newline)
    writer.writerows([names, *rows])
    return written.getvalue(), delimiter, quote


def _rows(content: str, delimiter: str = ",", quote: str = '"') -> list[list[str]]:
    return list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, quotechar=quote, strict=True))


@given(_tables(), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]), st.sampled_from(["", ".gz", ".zst"]))
@settings(max_examples=60, deadline=None, suppress_health_check=UNCHECKED)
def test_any_table_comes_back_with_its_cells(
    tmp_path: Path, rewrite: Rewrite, table: tuple[str, str, str], encoding: str, compression: str
) -> None:
    """Quotes, delimiters and newlines inside cells, in any encoding and compression."""
    content, delimiter, quote = table
    source = tmp_path / "in.csv"
    source.write_bytes(content.encode(encoding))
    out = rewrite(
        source, tmp_path / f"out.csv{compression}", text="text", encoding=encoding, delimiter=delimiter, quote=quote
    )
    written = _plain(out, compression).decode(encoding)
    expected = _rows(content, delimiter, quote)
    assert expected == [row[:-OURS] for row in _rows(written, delimiter, quote)]


def _plain(path: Path, compression: str) -> bytes:
    match compression:
        case ".gz":
            return gzip.decompress(path.read_bytes())
        case ".zst":
            return bytes(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd").read())
        case _:
            return path.read_bytes()


def test_a_record_stays_byte_for_byte(tmp_path: Path, rewrite: Rewrite) -> None:
    """Quotation that was not needed, leading zeros, a BOM and the line ends of a spreadsheet stay."""
    head = '\ufeff"id";Äußerung\r\n'
    record = '"007";"We, ""gladly"",\r\nagree"'
    (tmp_path / "in.csv").write_bytes((head + record + "\r\n").encode())
    out = rewrite(tmp_path / "in.csv", tmp_path / "out.csv").read_bytes().decode()
    names = ";".join(COLUMN_TYPES)
    values = 'conditional;conditional;0.125;0.5;0.25;0.125;;;"a, ""b";2;6;false;m1;'
    assert f"{head.rstrip()};{names}\r\n{record};{values}\r\n" == out


def test_bytes_that_are_not_utf8_come_back_as_they_were(tmp_path: Path, rewrite: Rewrite) -> None:
    """In the text a reason, elsewhere no harm."""
    (tmp_path / "in.csv").write_bytes(b"text,by\nWe \xff agree,a\nWe agree,\xe9\n")
    first, second = rewrite(tmp_path / "in.csv", tmp_path / "out.csv").read_bytes().splitlines()[1:]
    assert first.startswith(b"We \xff agree,a,,")
    assert first.endswith(b"not_utf8: byte 0xFF at character 3 is not UTF-8")
    assert second.startswith(b"We agree,\xe9,conditional,")


def test_a_stray_quotation_mark_costs_its_own_line_only(tmp_path: Path, rewrite: Rewrite) -> None:
    """The three rows that it would have swallowed are read, one of them with a quoted newline."""
    content = 'id,text\n1,"We agree\n2,We refuse\n3,"We\nsee"\n4,"He said "no" to it"\n5,We wait\n'
    (tmp_path / "in.csv").write_text(content)
    rows = _rows(rewrite(tmp_path / "in.csv", tmp_path / "out.csv").read_text())
    assert ["id", "1", "2", "3", "4", "5"] == [row[0] for row in rows]
    assert [True, False, False, True, False] == [row[-1].startswith("torn_record") for row in rows[1:]]
    assert {len(row) for row in rows} == {2 + OURS}


def test_too_few_and_too_many_cells_lose_nothing(tmp_path: Path, rewrite: Rewrite) -> None:
    """A short row is filled up; what is beyond the header stands in the error."""
    (tmp_path / "in.csv").write_text("id,text\n1\n2,We agree,x,y\n")
    short, long = _rows(rewrite(tmp_path / "in.csv", tmp_path / "out.csv").read_text())[1:]
    assert ["1", "", *[""] * (OURS - 2), "m1", "cell_count: the row has 1 cells, the header 2"] == short
    assert long[:2] == ["2", "We agree"]
    assert long[-1].endswith('the row has 4 cells, the header 2; beyond it: ["x", "y"]')


def test_without_quotation_a_mark_is_a_letter(tmp_path: Path, rewrite: Rewrite) -> None:
    """As in many a TSV; our own cells then hold no delimiter."""
    (tmp_path / "in.tsv").write_text('id\ttext\n1\t"We agree\n2\tWe "see"\n')
    out = rewrite(tmp_path / "in.tsv", tmp_path / "out.tsv", quote="").read_text().splitlines()
    assert ["1", '"We agree', "conditional"] == out[1].split("\t")[:3]
    assert {len(line.split("\t")) for line in out} == {2 + OURS}


def test_reading_goes_on_after_any_block(tmp_path: Path, rewrite: Rewrite) -> None:
    """What is read from row 9 on is what a whole reading has there."""
    (tmp_path / "in.csv").write_text("text\n" + "".join(f'"We agree\n{n}"\n' for n in range(20)))
    whole = _rows(rewrite(tmp_path / "in.csv", tmp_path / "whole.csv").read_text())
    rest = _rows(rewrite(tmp_path / "in.csv", tmp_path / "rest.csv", skip=8).read_text())
    assert whole[9:] == rest[1:]


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        ("", {}, "is empty: not even a header"),
        ("id,name\n1,2\n", {}, "no column is known to hold the statements; say which with --text; its columns are: id"),
        ("text,Quote\n1,2\n", {}, "text and Quote could hold the statements"),
        ("a,b\n1,2\n", {"text": "c"}, "no column is called c; its columns are: a, b"),
        ("a,a\n1,2\n", {"text": "a"}, "2 columns are called a"),
        ("text,stance\n1,2\n", {}, "already has stance: name ours otherwise with --prefix"),
        ("text;a,b\n1,2\n", {}, "the header has ',' and ';': say which with --delimiter"),
        ("text\n1\n", {"encoding": "utf-88"}, "no such encoding"),
        ('"text\n1\n', {}, "the header cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    tmp_path: Path, rewrite: Rewrite, content: str, options: dict[str, str], reason: str
) -> None:
    """Before a row is scored."""
    (tmp_path / "in.csv").write_text(content)
    with pytest.raises(TableError, match=reason.replace("'", ".")):
        rewrite(tmp_path / "in.csv", tmp_path / "out.csv", **options)


def test_files_with_other_columns_are_refused(tmp_path: Path, rewrite: Rewrite) -> None:
    """The second file and both lists of columns are named."""
    (tmp_path / "a.csv").write_text("text,by\n")
    (tmp_path / "b.csv").write_text("text,who\n")
    with pytest.raises(TableError, match=r"b\.csv: columns \['text', 'who'\]; the first input has \['text', 'by'\]"):
        rewrite([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "out.csv")


def test_a_compressed_file_that_breaks_off_is_no_shorter_table(tmp_path: Path, rewrite: Rewrite) -> None:
    """It is an error that names the file."""
    whole = gzip.compress("".join(f"{n},We agree {n * n}\n" for n in range(50_000)).encode())
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(b"id,text\n") + whole[: len(whole) // 2])
    with pytest.raises(TableError, match=r"in\.csv\.gz cannot be read to its end"):
        rewrite(tmp_path / "in.csv.gz", tmp_path / "out.csv", size=1000)
