"""Texts -> vectors of a frozen encoder: the mean of its token vectors, of length one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm
from transformers import AutoModel

from models.tokens import cut_windows, tokenizer_from

_BATCH = 64


def embed(texts: Sequence[str], base: Path, *, max_tokens: int = 128) -> NDArray[np.float32]:
    """
    Read the first window of each text with a base's encoder, as it was fetched.

    Returns:
        (n_texts, width), rows of length one.
    """
    tokenizer = tokenizer_from((base / "tokenizer.json").read_bytes())
    encoder = AutoModel.from_pretrained(base, add_pooling_layer=False, dtype=torch.float32).eval()
    padding_id = encoder.config.pad_token_id
    ids = [cut_windows(tokenizer, text, length=max_tokens, overlap=0)[0].ids for text in texts]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    vectors = np.zeros((len(ids), encoder.config.hidden_size), np.float32)
    for start in tqdm(range(0, len(ids), _BATCH), desc="embed", mininterval=5):
        positions = order[start : start + _BATCH]
        longest = max(len(ids[i]) for i in positions)
        padded = torch.tensor([ids[i] + [padding_id] * (longest - len(ids[i])) for i in positions])
        mask = torch.tensor([[1] * len(ids[i]) + [0] * (longest - len(ids[i])) for i in positions])
        with torch.inference_mode():
            states = encoder(input_ids=padded, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1)
        mean = (states * weights).sum(dim=1) / weights.sum(dim=1)
        vectors[positions] = torch.nn.functional.normalize(mean, dim=1).numpy()
    return vectors
