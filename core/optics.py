"""The blur of a microscope."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def gaussian_kernel(sigma: float, truncate: float = 4.0) -> NDArray[np.float64]:
    """One-dimensional Gaussian of standard deviation `sigma` pixels, cut off at `truncate` sigma, sum 1."""
    radius = int(truncate * sigma + 0.5)
    weights = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / sigma))
    result: NDArray[np.float64] = weights / weights.sum()
    return result
