"""Labels that are probably wrong, listed for a person: confident learning on frozen vectors; nothing is relabelled."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from models.errors import DataError
from models.stance import STANCES, Stance
from training.data import LabelledStatement

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Suspect:
    """A statement whose label a reader of its neighbours finds unlikely, and the stance that it finds likeliest."""

    statement: LabelledStatement
    likeliest: Stance
    quality: float


def screen(
    statements: Sequence[LabelledStatement], vectors: NDArray[np.float32], *, share: float, seed: int
) -> list[Suspect]:
    """
    List the most doubtful `share` of the statements, worst first.

    The quality of a label is its probability by a logistic regression that has not seen the statement's document
    (self-confidence, Northcutt, Jiang and Chuang 2021, "Confident Learning"). Adjusting it by how sure the reader
    is of each stance found fewer of the flipped labels; `docs/retraining.md` has the measurement.

    Args:
        vectors: (n_statements, width).

    Raises:
        DataError: a stance has fewer statements than there are folds.
    """
    gold = np.array([STANCES.index(s.stance) for s in statements])
    present = sorted({int(stance) for stance in gold})
    if (fewest := min(int((gold == stance).sum()) for stance in present)) < _FOLDS:
        raise DataError(f"a stance has {fewest} labels; to screen for noise each needs {_FOLDS}")
    labels = np.searchsorted(present, gold)
    probabilities = cross_val_predict(
        LogisticRegression(C=1.0, max_iter=300),
        vectors,
        labels,
        groups=[s.document for s in statements],
        cv=StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed),
        method="predict_proba",
    )
    quality = get_label_quality_scores(labels, probabilities, method="self_confidence")
    worst = np.argsort(quality, kind="stable")[: round(share * len(statements))]
    return [Suspect(statements[i], STANCES[present[int(probabilities[i].argmax())]], float(quality[i])) for i in worst]
