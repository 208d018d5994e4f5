"""Estimate noise from differences of frames of a static scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.noise.between import LIMIT, correlation
from core.noise.blocks import SIDE, Blocks, Plane, Values, block_means, halves, interior, tiles
from core.noise.correlation import REACH, autocovariance, detrend
from core.noise.line import fit
from core.noise.motion import Change, mean_variance
from core.noise.noise_estimate import NoiseEstimate
from core.noise.trust import expected_variance, is_smooth, make_estimate, remove_negative_slope

MOVES = 1.35
"""Excess of the change between frames above which the scene is considered to move."""

BLOCKS = 16_384
"""Approximate maximum number of blocks of all frames together; enough for an accuracy of one percent."""


def from_frames(frames: NDArray[np.float32], usable: NDArray[np.bool_]) -> NoiseEstimate | None:
    """Estimate noise from differences of frames; None if the scene changes or frames share noise."""
    if correlation(frames) > LIMIT:
        return None
    gathered: list[Blocks] = []
    residuals: list[Values] = []
    means: list[Values] = []
    every = max(1, int(np.ceil(usable[1:].size / BLOCKS)))
    for start, (first, second, good) in enumerate(
        zip(frames[:-1], frames[1:], usable[:-1] & usable[1:], strict=True)
    ):
        mean, change = _change(first, second)
        good = good & (np.arange(len(good)) % every == start % every)
        gathered.append(halves(np.square(change), mean).select(np.concatenate([good, good])))
        residuals.append(tiles(change)[good].astype(np.float64))
        means.append(block_means(mean).ravel()[good])
    blocks = Blocks(*(np.concatenate(parts) for parts in zip(*gathered, strict=True)))
    line = fit(blocks, limit=3.0)
    if line is None:
        return None
    line = remove_negative_slope(line, blocks)
    changes, levels = np.concatenate(residuals), np.concatenate(means)
    weights = 1 / expected_variance(line, levels, blocks.energy)
    covariance = autocovariance(detrend(changes), weights)
    if covariance[REACH, REACH] <= 0 or _moves(changes, weights, covariance):
        return None
    patch = covariance / covariance[REACH, REACH]
    return None if is_smooth(patch, 0.06) else make_estimate(line, blocks, 1.0, patch, "frames")


def _change(first: Plane, second: Plane) -> tuple[Plane, Plane]:
    """Return mean and difference of two frames, scaled to the variance of one frame, without flicker."""
    half, root = np.float32(0.5), np.float32(np.sqrt(0.5))
    mean, change = interior((first + second) * half), interior((second - first) * root)
    level = mean - mean.mean()
    flicker = float((level * change).sum() / max(float(np.square(level).sum()), 1e-30))
    steady: Plane = change - change.mean() - np.float32(flicker) * level
    return mean, steady


def _moves(changes: Values, weights: Values, covariance: Values) -> bool:
    """Whether the means of blocks differ by more than the noise explains."""
    variance = max(mean_variance(covariance), float(covariance[REACH, REACH])) / SIDE**2
    return Change(difference=changes.mean((1, 2)), variance=variance / weights).excess > MOVES
