"""A reading: one model on one labelled file, beside the baselines, and the log that counts readings."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from models.classifier import StanceClassifier
from models.folder import open_folder, write_folder
from models.stance import STANCES
from training import kinds, reliability
from training.baselines import majority_probabilities, tfidf_probabilities
from training.card import write_card
from training.data import LabelledStatement, read_statements
from training.evaluate import Evaluation, answer_each, as_text, figure_row, measure, stance_figures
from training.split import leave_out_near


def read_side(model: Path, data: Path, *, train: Sequence[Path], log: Path | None, today: date) -> str:
    """
    Measure a model folder on a labelled file; beside it, the baselines where there is data to fit them on.

    Args:
        train: labelled files for the baselines; what is near to `data` is left out.
        log: where given, the reading is appended, and the figures go into the folder's manifest and card.
    """
    statements = read_statements([data])
    classifier = StanceClassifier.load(model)
    answers = answer_each(classifier, statements)
    evaluation = measure(answers, statements)
    text = as_text(f"{model} on {data.name}", evaluation)
    gold = np.array([STANCES.index(s.stance) for s in statements])
    probabilities = np.array([[a.probabilities[stance] for stance in STANCES] for a in answers])
    text += "\n" + reliability.as_text(gold, probabilities, [s.document for s in statements])
    if classifier.manifest.conformal:
        text += "\n" + reliability.shipped_promises(gold, probabilities, classifier.manifest.conformal)
    text += "\n" + kinds.as_text(answers, statements, kinds.read_doubts(data))
    if log:
        _record(model, data, evaluation, log, today)
    if train:
        text += "\n" + _baselines(leave_out_near(read_statements(train), statements), statements)
    return text


def _baselines(training: list[LabelledStatement], statements: list[LabelledStatement]) -> str:
    gold = np.array([STANCES.index(s.stance) for s in statements])
    documents = [s.document for s in statements]
    rows = ["| baseline | value | 95 % interval | statements |", "| --- | --- | --- | --- |"]
    for name, probabilities in (
        ("majority", majority_probabilities(training, len(statements))),
        ("tfidf", tfidf_probabilities(training, [s.text for s in statements])),
    ):
        figures = stance_figures(gold, probabilities, documents)
        rows += [figure_row(f"{name} {figure_name}", figure) for figure_name, figure in figures.items()]
    return "\n".join(rows) + "\n"


def _record(model: Path, data: Path, evaluation: Evaluation, log: Path, today: date) -> None:
    folder = open_folder(model)
    figures = evaluation.measured()
    entry = {
        "date": today.isoformat(),
        "model": folder.manifest.version,
        "data": data.name,
        "data_sum": hashlib.sha256(data.read_bytes()).hexdigest(),
        "figures": {name: figure.model_dump() for name, figure in figures.items()},
    }
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    manifest = folder.manifest.model_copy(update={"figures": {**folder.manifest.figures, data.stem: figures}})
    files = {**folder.files, "README.md": write_card(manifest).encode()}
    write_folder(model, files, manifest)
