"""Hot and dead pixels: single pixels far from all their neighbours, which no optics can cause."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.noise.noise_estimate import NoiseEstimate

FAR = 10.0
"""Minimum difference from the neighbours, in noise standard deviations at their level."""

COUNTED = 10.0
"""Difference, in photons, that is required in addition: at low light, the noise is not normal."""

ALONE = 0.12
"""Maximum excess of the nearest neighbours relative to that of the pixel. A point blurred by a PSF with a
sigma of half a pixel has 0.23 (integrated over pixels), and more with a larger sigma.
"""

CLEAR = 3.0
"""Minimum difference from the neighbours, relative to the range of means of opposite neighbours."""

_NEAR = ((0, 1), (1, 0), (1, 1), (1, -1))
_OUTER = ((0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (2, -1), (2, -2), (1, -2))
# one of two opposite neighbours each: the mean of both contains no gradient

Plane = NDArray[np.float32]


def find_hot_pixels(plane: Plane, noise: NoiseEstimate) -> tuple[NDArray[np.intp], Plane]:
    """Find single pixels that differ from all their neighbours by far more than noise and optics explain.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Finite pixels in counts; borders are reflected.
    noise : NoiseEstimate
        Noise of the plane.

    Returns
    -------
    where : ndarray, shape (N,)
        Indices of the pixels in the flattened plane.
    replacements : ndarray, shape (N,)
        Medians of the means of opposite neighbours, in counts.
    """
    wide = np.pad(plane, 2, mode="symmetric" if min(plane.shape) < 3 else "reflect")
    rows, columns = np.nonzero(_candidates(wide, noise))
    if not rows.size:
        return np.zeros(0, np.intp), np.zeros(0, np.float32)

    def means(steps: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
        """Return the means of opposite neighbours, shape (steps, N)."""

        def at(y: int, x: int) -> NDArray[np.float64]:
            return wide[rows + 2 + y, columns + 2 + x].astype(np.float64)

        return np.stack([(at(y, x) + at(-y, -x)) / 2 for y, x in steps])

    near, outer = means(_NEAR), means(_OUTER)
    level = np.median(near, axis=0)
    size = np.abs(plane[rows, columns] - level)
    hot = size > FAR * np.sqrt(noise.model.variance(level)) + COUNTED * noise.model.gain
    hot &= np.abs(near[:2].mean(0) - np.median(outer, axis=0)) < ALONE * size
    hot &= size > CLEAR * np.ptp(np.concatenate([near, outer]), axis=0)
    found = np.ravel_multi_index((rows[hot], columns[hot]), plane.shape)
    return np.asarray(found, np.intp), level[hot].astype(np.float32)


def _candidates(wide: Plane, noise: NoiseEstimate) -> NDArray[np.bool_]:
    """Return pixels above or below all four neighbours by more than the smallest noise; `wide` is padded."""
    inner = wide[2:-2, 2:-2]
    around = (wide[1:-3, 2:-2], wide[3:-1, 2:-2], wide[2:-2, 1:-3], wide[2:-2, 3:-1])
    highest = np.maximum(np.maximum(around[0], around[1]), np.maximum(around[2], around[3]))
    lowest = np.minimum(np.minimum(around[0], around[1]), np.minimum(around[2], around[3]))
    least = np.float32(0.5 * FAR * np.sqrt(max(noise.model.floor, 0.0)) + 0.5 * COUNTED * noise.model.gain)
    far: NDArray[np.bool_] = np.maximum(inner - highest, lowest - inner) > least
    return far
