"""The page about a batch run: one file that needs nothing else."""

import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from models.classifier import StanceClassifier
from models.stance import STANCES, Stance
from serving.__main__ import main
from serving.trend.findings import Columns, gather, stability_index
from serving.trend.page import write_page
from serving.trend.tally import Every

HEAD = "who,date,text,stance,leaning,abstained,condition,p_conciliatory,p_conditional,p_hostile,p_none\n"
ROWS = [
    "A,1962-01-03,We welcome it.,conciliatory,conciliatory,,,0.9,0.05,0.03,0.02",
    "A,1962-02-03,We welcome <b>them</b>.,conciliatory,conciliatory,,,0.95,0.02,0.02,0.01",
    "B & C,1962-02-03,Only once they leave.,conditional,conditional,,Once  they leave,0.1,0.8,0.05,0.05",
    "B & C,1962-03-03,Only once they leave!,conditional,conditional,uncertain,once they leave,0.1,0.5,0.35,0.05",
    "$x$,,We reject it.,hostile,hostile,,,0.0,0.0,1.0,0.0",
    "A,1962-03-03,,,,,,,,,",
]
COLUMNS = Columns("text", "date", "who", "", "utf-8")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    path = tmp_path / "out.csv"
    path.write_text(HEAD + "\n".join(ROWS) + "\n")
    return path


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]


def test_one_reading_gathers_all_that_the_page_shows(out: Path) -> None:
    """Counts, the surest statement of each stance, conditions without regard to case and spaces, histograms."""
    findings = gather(out, COLUMNS, Every.MONTH)
    assert {Stance.CONCILIATORY: 2, Stance.CONDITIONAL: 2, Stance.HOSTILE: 1} == dict(findings.stances)
    assert (1, 1, 1) == (findings.rejected, findings.abstained, findings.undated)
    assert "We welcome <b>them</b>." == findings.examples[Stance.CONCILIATORY].text
    assert {"once they leave": 2} == dict(findings.conditions)
    assert [3, 0, 0, 1, 0, 0, 0, 0, 0, 1] == findings.histograms[Stance.HOSTILE]
    assert ["1962-01", "1962-02", "1962-03"] == [each.period for each in findings.by_period.figures()]


def test_the_stability_index_is_the_textbooks() -> None:
    """Worked by hand for shares of 0.5 and 0.5 that became 0.8 and 0.2; 0 where nothing changed."""
    reference = {stance: [5, 5] for stance in STANCES}
    found = {stance: [8, 2] for stance in STANCES} | {Stance.NONE: [50, 50]}
    indices = stability_index(reference, found)
    expected = 0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5)
    assert pytest.approx(expected) == indices[Stance.HOSTILE]
    assert pytest.approx(0) == indices[Stance.NONE]


def test_the_page_stands_alone(out: Path, tmp_path: Path, tiny: StanceClassifier) -> None:
    """No script, no link but to itself; what users wrote is text, not markup; equal inputs give equal pages."""
    page = tmp_path / "page.html"
    write_page(out, page, COLUMNS, tiny.manifest)
    content = page.read_text()
    links = _Links()
    links.feed(content)
    assert "svg" in links.tags
    assert not links.tags & {"script", "link", "img", "iframe", "b"}
    assert all(link.startswith("#") for link in links.links)
    assert not re.search(r"url\((?!#)|@import", content)
    assert "We welcome &lt;b&gt;them&lt;/b&gt;." in content
    for title in ("Stances", "Over time", "By speaker", "Conditions most often put", "Scores"):
        assert f"<h2>{title}</h2>" in content
    write_page(out, page, COLUMNS, tiny.manifest)
    assert content == page.read_text()


@pytest.mark.parametrize(("date", "note"), [("1962", "By year."), ("in spring", "2 statements had no date")])
def test_dates_without_months_are_not_left_out_unsaid(
    tmp_path: Path, tiny: StanceClassifier, date: str, note: str
) -> None:
    """Years are drawn as years; what is no date is counted."""
    out, page = tmp_path / "out.csv", tmp_path / "page.html"
    out.write_text(HEAD + "".join(row.replace("1962-02-03", date) + "\n" for row in ROWS[1:3]))
    write_page(out, page, COLUMNS, tiny.manifest)
    assert note in page.read_text()


def test_a_batch_run_writes_its_page(tmp_path: Path, tiny_folder: Path) -> None:
    """Beside its output, with speakers and dates."""
    (tmp_path / "in.csv").write_text("who,when,text\nA,1962-01,We agree to it.\nB,1962-02,We reject the note.\n")
    page = tmp_path / "page.html"
    given = ["batch", str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv"), "--model", str(tiny_folder), "--quiet"]
    assert main([*given, "--report", str(page), "--date", "when", "--speaker", "who", "--workers", "1"]) == 0
    assert "2 statements were scored" in page.read_text()


def test_a_page_that_could_not_be_written_is_refused_before_the_run(
    tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An output that cannot be read again; a column that is not there."""
    (tmp_path / "in.csv").write_text("text\nWe agree to it.\n")
    given = ["batch", str(tmp_path / "in.csv"), "--model", str(tiny_folder), "--report", str(tmp_path / "page.html")]
    assert main([*given, "-o", "-"]) == 2
    assert "--report reads the output again, which - does not allow" in capsys.readouterr().err
    assert main([*given, "-o", str(tmp_path / "out.csv"), "--speaker", "who"]) == 2
    assert "no column is called who; the columns are: text" in capsys.readouterr().err
