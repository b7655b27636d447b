"""The README's blocks do what it says."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_python_block_prints_the_output_block() -> None:
    """Three lines and a print, and just what stands below them."""
    source = next(text for kind, text in BLOCKS if kind == "python")
    expected = next(text for kind, text in BLOCKS if kind == "output")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "README.md", "exec"), {})
    assert expected == printed.getvalue()


def test_the_shell_blocks_run() -> None:
    """Every command line that needs no running server ends with 0 and prints a stance."""
    commands = [text for kind, text in BLOCKS if kind == "sh" and "curl" not in text]
    assert commands
    for command in commands:
        here = command.replace(".venv/bin/python", sys.executable)
        ran = subprocess.run(["bash", "-euc", here], cwd=ROOT, capture_output=True, text=True, check=True)
        assert "stance" in ran.stdout
