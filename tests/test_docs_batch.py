"""The examples of docs/batch.md print what stands below them."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```\n+```output\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = BLOCK.findall((ROOT / "docs" / "batch.md").read_text(encoding="utf-8"))


def test_there_are_three_examples() -> None:
    """With pandas, Polars and datasets."""
    libraries = ["pandas", "polars", "datasets"]
    assert libraries == [re.search(r"pandas|polars|datasets", source)[0] for source, _ in EXAMPLES]  # type: ignore[index]


@pytest.mark.parametrize(("source", "expected"), EXAMPLES)
def test_an_example_prints_its_output(source: str, expected: str) -> None:
    """Run as it stands."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(source, "batch.md", "exec"), {"__name__": "example"})
    assert expected == printed.getvalue()
