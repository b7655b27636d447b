"""Which rule reads a long text best: one statement with a stance among narration, or narration alone."""

import random
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.classifier import Reading, StanceClassifier, deciding_window
from models.stance import STANCES, Stance
from training.data import LabelledStatement

Floats = NDArray[np.float64]
_NONE = STANCES.index(Stance.NONE)
# Ten to fourteen statements are some 2,500 characters: four or five windows of 128 tokens.
_FEWEST, _MOST = 10, 14

RULES: dict[str, Callable[[Sequence[Reading]], Floats]] = {
    "the first window": lambda readings: readings[0].probabilities,
    "mean of the windows": lambda readings: np.mean([r.probabilities for r in readings], axis=0),
    "the surest window": lambda readings: max((r.probabilities for r in readings), key=lambda p: float(p.max())),
    "the window that most surely expresses a stance": lambda readings: deciding_window(readings).probabilities,
}


def compare_rules(
    classifier: StanceClassifier, statements: Sequence[LabelledStatement], *, texts: int, seed: int
) -> str:
    """
    Build long texts of labelled statements and read them by each rule; a table in Markdown.

    Half of the texts hold one statement with a stance at a random place among statements without one and
    should get its stance; the other half hold none and should get none.
    """
    draw = random.Random(seed)
    cases = [_build(draw, statements, with_stance=i % 2 == 0) for i in range(texts)]
    readings = [classifier.read_windows(text)[0] for text, _ in tqdm(cases, desc="read")]
    gold = np.array([stance for _, stance in cases])
    stated = gold != _NONE
    rows = ["| rule | stance found | narration left alone | both |", "| --- | --- | --- | --- |"]
    for name, rule in RULES.items():
        right = np.array([int(rule(r).argmax()) for r in readings]) == gold
        rows.append(f"| {name} | {right[stated].mean():.3f} | {right[~stated].mean():.3f} | {right.mean():.3f} |")
    windows = np.mean([len(r) for r in readings])
    return "\n".join([*rows, "", f"{texts} texts of {windows:.1f} windows on average, half of them with a stance."])


def _build(draw: random.Random, statements: Sequence[LabelledStatement], *, with_stance: bool) -> tuple[str, int]:
    narration = [s for s in statements if s.stance == Stance.NONE]
    moves = [s for s in statements if s.stance != Stance.NONE]
    chosen = draw.sample(narration, draw.randint(_FEWEST, _MOST))
    if not with_stance:
        return " ".join(s.text for s in chosen), _NONE
    move = draw.choice(moves)
    chosen[draw.randrange(len(chosen))] = move
    return " ".join(s.text for s in chosen), STANCES.index(move.stance)
