"""Motion of a scene: changes of the means of small blocks of pixels beyond their noise.

Two measures use the same differences. `Change.excess` averages them over the image, and detects changes too
faint to be visible in a single block. It is used where every change matters, because it would be taken for
noise, blurred, or counted as error. `Change.share` counts the blocks that differ significantly, and detects
local changes. It is used where frames are averaged, which blurs only what changes. Every use has its own
limit, which is defined there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.noise.blocks import SIDE, Values
from core.noise.noise_estimate import NoiseEstimate

CERTAIN = 5.0
"""Number of noise standard deviations by which the mean of a block differs significantly."""

_LEAST = 0.02
"""Minimum variance of a block relative to the median; estimates of the darkest blocks are inaccurate."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """Differences of the block means of two images, and their expected variances.

    Attributes
    ----------
    difference : ndarray, shape (N,)
        Differences of the means of blocks, in counts; empty if nothing can be compared.
    variance : ndarray, shape (N,), or float
        Variance of each difference due to noise, in counts squared.
    """

    difference: Values
    variance: Values | float

    @property
    def excess(self) -> float:
        """Mean of squared differences over their variances: about 1 for a static scene, 0 without blocks."""
        return float(np.mean(np.square(self.difference) / self._variance)) if self.difference.size else 0.0

    @property
    def share(self) -> float:
        """Fraction of blocks that differ significantly, 0 to 1."""
        beyond = np.square(self.difference) > CERTAIN**2 * self._variance
        return float(np.mean(beyond)) if self.difference.size else 0.0

    @property
    def _variance(self) -> Values:
        largest = float(np.square(self.difference).max(initial=0.0))
        return np.maximum(self.variance, max(1e-30 * largest, float(np.finfo(np.float64).tiny)))


def compare(reference: Values, frame: Values, noise: NoiseEstimate, *, frames: int = 1) -> Change:
    """Compare a frame with another one, or with the mean of several frames that includes it.

    A common change of brightness, such as bleaching, is ignored.

    Parameters
    ----------
    reference, frame : ndarray, shape (Y, X)
        Images in counts; non-finite pixels are ignored.
    noise : NoiseEstimate
        Noise of a single frame.
    frames : int
        Number of frames averaged in the reference.

    Returns
    -------
    Change
        Differences of block means.
    """
    before, after = _block_means(reference), _block_means(frame)
    good = np.isfinite(before) & np.isfinite(after)
    before, after = before[good], after[good]
    if before.size < 2 or not before.std() > 0:
        return Change(difference=np.zeros(0), variance=0.0)
    slope = _brightness(before, after)
    difference = after - slope * before
    variance = noise.model.variance(before)
    # correlations of small images are inaccurate: at least the variance of independent pixels is used
    variance = np.maximum(variance, _LEAST * np.median(variance)) * max(
        mean_variance(noise.autocorrelation), 1
    )
    # the mean contains a part of the frame's own noise
    share = 1 + slope**2 if frames == 1 else 1 - (2 * slope - slope**2) / frames
    return Change(difference=difference - difference.mean(), variance=variance * share / SIDE**2)


def mean_variance(autocovariance: Values) -> float:
    """Return the variance of the mean of a block times its number of pixels, for a known autocovariance.

    Parameters
    ----------
    autocovariance : ndarray, shape (2 * N + 1, 2 * N + 1)
        By distance along Y and X, with zero distance in the centre; or the autocorrelation, for unit
        variance.
    """
    reach = len(autocovariance) // 2
    overlap = (SIDE - np.abs(np.arange(-reach, reach + 1))) / SIDE
    return float((autocovariance * np.outer(overlap, overlap)).sum())


@dataclass(slots=True, kw_only=True, eq=False)
class Course:
    """Comparison of all frames of a scene in one pass, with noise estimated from the same frames.

    Unlike in `compare`, a change of brightness counts as a change.

    Attributes
    ----------
    frames : int
        Number of frames that will be added, 2 or more.
    """

    frames: int
    _added: int = 0
    _halves: list[Values] = field(default_factory=list)
    _last: tuple[Values, Values] | None = None
    _pixels: float = 0.0
    _blocks: float = 0.0

    def add(self, frame: Values) -> None:
        """Add the next frame (Y, X), in counts; pixels that are not finite are not compared."""
        means = _block_means(frame)
        if self._last is None:
            self._halves = [np.zeros_like(means), np.zeros_like(means)]
        else:
            self._pixels += _mean_square(frame - self._last[0])
            self._blocks += _mean_square(means - self._last[1])
        self._halves[int(self._added >= self.frames // 2)] += means
        self._last = frame, means
        self._added += 1

    @property
    def drift(self) -> float:
        """Excess of the change between the means of the first and the second half of the frames.

        Differences of successive frames are taken as noise. The value is about 1 for a static scene, and
        increases with slow motion and bleaching.
        """
        first, second = self.frames // 2, self.frames - self.frames // 2
        if not self._blocks:
            return 1.0
        noise = self._blocks / (self.frames - 1) / 2
        change = self._halves[0] / first - self._halves[1] / second
        change = change[np.isfinite(change)]
        return Change(difference=change, variance=noise * (1 / first + 1 / second)).excess

    @property
    def structure(self) -> float:
        """Excess of the changes between successive frames, assuming noise that is independent between pixels.

        It is 1 for a static scene with such noise, larger with correlated noise, and in the tens for frames
        of different scenes.
        """
        return self._blocks * SIDE**2 / self._pixels if self._blocks else 1.0


def _mean_square(values: NDArray[np.float64]) -> float:
    """Return the mean square of finite values; 0 without any."""
    finite = values[np.isfinite(values)] if not np.isfinite(values).all() else values
    return float(np.mean(np.square(finite))) if finite.size else 0.0


def _brightness(before: Values, after: Values) -> float:
    """Return the ratio of the brightness of two frames, without offsets; 1 if it is implausible."""
    spread = before - before.mean()
    slope = float((spread * (after - after.mean())).sum() / np.square(spread).sum())
    return slope if 0.2 < slope < 5 else 1.0


def _block_means(plane: NDArray[np.float64]) -> Values:
    """Return the mean of every complete block, or of the whole image if it is smaller than a block."""
    rows, columns = (max(n // SIDE, 1) for n in plane.shape)
    height, width = (min(n, SIDE) for n in plane.shape)
    cut = plane[: rows * height, : columns * width].reshape(rows, height, columns, width)
    means: Values = cut.mean((1, 3))
    return means
