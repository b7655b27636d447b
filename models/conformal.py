"""Which stances remain possible at a coverage that the user names: split conformal sets, one promise a stance."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.errors import CoverageError
from models.stance import STANCES, Stance

Floats = NDArray[np.float64]
# Coverages for which thresholds are kept.
COVERAGES = tuple(round(0.50 + 0.01 * step, 2) for step in range(50))


def possible_stances(probabilities: Floats, thresholds: Floats) -> tuple[Stance, ...]:
    """
    Give the stances whose probability reaches their threshold.

    Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World", ch. 2 and 4.5 (one threshold a
    class): of statements of each stance, drawn as those of the calibration were, the set holds the right one in at
    least the share that the thresholds were chosen for.

    Args:
        probabilities: (4,), in Stance order; `thresholds` (4,) too.
    """
    return tuple(stance for stance, is_in in zip(STANCES, probabilities >= thresholds, strict=True) if is_in)


def thresholds_for(coverage: float, known: Mapping[Stance, Sequence[float]]) -> Floats:
    """
    Choose the thresholds (4,) of the least coverage that is kept and not below the one asked for.

    Args:
        known: stance -> its threshold at each of COVERAGES; empty where a model has none.

    Raises:
        CoverageError: there are none, or none for so high a coverage.
    """
    if not known:
        raise CoverageError("this model has no thresholds to choose a coverage by")
    if coverage > COVERAGES[-1]:
        raise CoverageError(f"coverage {coverage:g} is above {COVERAGES[-1]:g}, the highest that this model has")
    # Float steps: 0.57 must find 0.57 itself.
    step = max(0, math.ceil((coverage - COVERAGES[0]) * 100 - 1e-6))
    return np.array([known[stance][step] for stance in STANCES])
