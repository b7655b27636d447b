"""Wrong answers are counted where they belong."""

import json
from pathlib import Path

from models.stance import STANCES, Answer, Stance
from training.data import LabelledStatement
from training.kinds import as_text, read_doubts


def _pair(n: int, gold: Stance, found: Stance, source: str) -> tuple[Answer, LabelledStatement]:
    answer = Answer(found, Stance.HOSTILE, dict.fromkeys(STANCES, 0.25), None, None, None, truncated=False)
    return answer, LabelledStatement(f"s{n}", "We reject it.", gold, 3 - n % 2, None, source, f"d{n}")


def test_kinds_count_what_is_wrong(tmp_path: Path) -> None:
    """Two of three wire statements wrong, one of them where the annotators disagreed."""
    pairs = [
        _pair(0, Stance.HOSTILE, Stance.NONE, "wire"),
        _pair(1, Stance.HOSTILE, Stance.NONE, "wire"),
        _pair(2, Stance.NONE, Stance.NONE, "wire"),
        _pair(3, Stance.NONE, Stance.NONE, "speech"),
    ]
    rows = [{"id": "s0", "annotators": ["hostile", "none"]}, {"id": "s1", "annotators": ["hostile", "hostile"]}]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    answers, statements = zip(*pairs, strict=True)
    page = as_text(answers, statements, read_doubts(tmp_path / "dev.jsonl"))
    assert "| all | 4 | 2 | 50.0% |" in page
    assert "| source: wire | 3 | 2 | 66.7% |" in page
    assert "| all: annotators disagreed | 1 | 1 | 100.0% |" in page
    assert "| all: sure label | 2 | 1 | 50.0% |" in page
    assert "| hostile read as none | 2 |" in page
