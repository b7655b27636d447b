"""The report of a batch run, opened as whoever gets it opens it."""

import json
from pathlib import Path

import pytest

from serving.__main__ import main
from tests.browser.conftest import Watched
from tests.load.served import ROOT

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Score some of the project's own statements with the shipped model."""
    folder = tmp_path_factory.mktemp("report")
    rows = []
    for file in sorted((ROOT / "training" / "statements").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines()[:60]:
            row = json.loads(line)
            date = row["date"] if str(row["date"]).isdecimal() else None
            rows.append({"text": row["text"], "speaker": row["speaker"], "date": date and f"{date}-01-01"})
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = ["batch", str(folder / "in.jsonl"), "-o", str(folder / "out.jsonl"), "--quiet"]
    page = folder / "report.html"
    assert 0 == main([*given, "--report", str(page), "--date", "date", "--speaker", "speaker"])
    return page


def test_it_opens_without_an_error_and_asks_nobody_for_anything(watched: Watched, report: Path) -> None:
    """One file and what is in it; every picture is drawn."""
    watched.page.goto(report.as_uri())
    watched.page.wait_for_load_state("networkidle")
    assert [] == watched.complaints
    assert {report.as_uri()} == {url for url in watched.requests if not url.startswith("data:")}
    widths = watched.page.eval_on_selector_all("svg, img", "all => all.map(one => one.getBoundingClientRect().width)")
    assert len(widths) >= 3
    assert min(widths) > 100


def test_it_prints(watched: Watched, report: Path) -> None:
    """On paper nothing is cut off at the side."""
    watched.page.emulate_media(media="print")
    watched.page.set_viewport_size({"width": 794, "height": 1123})
    watched.page.goto(report.as_uri())
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 794
