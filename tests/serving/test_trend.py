"""A batch run's output as shares by speaker and over time."""

import csv
import io
import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.stance import Stance
from serving.__main__ import main
from serving.trend.changes import find_changes
from serving.trend.tally import Every, figures_of, period_of

HEAD = "by,date,stance,leaning\n"


def _table(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_shares_and_index_have_the_intervals_of_the_textbook() -> None:
    """Worked by hand for 3 conciliatory and 1 hostile of 4; Wilson's for 3 of 4 is 0.3006 to 0.9544."""
    figures = figures_of("a", "", Counter({Stance.CONCILIATORY: 3, Stance.HOSTILE: 1}))
    share = figures.shares[Stance.CONCILIATORY]
    assert pytest.approx((0.75, 0.3006, 0.9544), abs=1e-4) == (share.value, share.low, share.high)
    # middle (3.5 - 1.5) / 6 = 1/3; reach 1.96 * sqrt((5/6 - 1/9) / 6) = 0.6800
    index = figures.index
    assert pytest.approx((0.5, -0.3466, 1.0), abs=1e-3) == (index.value, index.low, index.high)


@pytest.mark.parametrize(
    ("value", "every", "expected"),
    [
        ("1962-10-16T12:00:00Z", Every.DAY, "1962-10-16"),
        ("1962-10", Every.MONTH, "1962-10"),
        ("1962-10-16", Every.QUARTER, "1962-Q4"),
        (datetime(1962, 3, 1), Every.QUARTER, "1962-Q1"),
        (date(1962, 3, 1), Every.YEAR, "1962"),
        ("1962", Every.MONTH, None),
        ("16/10/1962", Every.YEAR, None),
        (None, Every.YEAR, None),
    ],
)
def test_a_date_belongs_to_a_period(value: object, every: Every, expected: str | None) -> None:
    """Only where it says enough."""
    assert expected == period_of(value, every)


def test_a_level_that_changes_is_found_and_noise_is_not() -> None:
    """At the first period of the new level."""
    noise = [0.02, -0.01, 0.0, 0.03, -0.02, 0.01]
    assert [6] == find_changes([*noise, *(0.6 + each for each in noise)])
    assert [] == find_changes([*noise, *noise])
    assert [] == find_changes([0.0, 1.0] * 3)


def test_a_table_has_a_row_for_each_speaker_and_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In order; rows without stance or date are left out and counted on stderr."""
    rows = ["b,1962-10-01,hostile,", "a,1962-10-02,conciliatory,", "a,1962-10-03,none,", "a,1962-09-01,conditional,"]
    (tmp_path / "out.csv").write_text(HEAD + "\n".join([*rows, "a,1962-10-04,,", "a,soon,hostile,"]) + "\n")
    assert main(["trend", str(tmp_path / "out.csv"), "--by", "by", "--every", "month"]) == 0
    captured = capsys.readouterr()
    table = list(csv.DictReader(io.StringIO(captured.out)))
    assert [("a", "1962-09", "1"), ("a", "1962-10", "2"), ("b", "1962-10", "1")] == [
        (row["group"], row["period"], row["rows"]) for row in table
    ]
    assert ["0.0", "0.5", "-1.0"] == [row["index"] for row in table]
    assert "note: 1 rows left out: not scored" in captured.err
    assert "note: 1 rows left out: date gives no month" in captured.err


def test_every_format_gives_the_same_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CSV with another delimiter, JSONL, Parquet, a folder of shards; and JSON comes out where it is asked for."""
    rows = [{"by": "ä", "stance": stance, "leaning": "hostile"} for stance in ("hostile", "none", "none")]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "out.parquet")
    (tmp_path / "shards").mkdir()
    for number, row in enumerate(rows):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / "shards" / f"part-{number}.parquet")
    (tmp_path / "out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "out.csv").write_text("\ufeffby;stance;leaning\n" + "".join(f"ä;{row['stance']};x\n" for row in rows))
    tables = []
    for name in ("out.parquet", "out.jsonl", "out.csv", "shards"):
        assert main(["trend", str(tmp_path / name), "--by", "by"]) == 0
        tables.append(_table(capsys))
    assert tables[0] == tables[1] == tables[2] == tables[3]
    assert main(["trend", str(tmp_path / "out.csv"), "--by", "by", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert ("ä", 3, 0.6667) == (record["group"], record["rows"], record["none"])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("out.csv", "by,text\n", "not the output of a batch run"),
        ("out.csv", HEAD + "a,1962,none,\n", "has no column speaker; its columns are: by, date, stance, leaning"),
        ("out.txt", HEAD, "its name does not tell its format"),
        ("out.parquet", HEAD, "cannot be read as parquet"),
    ],
)
def test_what_is_no_output_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, reason: str
) -> None:
    """Exit 2, with the reason."""
    (tmp_path / name).write_text(content)
    assert main(["trend", str(tmp_path / name), "--by", "speaker"]) == 2
    assert reason in capsys.readouterr().err
