"""Which unlabelled statements to label next: those of which the model is unsure, spread out, rare stances first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans

from models.errors import DataError
from models.stance import STANCES, Stance

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """
    A statement worth a label.

    Attributes:
        position: in the pool.
        likeliest: what the model says of it.
        doubt: 1 less the margin between its two likeliest stances.
    """

    position: int
    likeliest: Stance
    doubt: float


def suggest(
    answers: Floats, vectors: NDArray[np.float32], *, n: int, shares: Sequence[float], seed: int
) -> list[Suggestion]:
    """
    Choose `n` statements of a pool, a cluster each, the most doubtful of its cluster.

    Doubt is weighed by how rare the likely stances are among the labels so far (margin sampling, Scheffer,
    Decomain and Wrobel 2001); clusters over frozen vectors keep near twins apart (Zhdanov 2019, "Diverse
    mini-batch active learning").

    Args:
        answers: (n_texts, 4), the model's probabilities in Stance order.
        vectors: (n_texts, width).
        shares: of each stance among the labels so far, in Stance order.

    Raises:
        DataError: the pool has fewer than `n` texts.
    """
    if len(answers) < n:
        raise DataError(f"the pool has {len(answers)} texts, not {n}")
    top = np.sort(answers, axis=1)[:, ::-1]
    doubt = 1 - (top[:, 0] - top[:, 1])
    rarity = answers @ (1 / np.maximum(np.asarray(shares), 0.01)) / len(STANCES)
    worth = doubt * np.sqrt(rarity)
    # The doubtful part of the pool alone, so that no cluster is made of what the model knows well.
    kept = np.argsort(-worth, kind="stable")[: max(n, min(10 * n, len(worth)))]
    clusters = MiniBatchKMeans(n_clusters=n, random_state=seed, n_init=1, batch_size=1024).fit_predict(vectors[kept])
    first_of: dict[int, int] = {}
    for rank, cluster in enumerate(clusters):
        first_of.setdefault(int(cluster), rank)
    ranks = sorted(first_of.values())
    ranks += [rank for rank in range(len(kept)) if rank not in set(ranks)][: n - len(ranks)]
    chosen = [int(kept[rank]) for rank in sorted(ranks)]
    return [Suggestion(i, STANCES[int(answers[i].argmax())], float(doubt[i])) for i in chosen]
