"""What changed in the texts that come in: predicted stances and confidences, words, language and length."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from models.errors import DataError
from models.stance import STANCES
from models.text import clean_text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_FEWEST = 500
_BINS = 10
_DRAWS = 999
_FOLDS = 5
_NAMED = 15
_EMPTY = 0.5


@dataclass(frozen=True, slots=True)
class Change:
    """A measure between two windows, and the chance of one as large where nothing changed."""

    name: str
    value: float
    p: float


@dataclass(frozen=True, slots=True)
class Drift:
    """
    What changed between a window known and a new one.

    Attributes:
        changes: each measure; `alarm` claims that one is significant after Holm's first step.
        words: those that tell the new window from the known one.
        texts: positions in the new window of the texts least like the known one.
    """

    changes: tuple[Change, ...]
    alarm: bool
    words: tuple[str, ...]
    texts: tuple[int, ...]

    def as_prometheus(self) -> str:
        """Give the figures in the text format of the textfile collector."""
        lines = ["# TYPE stance_drift gauge"]
        lines += [f'stance_drift{{measure="{change.name}"}} {change.value:.6f}' for change in self.changes]
        lines += ["# TYPE stance_drift_p gauge"]
        lines += [f'stance_drift_p{{measure="{change.name}"}} {change.p:.6f}' for change in self.changes]
        return "\n".join([*lines, "# TYPE stance_drift_alarm gauge", f"stance_drift_alarm {int(self.alarm)}"]) + "\n"


def find_drift(
    known: Sequence[str], known_answers: Floats, new: Sequence[str], new_answers: Floats, *, alpha: float, seed: int
) -> Drift:
    """
    Compare two windows of texts and their answers.

    Population stability index (PSI) with a permutation p-value for what is predicted, its confidence, length and
    script; for the words a classifier that is to tell the windows apart (Rabanser, Guennemann and Lipton 2019,
    "Failing Loudly"), whose p-value is that of its rank sum under cross-validation.

    Args:
        known_answers: (n_known, 4), probabilities in Stance order; `new_answers` likewise.

    Raises:
        DataError: a window below 500 texts.
    """
    for name, texts in (("known", known), ("new", new)):
        if len(texts) < _FEWEST:
            raise DataError(f"the {name} window has {len(texts)} texts; drift is not measured below {_FEWEST}")
    random = np.random.default_rng(seed)
    is_new = np.repeat([False, True], [len(known), len(new)])
    answers = np.concatenate([known_answers, new_answers])
    texts = [clean_text(text) for text in (*known, *new)]
    kinds = {
        "stance": answers.argmax(axis=1),
        "confidence": _deciles(answers.max(axis=1), ~is_new),
        "length": _deciles(np.array([len(text) for text in texts], dtype=float), ~is_new),
        "script": np.array([_script(text) for text in texts], dtype=np.int64),
    }
    changes = [Change(name, *_psi_test(kind, is_new, random)) for name, kind in kinds.items()]
    auc, p, words, least_like = _tell_apart(texts, is_new, seed)
    changes.append(Change("words", auc, p))
    # Bonferroni: one alarm for all measures together.
    alarm = min(change.p for change in changes) <= alpha / len(changes)
    return Drift(tuple(changes), alarm, words, least_like)


def psi(known: Ints, new: Ints) -> float:
    """Give the population stability index of two counts over the same bins; an empty bin counts half a text."""
    old = np.maximum(known, _EMPTY) / known.sum()
    now = np.maximum(new, _EMPTY) / new.sum()
    return float(((now - old) * np.log(now / old)).sum())


def _psi_test(kind: Ints, is_new: NDArray[np.bool_], random: np.random.Generator) -> tuple[float, float]:
    bins = int(kind.max()) + 1

    def value(members: NDArray[np.bool_]) -> float:
        return psi(np.bincount(kind[~members], minlength=bins), np.bincount(kind[members], minlength=bins))

    found = value(is_new)
    shuffled = np.array([value(random.permutation(is_new)) for _ in range(_DRAWS)])
    return found, float((1 + (shuffled >= found).sum()) / (1 + _DRAWS))


def _deciles(values: Floats, known: NDArray[np.bool_]) -> Ints:
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.digitize(values, edges)


def is_latin(text: str) -> bool:
    """Claim that at least half of a text's letters are Latin ones."""
    letters = [character for character in text if character.isalpha()]
    others = sum(ord(character) > 0x24F for character in letters)  # noqa: PLR2004
    return 2 * others <= len(letters)


def _script(text: str) -> int:
    """Tell ASCII texts, other Latin ones and other scripts apart by most of their letters."""
    return int(not text.isascii()) if is_latin(text) else 2


def _tell_apart(
    texts: Sequence[str], is_new: NDArray[np.bool_], seed: int
) -> tuple[float, float, tuple[str, ...], tuple[int, ...]]:
    """Give the classifier's AUC, its p-value, the words of the new window, and its texts least like the known."""
    vectorizer = TfidfVectorizer(min_df=3, sublinear_tf=True)
    features = vectorizer.fit_transform(texts)
    reader = LogisticRegression(C=1.0, max_iter=200)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(reader, features, is_new, cv=folds, method="predict_proba")[:, 1]
    auc = float(roc_auc_score(is_new, scores))
    weights = reader.fit(features, is_new).coef_[0]
    names = vectorizer.get_feature_names_out()
    words = tuple(str(names[i]) for i in np.argsort(-weights)[:_NAMED])
    first_new = int((~is_new).sum())
    least_like = tuple(int(i) for i in np.argsort(-scores[first_new:])[:_NAMED])
    return auc, _auc_p(auc, first_new, int(is_new.sum())), words, least_like


def _auc_p(auc: float, n_known: int, n_new: int) -> float:
    """Give the one-sided p-value of an AUC by its normal approximation (Mann and Whitney 1947)."""
    from scipy.stats import norm

    deviation = np.sqrt((n_known + n_new + 1) / (12 * n_known * n_new))
    return float(norm.sf((auc - 0.5) / deviation))


def describe_answers(answers: Floats) -> str:
    """Give the shares of the stances in one line."""
    shares = np.bincount(answers.argmax(axis=1), minlength=len(STANCES)) / len(answers)
    return ", ".join(f"{stance} {share:.1%}" for stance, share in zip(STANCES, shares, strict=True))
