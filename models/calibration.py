"""Stance logits -> calibrated probabilities, the same for the classifier and for the fit of its calibration."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def calibrate(logits: Floats, *, temperature: float, slope: float, bias: Sequence[float]) -> Floats:
    """
    Give the softmax of logits / temperature + bias, at a temperature that depends on how clear the answer is.

    It falls with the margin between the two greatest logits, as `temperature` x exp(-`slope` x margin): a simple form
    of parameterized temperature scaling (Tomani, Cremers and Buettner 2022). With a slope of 0 it is temperature
    scaling (Guo et al. 2017).

    Args:
        logits: (n_statements, 4), before softmax, columns in Stance order.
        slope: at least 0; below it, a clearer answer could come out less likely than a less clear one.
        bias: (4,).

    Returns:
        (n_statements, 4), each row summing to 1.
    """
    ordered = np.sort(logits, axis=1)
    margins = ordered[:, -1:] - ordered[:, -2:-1]
    scores = logits * np.exp(slope * margins) / temperature + np.asarray(bias)
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
