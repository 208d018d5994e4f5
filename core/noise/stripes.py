"""Row and column stripes: noise that all pixels of a line share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PARTS = 8
"""Number of segments of a row that must agree on a stripe."""

SHARP = 0.05
"""Fraction of differences above 3 noise standard deviations from which on they are structure."""

STEP = 1.5
"""Variance of the difference between a row and the mean of both adjacent rows, for unit variance."""

Image = NDArray[np.float32]


def stripes(image: Image, deviation: Image) -> float:
    """Return the variance of differences between rows that all segments share, relative to the noise.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Pixels in counts; transpose it to measure column stripes.
    deviation : ndarray, shape (Y, X)
        Standard deviation of the noise of each pixel, in counts.

    Returns
    -------
    float
        `STEP` times the variance of independent row offsets, relative to the noise of single pixels. It
        scatters about 0 without stripes, and may be negative; 0 if the differences are structure.
    """
    step = (image[1:-1] - 0.5 * (image[:-2] + image[2:])) / deviation[1:-1]
    if float((np.abs(step - np.median(step, axis=1, keepdims=True)) > 3).mean()) > SHARP:
        return 0.0  # sharper than noise: structure
    step = np.clip(step, -4, 4)
    columns = step.shape[1] // PARTS * PARTS
    lines = step[:, :columns].reshape(len(step), PARTS, -1).mean(axis=2)
    lines = np.clip(lines - lines.mean(axis=0), *(k * 3 * np.median(np.abs(lines)) for k in (-1, 1)))
    whole, each = np.square(lines.sum(axis=1)), np.square(lines).sum(axis=1)
    return float((whole - each).mean()) / (PARTS * (PARTS - 1))


def excess(shared: float, columns: int, correlation: float) -> float:
    """Return the variance that rows share, relative to what independent rows of pixels show by chance.

    Parameters
    ----------
    shared : float
        Variance from `stripes`.
    columns : int
        Number of columns of the image.
    correlation : float
        Correlation of neighbouring pixels in a row.
    """
    independent = max(0.2, (1 + correlation) / max(1 - correlation, 0.1))
    return float(shared / (STEP * independent / (columns // PARTS * PARTS)))
