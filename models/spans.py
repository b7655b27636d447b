"""Condition logits of tokens -> the words of the condition."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.stance import Condition

# A word with the combining marks, apostrophes and hyphens inside it.
_WORD = re.compile(r"[\w\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f]+(?:['’-][\w\u0300-\u036f]+)*")


def find_condition(text: str, logits: NDArray[np.float32], offsets: Sequence[tuple[int, int]]) -> Condition | None:
    """
    Find the stretch of tokens that is most surely the condition, and widen it to whole words.

    It is the contiguous stretch with the greatest sum of logits (Bentley 1984, "Programming Pearls:
    Algorithm Design Techniques"): one weak word inside does not tear it, a weak tail does not lengthen it.

    Args:
        logits: (n_tokens,), above 0 where a token is more likely in the condition than not.
        offsets: for each token, its start and end in `text`; (0, 0) for a mark.
    """
    best, best_sum, start, running = None, 0.0, 0, 0.0
    for i, (logit, (first, last)) in enumerate(zip(logits, offsets, strict=True)):
        if first == last:
            continue
        if running <= 0:
            start, running = i, 0.0
        running += float(logit)
        if running > best_sum:
            best, best_sum = (start, i), running
    if best is None:
        return None
    return whole_words(text, offsets[best[0]][0], offsets[best[1]][1])


def whole_words(text: str, start: int, end: int) -> Condition:
    """Widen a stretch of a text so that it cuts no word."""
    for word in _WORD.finditer(text):
        if word.start() < start < word.end():
            start = word.start()
        if word.start() < end < word.end():
            end = word.end()
    return Condition(start, end, text[start:end])
