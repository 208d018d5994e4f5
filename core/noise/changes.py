"""How two images of one scene differ: by their noise alone, or by more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.noise.estimate import estimate
from core.noise.model import NoiseEstimate

SIDE = 8
"""Rows and columns of the blocks whose means are compared."""

CERTAIN = 5.0
"""Standard deviations of its noise by which the mean of a block differs for certain."""

Values = NDArray[np.float64]


def excess(first: Values, second: Values) -> float:
    """Mean square difference of the means of blocks, over that which the noise of two frames explains.

    Parameters
    ----------
    first, second : ndarray, shape (Y, X)
        Frames in counts; places that are not finite are left out.

    Returns
    -------
    float
        About 1 for frames of one scene, more for others, 0 where there is nothing to compare.
    """
    noise = estimate(np.where(np.isfinite(first), first, np.nanmedian(first)).astype(np.float32))
    change, before, slope = _change(first, second)
    if not change.size:
        return 0.0
    expected = (1 + slope**2) * _variance(before, noise, least=0.1)
    return float(np.mean(np.square(change)) / max(float(np.mean(expected)), 1e-30))


def changed(frame: Values, mean: Values, noise: NoiseEstimate, frames: int) -> float:
    """Share of the blocks of a frame that differ from the mean of frames by more than noise explains.

    A common change of brightness, such as bleaching, does not count.

    Parameters
    ----------
    frame, mean : ndarray, shape (Y, X)
        A frame in counts, and the mean of several, it among them; places that are not finite are left out.
    noise : NoiseEstimate
        Noise of a single frame.
    frames : int
        How many frames the mean is of.

    Returns
    -------
    float
        0 to 1; 0 where the scene stands still, or what changes is hidden by noise.
    """
    change, before, slope = _change(mean, frame)
    if not change.size or frames < 2:
        return 0.0
    # of the frame's own noise, the mean holds its share; small images tell correlations badly
    expected = _variance(before, noise, least=1.0) * (1 - (2 * slope - slope**2) / frames)
    return float(np.mean(np.square(change) > CERTAIN**2 * np.maximum(expected, 1e-30)))


def _change(first: Values, second: Values) -> tuple[Values, Values, float]:
    """Difference of the means of blocks but for brightness, those of the first image, and the brightness."""
    before, after = _blocks(first), _blocks(second)
    good = np.isfinite(before) & np.isfinite(after)
    before, after = before[good], after[good]
    if before.size < 2 or not before.std() > 0:
        return np.zeros(0), np.zeros(0), 1.0
    slope = _brightness(before, after)
    change = after - slope * before
    return change - change.mean(), before, slope


def _variance(means: Values, noise: NoiseEstimate, *, least: float) -> Values:
    """Variance of the means of blocks that noise explains, at least this times that of independent pixels."""
    lags = np.arange(-3, 4)
    shared = (SIDE - np.abs(lags)) / SIDE
    together = max(float((noise.autocorrelation * np.outer(shared, shared)).sum()), least)
    return noise.model.variance(means) * together / SIDE**2


def _brightness(before: Values, after: Values) -> float:
    """Factor by which a frame is brighter than another above the common level; 1 if that makes no sense."""
    spread = before - before.mean()
    slope = float((spread * (after - after.mean())).sum() / np.square(spread).sum())
    return slope if 0.2 < slope < 5 else 1.0


def _blocks(plane: Values) -> Values:
    height, width = (n // SIDE for n in plane.shape)
    cut = plane[: height * SIDE, : width * SIDE].reshape(height, SIDE, width, SIDE)
    means: Values = cut.mean((1, 3))
    return means
