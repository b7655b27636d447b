"""Labelled statements -> padded tensors; the order of an epoch, balanced and bucketed by length."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.stance import STANCES, Stance
from models.tokens import cut_windows
from training.data import LabelledStatement

Value = TypeVar("Value", int, float)

# Batches are filled from runs of this many batches sorted by length: little padding, much shuffling.
_BUCKET_BATCHES = 16


@dataclass(frozen=True, slots=True)
class Encoded:
    """
    A statement as the network reads it.

    Attributes:
        in_condition: for each id, whether its token touches the marked condition, or how likely a teacher holds it.
        confidence: of a person's label, 1 to 3; 0 where a teacher read the statement.
        soft: a teacher's probabilities in Stance order.
    """

    ids: list[int]
    in_condition: list[bool] | list[float]
    stance: int
    confidence: int
    soft: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Padded statements.

    Attributes:
        ids: (n_statements, n_tokens).
        mask: (n_statements, n_tokens), 1 for a token and 0 for padding.
        in_condition: (n_statements, n_tokens), 1.0 for a token of the condition.
        targets: (n_statements, 4), probabilities in Stance order: 1.0 at a person's label.
        confidences: (n_statements,), 1 to 3; 0 where a teacher read the statement.
    """

    ids: Tensor
    mask: Tensor
    in_condition: Tensor
    targets: Tensor
    confidences: Tensor


def encode_statement(tokenizer: Tokenizer, statement: LabelledStatement, *, max_tokens: int) -> Encoded:
    """Encode a statement; what does not fit into one window is left out of training."""
    window = cut_windows(tokenizer, statement.text, length=max_tokens, overlap=0)[0]
    start, end = statement.condition or (0, 0)
    touches = [first < end and start < last for first, last in window.offsets]
    return Encoded(window.ids, touches, STANCES.index(statement.stance), statement.confidence)


def order_epoch(
    encoded: Sequence[Encoded], *, none_share: float, batch_size: int, seed: int, epoch: int
) -> list[list[int]]:
    """
    Order one epoch: positions into `encoded`, in batches.

    All statements with a stance and all that a teacher read are in it, and `none_share` of the others: the
    next slice of their one shuffled order, so that 1/share epochs read each of them once.
    """
    none = STANCES.index(Stance.NONE)
    drawn = [one.stance == none and one.soft is None for one in encoded]
    without = [i for i, one in enumerate(drawn) if one]
    random.Random(seed).shuffle(without)
    size = round(none_share * len(without))
    first = epoch * size
    positions = [i for i, one in enumerate(drawn) if not one]
    positions += [without[i % len(without)] for i in range(first, first + size)]
    draw = random.Random(f"{seed} {epoch}")
    draw.shuffle(positions)
    span = batch_size * _BUCKET_BATCHES
    batches: list[list[int]] = []
    for start in range(0, len(positions), span):
        run = sorted(positions[start : start + span], key=lambda i: len(encoded[i].ids))
        batches += [run[i : i + batch_size] for i in range(0, len(run), batch_size)]
    draw.shuffle(batches)
    return batches


def collate(encoded: Sequence[Encoded], padding_id: int) -> Batch:
    """Pad statements to the longest of them."""
    length = max(len(one.ids) for one in encoded)

    def padded(rows: list[list[Value]], value: Value) -> Tensor:
        return torch.tensor([row + [value] * (length - len(row)) for row in rows])

    return Batch(
        ids=padded([one.ids for one in encoded], padding_id),
        mask=padded([[1] * len(one.ids) for one in encoded], 0),
        in_condition=padded([list(map(float, one.in_condition)) for one in encoded], 0.0),
        targets=torch.tensor([one.soft or _one_hot(one.stance) for one in encoded]),
        confidences=torch.tensor([one.confidence for one in encoded]),
    )


def _one_hot(stance: int) -> tuple[float, ...]:
    return tuple(float(i == stance) for i in range(len(STANCES)))
