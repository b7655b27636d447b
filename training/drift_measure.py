"""False alarms and power of the drift measure, on labelled statements of several sources."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.data import LabelledStatement
from training.drift import find_drift

Floats = NDArray[np.float64]
_WINDOW = 500
_ALPHA = 0.05


def measure_drift(statements: Sequence[LabelledStatement], answers: Floats, *, clean: int, shifted: int) -> str:
    """
    Draw clean windows, and windows half of which come from a source that the known window has not.

    Args:
        answers: (n_statements, 4), what the model says of them.
        clean: windows of the same mixture; `shifted` those for each unseen source.
    """
    sources = np.array([s.source for s in statements])
    random = np.random.default_rng(0)
    everything = np.arange(len(statements))

    def alarms(known: NDArray[np.int64], new: NDArray[np.int64], seed: int) -> bool:
        texts = [[statements[i].text for i in side] for side in (known, new)]
        return find_drift(texts[0], answers[known], texts[1], answers[new], alpha=_ALPHA, seed=seed).alarm

    false = 0
    for seed in tqdm(range(clean), desc="clean windows", mininterval=5):
        drawn = random.permutation(everything)[: 3 * _WINDOW]
        false += alarms(drawn[_WINDOW:], drawn[:_WINDOW], seed)
    lines = [f"{clean} clean windows of {_WINDOW}: {false / clean:.1%} alarms.", ""]
    lines += ["| half of the window from | alarms |", "| --- | --- |"]
    for source, n in sorted(Counter(sources.tolist()).items()):
        if n < _WINDOW // 2:
            lines.append(f"| {source} | only {n} statements |")
            continue
        found = 0
        unseen, seen = everything[sources == source], everything[sources != source]
        for seed in tqdm(range(shifted), desc=source, mininterval=5):
            mixed = random.permutation(seen)[: 2 * _WINDOW + _WINDOW // 2]
            new = np.concatenate([mixed[: _WINDOW // 2], random.permutation(unseen)[: _WINDOW // 2]])
            found += alarms(mixed[_WINDOW // 2 :], new, seed)
        lines.append(f"| {source} | {found / shifted:.0%} of {shifted} |")
    return "\n".join(lines) + "\n"
