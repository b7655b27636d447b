"""Wrong answers by kind: which stance for which, and on what sort of statement."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from models.stance import Answer, Stance
from training.data import LabelledStatement

_SHORT, _LONG = 100, 250


def read_doubts(data: Path) -> dict[str, bool]:
    """Give for each id, where the file has two annotators, whether they disagreed."""
    rows = (json.loads(line) for line in data.read_text(encoding="utf-8").splitlines())
    return {row["id"]: len(set(row["annotators"])) > 1 for row in rows if row.get("annotators")}


def as_text(answers: Sequence[Answer], statements: Sequence[LabelledStatement], doubts: dict[str, bool]) -> str:
    """Lay out the counts in Markdown: kinds of statements with their wrong answers, then which stance for which."""
    all_kinds: Counter[str] = Counter()
    wrong_kinds: Counter[str] = Counter()
    swaps: Counter[str] = Counter()
    for answer, statement in zip(answers, statements, strict=True):
        kinds = _kinds(statement, doubts)
        all_kinds.update(kinds)
        if answer.stance != statement.stance:
            wrong_kinds.update(kinds)
            swaps[_swap(statement.stance, answer.stance)] += 1
    lines = ["| statements | n | wrong | share |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {kind} | {n} | {wrong_kinds[kind]} | {wrong_kinds[kind] / n:.1%} |" for kind, n in sorted(all_kinds.items())
    ]
    lines += ["", "| wrong answer | n |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {swap} | {n} |" for swap, n in swaps.most_common())]) + "\n"


def _swap(gold: Stance, found: Stance) -> str:
    return f"{gold} read as {found}"


def _kinds(statement: LabelledStatement, doubts: dict[str, bool]) -> set[str]:
    characters = len(statement.text)
    length = "under 100" if characters < _SHORT else "over 250" if characters > _LONG else "100 to 250"
    sure = {1: "arguable", 2: "probable", 3: "sure"}[statement.confidence]
    kinds = {f"all: {sure} label", f"length: {length} characters", f"source: {statement.source}", "all"}
    if statement.id in doubts:
        kinds.add(f"all: annotators {'disagreed' if doubts[statement.id] else 'agreed'}")
    return kinds
