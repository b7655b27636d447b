"""What `drift` and `suggest` do with files: texts read, answered by a model, and told to people."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.classifier import StanceClassifier
from models.stance import STANCES
from training.bases import base_folder
from training.data import read_statements
from training.drift import Drift, describe_answers, find_drift
from training.embed import embed
from training.pool import read_pool
from training.suggest import suggest

_ALPHA = 0.05
_SHOWN = 100


def measure_files(known: Path, new: Path, model: Path, *, most: int) -> tuple[Drift, str]:
    """Compare two files of texts; beside the drift, give a page for people."""
    classifier = StanceClassifier.load(model)
    windows = [read_pool(path, apart_from=[], files=[])[:most] for path in (known, new)]
    answers = [_answer(classifier, window) for window in windows]
    drift = find_drift(windows[0], answers[0], windows[1], answers[1], alpha=_ALPHA, seed=0)
    lines = [f"# Drift: {'alarm' if drift.alarm else 'no alarm'}", "", "| measure | value | p |", "| --- | --- | --- |"]
    lines += [f"| {change.name} | {change.value:.4f} | {change.p:.4f} |" for change in drift.changes]
    lines += ["", f"Known: {describe_answers(answers[0])}.", f"New: {describe_answers(answers[1])}."]
    lines += ["", f"Words of the new: {', '.join(drift.words)}.", "", "Texts least like the known:", ""]
    lines += [f"- {windows[1][position][:_SHOWN]}" for position in drift.texts]
    return drift, "\n".join(lines) + "\n"


def suggest_from(pool: Path, labels: Sequence[Path], model: Path, *, base: str, n: int, most: int) -> Iterator[str]:
    """Give the texts of a pool that are worth a label, one line of JSON each; labelled ones are left out."""
    labelled = read_statements(labels)
    texts = read_pool(pool, apart_from=labelled, files=[])[:most]
    counts = Counter(s.stance for s in labelled)
    shares = [counts[stance] / max(len(labelled), 1) for stance in STANCES]
    answers = _answer(StanceClassifier.load(model), texts)
    for one in suggest(answers, embed(texts, base_folder(base)), n=n, shares=shares, seed=0):
        told = {"text": texts[one.position], "likeliest": one.likeliest, "doubt": round(one.doubt, 4)}
        yield json.dumps(told, ensure_ascii=False)


def _answer(classifier: StanceClassifier, texts: Sequence[str]) -> NDArray[np.float64]:
    answers = [classifier.classify([text])[0] for text in tqdm(texts, desc="read", mininterval=5)]
    return np.array([[answer.probabilities[stance] for stance in STANCES] for answer in answers])
