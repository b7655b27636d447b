"""Where a series of figures changes its level."""

from collections.abc import Sequence

import numpy as np
import ruptures

MIN_PERIODS = 8
_MIN_SIZE = 3


def find_changes(series: Sequence[float]) -> list[int]:
    """
    Find the positions at which another level begins; none in fewer than 8 periods.

    PELT over means (Killick et al. 2012) with the penalty of BIC: 2 s2 ln n, where the noise s2 is
    taken from the steps between neighbours, which a change of level hardly touches.
    """
    if len(series) < MIN_PERIODS:
        return []
    values = np.asarray(series, dtype=np.float64)
    steps = np.diff(values)
    noise = (np.median(np.abs(steps)) / 0.6745) ** 2 / 2
    if noise == 0:
        noise = max(float(np.var(steps)) / 2, 1e-12)
    penalty = 2 * float(noise) * np.log(len(values))
    found = ruptures.Pelt(model="l2", min_size=_MIN_SIZE, jump=1).fit(values).predict(pen=penalty)
    return [int(end) for end in found[:-1]]
