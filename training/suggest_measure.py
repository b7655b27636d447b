"""Learning curves of suggested against random labels, on frozen vectors with logistic regression."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from tqdm import tqdm

from models.stance import STANCES
from training.data import LabelledStatement
from training.suggest import suggest

_START, _STEP, _STEPS, _TEST = 200, 200, 5, 0.25
# Student's t, 97.5 %, by degrees of freedom, for as many seeds as are asked for here.
_T = {2: 4.303, 4: 2.776, 9: 2.262}


def measure_suggestions(statements: Sequence[LabelledStatement], vectors: NDArray[np.float32], *, seeds: int) -> str:
    """Start from 200 random labels and add 200 at a time, suggested or random; test on a quarter kept apart."""
    gold = np.array([STANCES.index(s.stance) for s in statements])
    gains = np.zeros((seeds, _STEPS))
    curves = np.zeros((2, seeds, _STEPS))
    for seed in tqdm(range(seeds), desc="seeds"):
        random = np.random.default_rng(seed)
        order = random.permutation(len(gold))
        test, pool = order[: round(_TEST * len(gold))], order[round(_TEST * len(gold)) :]
        for way, is_suggested in enumerate((False, True)):
            curves[way, seed] = _curve(gold, vectors, pool, test, is_suggested=is_suggested, seed=seed)
        gains[seed] = curves[1, seed] - curves[0, seed]
    half = _T[seeds - 1] * gains.std(axis=0, ddof=1) / np.sqrt(seeds)
    lines = ["| labels | random | suggested | gain | 95 % interval |", "| --- | --- | --- | --- | --- |"]
    for step in range(_STEPS):
        old, new, gain = curves[0, :, step].mean(), curves[1, :, step].mean(), gains[:, step].mean()
        interval = f"{gain - half[step]:+.3f} to {gain + half[step]:+.3f}"
        lines.append(f"| {_START + _STEP * (step + 1)} | {old:.3f} | {new:.3f} | {gain:+.3f} | {interval} |")
    return "\n".join(lines) + "\n"


def _curve(
    gold: NDArray[np.int64],
    vectors: NDArray[np.float32],
    pool: NDArray[np.int64],
    test: NDArray[np.int64],
    *,
    is_suggested: bool,
    seed: int,
) -> list[float]:
    labelled, rest = pool[:_START], pool[_START:]
    reached = []
    for _ in range(_STEPS):
        if is_suggested:
            reader = LogisticRegression(max_iter=200).fit(vectors[labelled], gold[labelled])
            shares = np.bincount(gold[labelled], minlength=len(STANCES)) / len(labelled)
            answers = reader.predict_proba(vectors[rest])
            told = suggest(answers, vectors[rest], n=_STEP, shares=shares.tolist(), seed=seed)
            chosen = np.array([one.position for one in told])
        else:
            chosen = np.arange(_STEP)
        labelled, rest = np.concatenate([labelled, rest[chosen]]), np.delete(rest, chosen)
        reader = LogisticRegression(max_iter=200).fit(vectors[labelled], gold[labelled])
        reached.append(float(f1_score(gold[test], reader.predict(vectors[test]), average="macro")))
    return reached
