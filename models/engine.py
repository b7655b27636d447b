"""Token ids -> logits: CTranslate2's int8 encoder and the two heads, on one thread."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from models.manifest import EncoderShape

Floats = NDArray[np.float32]


class Engine:
    """
    An encoder with its stance and condition heads.

    Args:
        weights: the encoder in CTranslate2's binary format.
        heads: "stance.weight" (4, width), "stance.bias" (4,), "condition.weight" (1, width), "condition.bias" (1,).
    """

    def __init__(self, weights: bytes, shape: EncoderShape, heads: Mapping[str, Floats]) -> None:
        # CTranslate2 asks for a vocabulary and its marks though ids go in: numbers do as names.
        marks = dict.fromkeys(("unk_token", "bos_token", "eos_token"), "0")
        config = {"layer_norm_epsilon": shape.layer_norm_epsilon, **marks}
        files = {
            "model.bin": BytesIO(weights),
            "config.json": BytesIO(json.dumps(config).encode()),
            "vocabulary.json": BytesIO(json.dumps([str(i) for i in range(shape.vocabulary_size)]).encode()),
        }
        self._encoder = ctranslate2.Encoder("", device="cpu", inter_threads=1, intra_threads=1, files=files)
        self._first_position = shape.first_position
        self._heads = heads

    def read(self, ids: Sequence[int]) -> tuple[Floats, Floats]:
        """
        Read one window.

        One at a time: beside others, sums in another order can tip the rounding of an activation to the
        next int8 step, and an answer would depend on its neighbours. On one thread a batch gains little.

        Args:
            ids: token ids, marks included.

        Returns:
            Stance logits (4,), in Stance order, and condition logits (n_ids,).
        """
        output = self._encoder.forward_batch([list(ids)], token_type_ids=[self._second_ids(len(ids))])
        vectors = np.asarray(output.last_hidden_state)[0]
        heads = self._heads
        stance = heads["stance.weight"] @ vectors.mean(axis=0) + heads["stance.bias"]
        condition = vectors @ heads["condition.weight"][0] + heads["condition.bias"][0]
        return stance, condition

    def _second_ids(self, length: int) -> list[int]:
        if self._first_position is None:
            return [0] * length
        return list(range(self._first_position, self._first_position + length))
