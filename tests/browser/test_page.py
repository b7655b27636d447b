"""The analyst's page and the description of the interface, in a browser, against a running service."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Watched
from tests.load.served import SECRET, Served

pytestmark = pytest.mark.browser
TEXT = "We will come back to the table 🕊 once the blockade is lifted."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the shipped model."""
    served = Served(tmp_path_factory.mktemp("served"))
    yield served
    served.stop()


def _url(served: Served, path: str = "/") -> str:
    return f"http://127.0.0.1:{served.port}{path}"


def _read(watched: Watched, served: Served, *texts: str) -> None:
    watched.page.goto(f"{_url(served)}#key={SECRET}")
    watched.page.fill("#statements", "\n".join(texts))
    watched.page.click("text=Read them")
    watched.page.wait_for_selector("#answers tbody tr")


def test_the_key_leaves_the_address_and_the_condition_is_marked(watched: Watched, served: Served) -> None:
    """Behind an emoji too, whose two halves are one character to us; and nothing is asked of anybody else."""
    _read(watched, served, TEXT, "We reject it.")
    assert _url(served) == watched.page.url
    assert SECRET not in watched.page.content()
    assert "once the blockade is lifted" == watched.page.inner_text("mark")
    assert 2 == watched.page.locator("#answers tbody tr").count()
    assert all(url.startswith(_url(served)) for url in watched.requests)
    assert [] == watched.complaints


def test_without_a_key_it_is_asked_for(watched: Watched, served: Served) -> None:
    """401 shows the field; with the key in it the statements are read."""
    watched.page.goto(_url(served))
    watched.page.fill("#statements", "We reject it.")
    watched.page.fill("#key", SECRET)
    watched.page.click("text=Read them")
    watched.page.wait_for_selector("#answers tbody tr")


def test_a_correction_with_its_condition_is_stored_and_undone(watched: Watched, served: Served) -> None:
    """What is selected in the statement is the condition, in code points; undo withdraws it."""
    _read(watched, served, TEXT)
    watched.page.evaluate(
        """() => {
            const cell = document.querySelectorAll("#answers tbody td")[1];
            const mark = cell.querySelector("mark");
            const range = document.createRange();
            range.selectNodeContents(mark);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }"""
    )
    watched.page.locator("#answers select").dispatch_event("pointerdown")
    watched.page.locator("#answers select").select_option("hostile")
    watched.page.click("text=note it")
    watched.page.wait_for_selector("text=noted: hostile, with its condition")
    (row,) = map(json.loads, served.ask("GET", "/v1/feedback").text.splitlines())
    assert (TEXT, "hostile") == (row["statement"], row["stance"])
    start, end = row["condition"]["start"], row["condition"]["end"]
    assert "once the blockade is lifted" == TEXT[start:end]
    watched.page.click("text=undo")
    watched.page.wait_for_selector("#answers select")
    assert "" == served.ask("GET", "/v1/feedback").text
    assert [] == watched.complaints


def test_the_interface_is_shown_from_local_files(watched: Watched, served: Served) -> None:
    """Swagger UI draws every route, and no third party is asked for a script."""
    watched.page.goto(f"{_url(served)}#key={SECRET}")
    watched.page.goto(_url(served, "/docs"))
    watched.page.get_by_text("/v1/classify").first.wait_for()
    assert all(url.startswith((_url(served), "data:")) for url in watched.requests)
    assert [] == watched.complaints


def test_a_small_window_does_not_cut_anything_off(watched: Watched, served: Served, tmp_path: Path) -> None:
    """A telephone's width."""
    watched.page.set_viewport_size({"width": 390, "height": 800})
    _read(watched, served, TEXT)
    assert watched.page.evaluate("document.querySelector('main').scrollWidth") <= 390
