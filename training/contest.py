"""Models asked the statements and the written cases of an evaluation set, for the gate to compare."""

import json
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from tqdm import tqdm

from models.classifier import StanceClassifier
from models.folder import MANIFEST
from models.registry import ask_golden
from models.stance import STANCES
from training.data import LabelledStatement
from training.drift import is_latin
from training.gate import Contestant, EvaluationSet

_SHORT, _LONG = 100, 250
_WARM_UP = ("We welcome the envoys.",)


def evaluation_set(statements: Sequence[LabelledStatement], *, name: str, looks: int) -> EvaluationSet:
    """
    Make a set of statements, with its slices: source, period (where the document names a year), stance, length, script.

    The script stands for the language, which labels do not name.
    """
    gold = np.array([STANCES.index(s.stance) for s in statements], dtype=np.int64)
    _, documents = np.unique([s.document for s in statements], return_inverse=True)
    kinds = [_kinds(s) for s in statements]
    names = sorted({kind for one in kinds for kind in one})
    slices = {kind: np.array([kind in one for one in kinds]) for kind in names}
    return EvaluationSet(name, gold, documents, slices, looks)


def compete(folder: Path, statements: Sequence[LabelledStatement], *, answers: Path) -> Contestant:
    """
    Let a model answer everything; the answers are kept in a file, and read from it another time.

    Its suite is the contrast groups: documents of two statements or more that differ by stance, wholly right or not.
    """
    if not answers.exists():
        _write_answers(StanceClassifier.load(folder), statements, answers)
    held = json.loads(answers.read_text())
    probabilities = np.array(held["probabilities"])
    right = probabilities.argmax(axis=1) == [STANCES.index(s.stance) for s in statements]
    n_bytes = sum(file.stat().st_size for file in folder.iterdir() if file.name != MANIFEST)
    return Contestant(probabilities, {"contrast groups": _groups(statements, right)}, n_bytes, held["milliseconds"])


def _write_answers(classifier: StanceClassifier, statements: Sequence[LabelledStatement], target: Path) -> None:
    ask_golden(classifier, _WARM_UP)
    begun = perf_counter()
    answers = [classifier.classify([s.text])[0] for s in tqdm(statements, desc="evaluate", mininterval=2)]
    milliseconds = 1000 * (perf_counter() - begun) / len(statements)
    rows = [[answer.probabilities[stance] for stance in STANCES] for answer in answers]
    neighbour = target.with_name(target.name + ".part")
    neighbour.write_text(json.dumps({"milliseconds": milliseconds, "probabilities": rows}))
    neighbour.replace(target)


def _groups(statements: Sequence[LabelledStatement], right: np.ndarray) -> np.ndarray:
    groups: dict[str, list[int]] = {}
    for i, statement in enumerate(statements):
        if statement.source == "own":
            groups.setdefault(statement.document, []).append(i)
    contrasts = [members for members in groups.values() if len({statements[i].stance for i in members}) > 1]
    return np.array([bool(right[members].all()) for members in contrasts], dtype=bool)


def _kinds(statement: LabelledStatement) -> set[str]:
    characters = len(statement.text)
    length = "short" if characters < _SHORT else "long" if characters > _LONG else "middling"
    kinds = {f"source {statement.source}", f"stance {statement.stance}", f"length {length}"}
    kinds.add(f"script {'Latin' if is_latin(statement.text) else 'other'}")
    years = [part for part in statement.document.split("_") if part.isdecimal() and len(part) == 4]  # noqa: PLR2004
    return kinds | {f"period {year[:3]}0s" for year in years}
