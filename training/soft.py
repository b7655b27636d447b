"""What teachers say of unlabelled texts, and how the student is given it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from training.batches import Encoded, collate
from training.network import StanceNetwork, mixed_precision

Halves = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class SoftLabels:
    """
    What teachers say on average.

    Attributes:
        stances: (n_texts, 4), probabilities in Stance order.
        conditions: (n_tokens of all texts in turn,), how likely each token is in a condition.
    """

    stances: Halves
    conditions: Halves


def read_softly(teachers: Sequence[StanceNetwork], ids: Sequence[list[int]], *, batch_size: int = 128) -> SoftLabels:
    """Average the probabilities of all teachers over texts that are given as token ids."""
    starts = np.cumsum([0, *(len(one) for one in ids)])
    stances = np.zeros((len(ids), 4), np.float32)
    conditions = np.zeros(starts[-1], np.float32)
    for teacher in teachers:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        teacher.to(device).eval()
        for positions, stance, condition in _read_all(teacher, ids, batch_size, device):
            stances[positions] += stance / len(teachers)
            for i, row in zip(positions, condition, strict=True):
                conditions[starts[i] : starts[i + 1]] += row[: len(ids[i])] / len(teachers)
        teacher.to("cpu")
    return SoftLabels(stances.astype(np.float16), conditions.astype(np.float16))


def as_encoded(ids: Sequence[list[int]], soft: SoftLabels) -> list[Encoded]:
    """Join texts, given as token ids, with what teachers say of them."""
    starts = np.cumsum([0, *(len(one) for one in ids)])
    stances, conditions = soft.stances.astype(float).tolist(), soft.conditions.astype(float).tolist()
    return [
        Encoded(one, conditions[starts[i] : starts[i + 1]], int(np.argmax(stances[i])), 0, tuple(stances[i]))
        for i, one in enumerate(ids)
    ]


def _read_all(
    teacher: StanceNetwork, ids: Sequence[list[int]], batch_size: int, device: torch.device
) -> Iterator[tuple[list[int], NDArray[np.float32], NDArray[np.float32]]]:
    padding_id = teacher.encoder.config.pad_token_id
    by_length = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    for start in tqdm(range(0, len(ids), batch_size), desc="read the pool", mininterval=5):
        positions = by_length[start : start + batch_size]
        batch = collate([Encoded(ids[i], [0.0] * len(ids[i]), 0, 0) for i in positions], padding_id)
        with torch.inference_mode(), mixed_precision(device):
            stance, condition = teacher(batch.ids.to(device), batch.mask.to(device))
        yield positions, stance.float().softmax(dim=1).cpu().numpy(), condition.float().sigmoid().cpu().numpy()
