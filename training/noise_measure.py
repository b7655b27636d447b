"""How well the noise screen finds labels that were flipped on purpose."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models.stance import STANCES
from training.data import LabelledStatement
from training.embed import embed
from training.noise import screen

_FLIPPED, _FLAGGED = 0.1, 0.2


def measure_screen(statements: Sequence[LabelledStatement], base: Path, *, n: int, seed: int) -> str:
    """Flip a tenth of `n` statements' labels to a random other one; say how many are in the flagged fifth."""
    draw = random.Random(seed)
    chosen = draw.sample(list(statements), n)
    flipped = set(draw.sample(range(n), round(_FLIPPED * n)))
    noisy = [
        replace(s, stance=draw.choice([x for x in STANCES if x != s.stance])) if i in flipped else s
        for i, s in enumerate(chosen)
    ]
    suspects = screen(noisy, embed([s.text for s in noisy], base), share=_FLAGGED, seed=seed)
    names = {chosen[i].id for i in flipped}
    lines = ["| flagged | recall of the flipped | precision |", "| --- | --- | --- |"]
    for share in (0.05, 0.1, _FLAGGED):
        flagged = suspects[: round(share * n)]
        found = sum(suspect.statement.id in names for suspect in flagged)
        lines.append(f"| {share:.0%} | {found / len(names):.3f} | {found / len(flagged):.3f} |")
    return "\n".join([f"{n} statements, {len(names)} flipped, seed {seed}.", "", *lines]) + "\n"
