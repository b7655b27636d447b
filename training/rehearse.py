"""The champion's soft answers over unlabelled texts, trained on again so that new labels do not cost old knowledge."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.tokens import cut_windows, tokenizer_from
from training.batches import Encoded
from training.data import LabelledStatement
from training.network import load_weights
from training.pool import read_pool
from training.retrain_config import RetrainConfig
from training.soft import SoftLabels, as_encoded, read_softly


def rehearse(
    config: RetrainConfig, apart_from: Sequence[LabelledStatement], start: Path, *, target: Path
) -> list[Encoded]:
    """
    Let the champion's weights read the first texts of the pool; the answers are kept in `target`.

    After Li and Hoiem 2016, "Learning without Forgetting".
    """
    texts = read_pool(Path(config.pool), apart_from=apart_from, files=[])[: config.pool_texts]
    tokenizer = tokenizer_from((start / "tokenizer.json").read_bytes())
    ids = [cut_windows(tokenizer, text, length=config.fit.max_tokens, overlap=0)[0].ids for text in texts]
    if not target.exists():
        soft = read_softly([load_weights(start)], ids)
        neighbour = target.with_name("part." + target.name)
        np.savez(neighbour, stances=soft.stances, conditions=soft.conditions)
        neighbour.replace(target)
    with np.load(target) as arrays:
        return as_encoded(ids, SoftLabels(arrays["stances"], arrays["conditions"]))
