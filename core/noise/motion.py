"""Whether a scene stands still: how far the means of small blocks of pixels change beyond their noise.

The same differences answer two questions. `Change.excess` averages them over the image, and finds changes too
faint to be seen in any one block: it is asked for where every change does harm, since it would be taken
for noise, blurred, or scored. `Change.share` counts the blocks that differ for certain, and finds changes
in a small place: it is asked for where frames are averaged, which smears only what changes there.
Every use has its own limit, which lies with the use.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.noise.blocks import SIDE, Values
from core.noise.model import NoiseEstimate

CERTAIN = 5.0
"""Standard deviations of its noise by which the mean of a block differs for certain."""

_LEAST = 0.02
"""Least variance of a block, in medians of all: that of the darkest blocks is not known any better."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """Differences of the block means of two images, and what noise explains of them.

    Attributes
    ----------
    difference : ndarray, shape (N,)
        Differences of the means of blocks, in counts; empty where there is nothing to compare.
    variance : ndarray, shape (N,), or float
        Variance of each that is due to noise, in counts squared.
    """

    difference: Values
    variance: Values | float

    @property
    def excess(self) -> float:
        """Mean square of the differences over their variances: about 1 for one scene, 0 for no blocks."""
        return float(np.mean(np.square(self.difference) / self._variance)) if self.difference.size else 0.0

    @property
    def share(self) -> float:
        """Share of the blocks that differ for certain, 0 to 1."""
        beyond = np.square(self.difference) > CERTAIN**2 * self._variance
        return float(np.mean(beyond)) if self.difference.size else 0.0

    @property
    def _variance(self) -> Values:
        return np.maximum(self.variance, 1e-30)


def compare(reference: Values, frame: Values, noise: NoiseEstimate, *, frames: int = 1) -> Change:
    """Compare a frame with another one, or with the mean of several, it among them.

    A common change of brightness, such as bleaching, does not count.

    Parameters
    ----------
    reference, frame : ndarray, shape (Y, X)
        Images in counts; places that are not finite are left out.
    noise : NoiseEstimate
        Noise of a single frame.
    frames : int
        How many frames the reference is the mean of.
    """
    before, after = _block_means(reference), _block_means(frame)
    good = np.isfinite(before) & np.isfinite(after)
    before, after = before[good], after[good]
    if before.size < 2 or not before.std() > 0:
        return Change(difference=np.zeros(0), variance=0.0)
    slope = _brightness(before, after)
    difference = after - slope * before
    variance = noise.model.variance(before)
    # small images tell correlations badly: pixels count as independent at least
    variance = np.maximum(variance, _LEAST * np.median(variance)) * max(
        mean_variance(noise.autocorrelation), 1
    )
    # of the frame's own noise, the mean it is a part of holds a share
    share = 1 + slope**2 if frames == 1 else 1 - (2 * slope - slope**2) / frames
    return Change(difference=difference - difference.mean(), variance=variance * share / SIDE**2)


def mean_variance(autocovariance: Values) -> float:
    """Variance of the mean of a block times its number of pixels, for noise of a known autocovariance.

    Parameters
    ----------
    autocovariance : ndarray, shape (2 * N + 1, 2 * N + 1)
        By distance along Y and X, no distance in the middle; or the autocorrelation, for unit variance.
    """
    reach = len(autocovariance) // 2
    overlap = (SIDE - np.abs(np.arange(-reach, reach + 1))) / SIDE
    return float((autocovariance * np.outer(overlap, overlap)).sum())


@dataclass(slots=True, kw_only=True, eq=False)
class Course:
    """Comparison of all frames of a scene in one pass, whose noise is not known but found from them.

    Unlike in `compare`, a change of brightness counts.

    Attributes
    ----------
    frames : int
        How many frames will be added, 2 or more.
    """

    frames: int
    _added: int = 0
    _halves: list[Values] = field(default_factory=list)
    _last: tuple[Values, Values] | None = None
    _pixels: float = 0.0
    _blocks: float = 0.0

    def add(self, frame: Values) -> None:
        """Take in the next frame (Y, X), in counts."""
        means = _block_means(frame)
        if self._last is None:
            self._halves = [np.zeros_like(means), np.zeros_like(means)]
        else:
            self._pixels += float(np.mean(np.square(frame - self._last[0])))
            self._blocks += float(np.mean(np.square(means - self._last[1])))
        self._halves[int(self._added >= self.frames // 2)] += means
        self._last = frame, means
        self._added += 1

    @property
    def drift(self) -> float:
        """Excess of the change from the mean of the first half of the frames to that of the second.

        What successive frames differ by counts as noise: it is about 1 for a scene that stands still,
        and grows with slow motion and bleaching.
        """
        first, second = self.frames // 2, self.frames - self.frames // 2
        if not self._blocks:
            return 1.0
        noise = self._blocks / (self.frames - 1) / 2
        change = self._halves[0] / first - self._halves[1] / second
        return Change(difference=change, variance=noise * (1 / first + 1 / second)).excess

    @property
    def structure(self) -> float:
        """Excess of the changes from frame to frame, all of which counts as noise independent between pixels.

        It is 1 for a still scene with such noise, more with correlated noise, and in the tens for frames of
        different scenes.
        """
        return self._blocks * SIDE**2 / self._pixels if self._blocks else 1.0


def _brightness(before: Values, after: Values) -> float:
    """Return the factor by which a frame is brighter than another, offset apart; 1 if that makes no sense."""
    spread = before - before.mean()
    slope = float((spread * (after - after.mean())).sum() / np.square(spread).sum())
    return slope if 0.2 < slope < 5 else 1.0


def _block_means(plane: NDArray[np.float64]) -> Values:
    """Mean of every whole block; of the whole image where it is smaller than one."""
    rows, columns = (max(n // SIDE, 1) for n in plane.shape)
    height, width = (min(n, SIDE) for n in plane.shape)
    cut = plane[: rows * height, : columns * width].reshape(rows, height, columns, width)
    means: Values = cut.mean((1, 3))
    return means
