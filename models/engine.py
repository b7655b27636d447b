"""Token ids -> logits: CTranslate2's int8 encoder and the two heads, on one thread."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.manifest import EncoderShape

Floats = NDArray[np.float32]


class Engine:
    """
    An encoder with its stance and condition heads.

    Args:
        weights: the encoder in CTranslate2's binary format.
        heads: "stance.weight" (4, width), "stance.bias" (4,), "condition.weight" (1, width), "condition.bias" (1,).

    Raises:
        ModelError: there is no room for the weights in the folder of temporary files.
    """

    def __init__(self, weights: bytes, shape: EncoderShape, heads: Mapping[str, Floats]) -> None:
        self._encoder = _open_encoder(weights, shape)
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


def _open_encoder(weights: bytes, shape: EncoderShape) -> ctranslate2.Encoder:
    """Load through a folder that is gone afterwards: what CTranslate2 is given in memory it keeps twice."""
    # It asks for a vocabulary and its marks though ids go in: numbers do as names.
    marks = dict.fromkeys(("unk_token", "bos_token", "eos_token"), "0")
    config = {"layer_norm_epsilon": shape.layer_norm_epsilon, **marks}
    try:
        with TemporaryDirectory(prefix="detente-") as name:
            folder = Path(name)
            (folder / "model.bin").write_bytes(weights)
            (folder / "config.json").write_text(json.dumps(config))
            (folder / "vocabulary.json").write_text(json.dumps([str(i) for i in range(shape.vocabulary_size)]))
            return ctranslate2.Encoder(name, device="cpu", inter_threads=1, intra_threads=1)
    except OSError as error:
        raise ModelError(
            f"{error.filename}: the weights could not be laid out for loading: {error.strerror}"
        ) from error
