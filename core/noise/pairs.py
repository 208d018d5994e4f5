"""Pairs of signal and noisy pixel, from which noise models are fitted, and their histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.noise.models import PoissonGaussian

LEAST_FRAMES = 5
"""Minimum number of repeated frames; the mean of fewer frames is too noisy a signal."""

MOST_PAIRS = 4_000_000
"""Approximate maximum number of pairs; of more pixels, every n-th is used."""

LEAST_PAIRS = 4000
"""Minimum number of pairs for a noise model."""

LEVELS = 20
"""Number of evenly spaced signal levels, and of quantiles between which further levels lie."""

LEAST_IN_LEVEL = 300
"""Minimum number of pairs of a signal level; smaller ones are merged with a neighbour."""

FARTHEST = 8.0
"""Residuals are counted up to this many standard deviations; larger ones count as the largest."""

CELLS = 128
"""Number of histogram cells of standardised residuals."""

_TAIL = 1e-4
"""Fraction of the lowest and of the highest signals that determine no level of their own."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Noisy pixels and their signals, both in counts, in one dimension."""

    signal: Values
    noisy: Values

    def scaled_to(self, model: PoissonGaussian) -> Pairs:
        """Return pairs whose residuals have the variance of a model at every signal.

        The residuals of a denoised image are too small where it follows the noise, and too large where it
        lacks structure. A model measured otherwise corrects both.
        """
        levels = count_levels(self)
        factor = np.sqrt(model.variance(levels.signal) / levels.variance)
        residual = (self.noisy - self.signal) * np.interp(self.signal, levels.signal, factor)
        return Pairs(signal=self.signal, noisy=self.signal + residual)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """Noise at several levels of the signal.

    Attributes
    ----------
    signal, variance : ndarray, shape (levels,)
        Mean signal in counts, ascending, and variance of the residuals in counts squared.
    pairs : ndarray, shape (levels,)
        Number of pairs.
    cells : ndarray, shape (levels, CELLS)
        Histogram of residuals divided by their standard deviation, from -`FARTHEST` to `FARTHEST`.
    low, high : float
        Range of the signals, in counts.
    """

    signal: Values
    variance: Values
    pairs: Values
    cells: Values
    low: float
    high: float


def cell_centres() -> Values:
    """Return the centres of the histogram cells, in standard deviations."""
    edges = np.linspace(-FARTHEST, FARTHEST, CELLS + 1, dtype=np.float64)
    return np.asarray((edges[1:] + edges[:-1]) / 2, np.float64)


def pairs_of_repeats(frames: NDArray[np.generic]) -> Pairs:
    """Return the pairs of repeated frames of a static scene: each pixel, and the mean of all its repeats.

    Parameters
    ----------
    frames : ndarray, shape (T, Y, X)
        Repeated frames in counts, such as a calibration with a closed field diaphragm.

    Returns
    -------
    Pairs
        Residuals are scaled up by ``sqrt(T / (T - 1))``, because the mean contains each frame.

    Raises
    ------
    QuietfieldError
        If there are too few frames or pixels.
    """
    count = len(frames)
    if count < LEAST_FRAMES:
        raise QuietfieldError(
            f"A noise model from repeats needs {LEAST_FRAMES} frames or more; there are {count}. "
            "Record more frames, or make the noise model from a denoised stack."
        )
    every = max(1, frames.size // MOST_PAIRS)
    flat = frames.reshape(count, -1)[:, ::every].astype(np.float64)
    flat = flat[:, np.isfinite(flat).all(0)]
    mean = flat.mean(0)
    residual = (flat - mean) * np.sqrt(count / (count - 1))
    signal = np.broadcast_to(mean, flat.shape).ravel()
    return _checked(signal, signal + residual.ravel())


def pairs_of_denoised(noisy: NDArray[np.generic], denoised: NDArray[np.generic]) -> Pairs:
    """Return the pairs of noisy pixels and a denoised image of them.

    Parameters
    ----------
    noisy, denoised : ndarray of equal shapes
        Pixels in counts; pixels that are not finite are ignored.

    Raises
    ------
    QuietfieldError
        If the shapes differ, or there are too few pixels.
    """
    if noisy.shape != denoised.shape:
        sizes = [" x ".join(map(str, one.shape)) for one in (noisy, denoised)]
        raise QuietfieldError(
            f"The noisy stack has {sizes[0]} pixels and the denoised one {sizes[1]}. Name the denoised "
            "result of the same stack."
        )
    every = max(1, noisy.size // MOST_PAIRS)
    x, s = (one.ravel()[::every].astype(np.float64) for one in (noisy, denoised))
    good = np.isfinite(x) & np.isfinite(s)
    return _checked(s[good], x[good])


def count_levels(pairs: Pairs) -> Levels:
    """Return the noise at several levels of the signal.

    Half of the levels are evenly spaced, so that rare bright pixels have their own, and half follow the
    frequency of the signals.

    Parameters
    ----------
    pairs : Pairs
        Noisy pixels and signals.
    """
    signal, residual = pairs.signal, pairs.noisy - pairs.signal
    low, high = (float(v) for v in np.quantile(signal, (_TAIL, 1 - _TAIL)))
    even = np.linspace(low, high, LEVELS + 1)
    edges = np.unique(np.concatenate([even, np.quantile(signal, np.linspace(0, 1, LEVELS + 1)[1:-1])]))
    edges = edges[(edges >= low) & (edges <= high)]
    place = np.clip(np.searchsorted(edges, signal, "right") - 1, 0, max(len(edges) - 2, 0))
    place = _merged(np.bincount(place, minlength=max(len(edges) - 1, 1)))[place]
    count = np.bincount(place).astype(np.float64)
    mean = np.bincount(place, signal) / count
    # a denoised image is biased at the ends of its range, where it is too bright or too dark
    residual = residual - (np.bincount(place, residual) / count)[place]
    variance = np.bincount(place, np.square(residual)) / count
    if not variance.max() > 0:
        raise QuietfieldError("The frames are equal, so there is no noise to make a model of.")
    variance = np.maximum(variance, 1e-6 * variance.max())
    z = residual / np.sqrt(variance)[place]
    cell = np.clip(((z + FARTHEST) * (CELLS / (2 * FARTHEST))).astype(np.int64), 0, CELLS - 1)
    cells = np.bincount(place * CELLS + cell, minlength=len(count) * CELLS).reshape(-1, CELLS)
    return Levels(
        signal=mean, variance=variance, pairs=count, cells=cells.astype(np.float64), low=low, high=high
    )


def _merged(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the new index of each level after merging those with few pairs."""
    index, total, found = 0, 0, []
    for count in counts:
        if total >= LEAST_IN_LEVEL:
            index, total = index + 1, 0
        found.append(index)
        total += int(count)
    if index and total < LEAST_IN_LEVEL:
        found = [min(one, index - 1) for one in found]
    return np.array(found, np.int64)


def _checked(signal: Values, noisy: Values) -> Pairs:
    if signal.size < LEAST_PAIRS:
        raise QuietfieldError(
            f"A noise model needs at least {LEAST_PAIRS:,} finite pixels; there are {signal.size:,}. "
            "Use a larger field or more frames."
        )
    return Pairs(signal=signal, noisy=noisy)
