"""Two models on the same statements: differences with their bounds, and tests of them; pure."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from models.stance import STANCES

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_K = len(STANCES)


def macro_f1_draws(gold: Ints, predicted: Ints, documents: Ints, *, draws: int, seed: int) -> Floats:
    """
    Give the macro-F1 of the whole, and of `draws` sets of documents drawn with replacement.

    The same seed draws the same documents, so that two models' values may be subtracted one by one.

    Args:
        gold: (n_statements,), positions in Stance order; `predicted` likewise.
        documents: (n_statements,), numbers from 0 without a gap.

    Returns:
        (1 + draws,), the whole first.
    """
    n_documents = int(documents.max()) + 1
    right = gold == predicted
    cells = (documents[right], 0, gold[right]), (documents, 1, gold), (documents, 2, predicted)
    places = np.concatenate([(document * 3 + kind) * _K + stance for document, kind, stance in cells])
    flat = np.bincount(places, minlength=n_documents * 3 * _K).reshape(n_documents, -1).astype(np.float32)
    drawn = _weights(n_documents, draws, seed) @ flat
    totals = np.concatenate([flat.sum(axis=0)[None], drawn]).reshape(-1, 3, _K)
    hits, wanted, said = totals[:, 0], totals[:, 1], totals[:, 2]
    # A stance that a draw has neither in gold nor in answers counts 0, as in `metrics`.
    return np.asarray((2 * hits / np.maximum(wanted + said, 1)).mean(axis=1), dtype=np.float64)


@lru_cache(maxsize=8)
def _weights(n_documents: int, draws: int, seed: int) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    shares = np.full(n_documents, 1 / n_documents)
    return random.multinomial(n_documents, shares, size=draws).astype(np.float32)


def lower_bound(differences: Floats, *, alpha: float) -> float:
    """
    Give the one-sided lower bound of a difference, by the basic bootstrap.

    The percentile bound leans towards the better model where a rare stance bends the macro-F1; the basic
    one reflects the draws about the estimate (Davison and Hinkley 1997, section 5.2).

    Args:
        differences: (1 + draws,), the estimate first.
    """
    return float(2 * differences[0] - np.quantile(differences[1:], 1 - alpha))


def mcnemar_p(champion_right: Bools, challenger_right: Bools) -> float:
    """Give the exact one-sided p-value that the challenger is right no more often (McNemar 1947)."""
    gained = int((challenger_right & ~champion_right).sum())
    lost = int((champion_right & ~challenger_right).sum())
    return sign_p(gained, gained + lost)


def worse_p(champion_right: Bools, challenger_right: Bools, documents: Ints) -> float:
    """
    Give the exact one-sided p-value that the challenger is not worse, by a sign test over documents.

    Statements of one document err together: each document speaks once, for the model that has more of it
    right. With a statement a document this is McNemar's exact test.
    """
    fall = np.bincount(documents, weights=champion_right.astype(float) - challenger_right)
    return sign_p(int((fall > 0).sum()), int((fall != 0).sum()))


def sign_p(count: int, of: int) -> float:
    """Give the chance of at least `count` of `of` fair coins; 1 of none."""
    return float(binom.sf(count - 1, of, 0.5)) if of else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number by Holm's steps (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [1.0] * len(p_values)
    reached = 0.0
    for rank, i in enumerate(order):
        reached = max(reached, min(1.0, p_values[i] * (len(p_values) - rank)))
        adjusted[i] = reached
    return adjusted
