"""What a model has to beat: the majority label, and TF-IDF with logistic regression."""

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import FeatureUnion

from models.stance import STANCES
from models.text import clean_text
from training.data import LabelledStatement

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]
_STRENGTHS = (0.3, 1.0, 3.0)
_FOLDS = 3


def majority_probabilities(training: Sequence[LabelledStatement], n: int) -> Floats:
    """Give the training side's stance shares (n, 4) for each of `n` statements."""
    counts = Counter(s.stance for s in training)
    shares = np.array([counts[stance] for stance in STANCES], dtype=float)
    return np.tile(shares / shares.sum(), (n, 1))


def tfidf_probabilities(training: Sequence[LabelledStatement], texts: Sequence[str]) -> Floats:
    """
    Fit word 1-2-grams and character 2-5-grams with a class-balanced logistic regression; read `texts`.

    Its strength C is the best by macro-F1 over three folds of documents.

    Returns:
        (n_texts, 4), columns in Stance order.
    """
    features = FeatureUnion([
        ("words", TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)),
        ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=5, sublinear_tf=True)),
    ])  # fmt: skip
    search = GridSearchCV(
        LogisticRegression(class_weight="balanced", max_iter=200, tol=1e-3),
        {"C": _STRENGTHS},
        scoring="f1_macro",
        cv=GroupKFold(_FOLDS),
        n_jobs=-1,
    )
    read = features.fit_transform([clean_text(s.text) for s in training])
    search.fit(read, [STANCES.index(s.stance) for s in training], groups=[s.document for s in training])
    logger.info("TF-IDF: C = %s by cross-validation", search.best_params_["C"])
    return np.asarray(search.predict_proba(features.transform([clean_text(text) for text in texts])))
