"""A unit of intensity, in which sums of squares neither overflow nor underflow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

WIDEST = 450
"""Largest exponent of a unit, and its smallest with the sign reversed; squares of units stay finite."""


def unit_of(values: ArrayLike) -> float:
    """Return the power of two just above the largest magnitude of finite values; dividing by it is exact.

    Returns
    -------
    float
        Between 2 ** -`WIDEST` and 2 ** `WIDEST`; 1 if there is no value but 0.
    """
    magnitudes = np.abs(np.asarray(values, np.float64))
    largest = float(np.max(magnitudes, initial=0.0, where=np.isfinite(magnitudes)))
    return math.ldexp(1.0, min(max(math.frexp(largest)[1], -WIDEST), WIDEST)) if largest else 1.0
