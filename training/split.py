"""Sides of labelled statements: cut by document, with near-duplicates kept together."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.data import LabelledStatement

NEAR_DUPLICATE = 0.8
_SHINGLE = 3


@dataclass(frozen=True, slots=True)
class Sides:
    """What is trained on, and what is chosen and calibrated by."""

    training: list[LabelledStatement]
    tuning: list[LabelledStatement]


def split_sides(
    statements: Sequence[LabelledStatement], *, share: float, seed: int
) -> tuple[list[LabelledStatement], list[LabelledStatement]]:
    """
    Cut statements into a training and a tuning side, `share` of the clusters on the latter.

    Documents joined by a pair of near-duplicates form one cluster and never part. A cluster's side
    follows from its first document's name and the seed alone, so that new statements move no old one.
    """
    cluster_of = _cluster_documents(statements)
    tuning_documents = {d for d, first in cluster_of.items() if _draw(first, seed) < share}
    training = [s for s in statements if s.document not in tuning_documents]
    return training, [s for s in statements if s.document in tuning_documents]


def leave_out_near(
    statements: Sequence[LabelledStatement], others: Sequence[LabelledStatement]
) -> list[LabelledStatement]:
    """Give the statements that share no document and no near-duplicate with the others."""
    documents = {other.document for other in others}
    shared = [*statements, *others]
    near = {min(i, j) for i, j in near_duplicates([s.text for s in shared]) if min(i, j) < len(statements) <= max(i, j)}
    return [s for i, s in enumerate(statements) if i not in near and s.document not in documents]


def leave_out_near_texts(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """Give the texts that are no near-duplicate of any of the others."""
    pairs = near_duplicates([*others, *texts])
    near = {max(i, j) - len(others) for i, j in pairs if min(i, j) < len(others) <= max(i, j)}
    return [text for i, text in enumerate(texts) if i not in near]


def near_duplicates(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """
    Give each pair of positions whose texts' word-3-gram sets have a Jaccard index of at least 0.8.

    Exact, by prefix filtering: two sets that similar share a shingle among the rarest fifth of each
    (Chaudhuri, Ganti and Kaushik 2006, "A Primitive Operator for Similarity Joins in Data Cleaning").
    """
    sets = [shingles(text) for text in texts]
    frequency = Counter(shingle for shingle_set in sets for shingle in shingle_set)
    holders: dict[str, list[int]] = defaultdict(list)
    for i, mine in enumerate(sets):
        prefix_length = len(mine) - -(-len(mine) * 4 // 5) + 1
        rarest = sorted(mine, key=lambda shingle: (frequency[shingle], shingle))[:prefix_length]
        candidates = {j for shingle in rarest for j in holders[shingle]}
        for shingle in rarest:
            holders[shingle].append(i)
        for j in sorted(candidates):
            if len(mine & sets[j]) >= NEAR_DUPLICATE * len(mine | sets[j]):
                yield j, i


def shingles(text: str) -> set[str]:
    """Give the word 3-grams of a text in lower case; the whole text where it has fewer than three words."""
    words = re.findall(r"\w+", text.lower())
    if len(words) < _SHINGLE:
        return {" ".join(words)}
    return {" ".join(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1)}


def _cluster_documents(statements: Sequence[LabelledStatement]) -> dict[str, str]:
    """Map each document to the first name, in order, of the cluster that it belongs to."""
    parent = {statement.document: statement.document for statement in statements}

    def root(document: str) -> str:
        while parent[document] != document:
            document = parent[document]
        return document

    for i, j in near_duplicates([statement.text for statement in statements]):
        first, second = sorted((root(statements[i].document), root(statements[j].document)))
        parent[second] = first
    return {document: root(document) for document in parent}


def _draw(document: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}:{document}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
