"""Correlation of the noise by distance, and row and column stripes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.noise.noise_estimate import NoiseEstimate
from core.noise.report.samples import Samples, usable
from core.noise.spectrum import STEP as SHRUNK
from core.noise.spectrum import autocorrelation
from core.noise.stripes import STEP, excess, stripes

LAGS = 4
"""Largest distance along each axis, in pixels."""

TREND = 32
"""Side of the squares whose mean is subtracted from differences of frames, in pixels."""

OUTLIER = 6.0
"""Deviation, in standard deviations, above which a pixel is ignored."""

BELOW, ABOVE = 0.1, 0.05
"""How far the correlation of neighbours may lie below and above that estimated from single planes.

Fine structure looks like correlated noise more often than the other way round.
"""

LEAST = 0.05
"""Estimated correlation of neighbours below which there may be none."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Correlation of the noise of two pixels, and stripes.

    Attributes
    ----------
    picture : tuple of tuple of float, 9 x 9
        Correlation by distance along Y and X, from -4 to 4; 1 in the centre.
    along_x, along_y : tuple of float
        Correlation at distances 1 to 4 along rows (X) and along columns (Y).
    rows, columns : float
        Standard deviation of the offsets of whole rows and columns, relative to that of the noise.
    row_excess, column_excess : float
        Their variance, relative to what independent pixels show by chance.
    below, above : float
        How far the correlations of neighbours may lie below and above `along_x` and `along_y`, with a
        probability of 95 %.
    """

    picture: tuple[tuple[float, ...], ...]
    along_x: tuple[float, ...]
    along_y: tuple[float, ...]
    rows: float
    columns: float
    row_excess: float
    column_excess: float
    below: float
    above: float


def measure_pattern(samples: Samples, noise: NoiseEstimate) -> Pattern:
    """Measure the correlation from frames of one scene if there are any, else take the estimate of planes.

    Parameters
    ----------
    samples : Samples
        Pixels of a channel.
    noise : NoiseEstimate
        Noise of the channel.
    """
    found = _from_frames(samples.frames, noise) if samples.frames is not None else _of_blur(noise)
    below, above = BELOW, ABOVE
    if samples.frames is not None:
        below = above = 2 / math.sqrt(max(samples.frames.size - samples.frames[0].size, 1))
    rows, row_excess = _stripes(samples, noise, noise.correlation_x, turn=False)
    columns, column_excess = _stripes(samples, noise, noise.correlation_y, turn=True)
    return Pattern(
        picture=tuple(tuple(float(value) for value in row) for row in found),
        along_x=tuple(float(value) for value in found[LAGS, LAGS + 1 :]),
        along_y=tuple(float(value) for value in found[LAGS + 1 :, LAGS]),
        rows=rows, columns=columns, row_excess=row_excess, column_excess=column_excess,
        below=below, above=above,
    )  # fmt: skip


def _of_blur(noise: NoiseEstimate) -> Values:
    """Return the autocorrelation of the blur that was fitted to the spectra of planes.

    The estimate is a step too small on purpose, since a network with a too large correlation blurs; here the
    step is added again.
    """
    y, x = (
        value + float(np.sign(value)) * SHRUNK if abs(value) > LEAST else value
        for value in (noise.correlation_y, noise.correlation_x)
    )
    return autocorrelation(y, x, LAGS)


def _from_frames(frames: Values, noise: NoiseEstimate) -> Values:
    """Return the autocorrelation of deviations from the mean of frames, divided by the noise."""
    mean = frames.mean(axis=0)
    deviation = np.sqrt(np.maximum(noise.model.variance(mean), 1e-300))
    good = usable(frames, noise)
    total = np.zeros((2 * LAGS + 1, 2 * LAGS + 1))
    for frame in frames:
        change = np.where(good, (frame - mean) / deviation, 0.0)
        known = good & (np.abs(change) < OUTLIER)
        change = _detrended(np.where(known, change, 0.0), known)
        total += _products(change, known)
    centre = total[LAGS, LAGS]
    if not centre > 0:
        total[...] = 0.0
        total[LAGS, LAGS] = centre = 1.0
    found: Values = total / centre
    return found


def _detrended(change: Values, known: NDArray[np.bool_]) -> Values:
    """Subtract the mean of large squares, which changes of the scene would otherwise dominate."""
    rows, columns = (max(n // TREND, 1) for n in change.shape)
    y, x = (
        np.minimum(np.arange(n) // TREND, count - 1)
        for n, count in zip(change.shape, (rows, columns), strict=True)
    )
    square = (y[:, None] * columns + x[None]).ravel()
    number = np.bincount(square, known.ravel(), rows * columns)
    mean = np.bincount(square, change.ravel(), rows * columns) / np.maximum(number, 1)
    rest: Values = np.where(known, change - mean[square].reshape(change.shape), 0.0)
    return rest


def _products(change: Values, known: NDArray[np.bool_]) -> Values:
    """Return the mean product of pixels at each distance."""
    found = np.zeros((2 * LAGS + 1, 2 * LAGS + 1))
    rows, columns = change.shape
    for down in range(LAGS + 1):
        for right in range(-LAGS, LAGS + 1):
            if down == 0 and right < 0:
                continue
            first = slice(0, rows - down), slice(max(-right, 0), columns - max(right, 0))
            second = slice(down, rows), slice(max(right, 0), columns - max(-right, 0))
            pairs = float((known[first] & known[second]).sum())
            value = float((change[first] * change[second]).sum()) / max(pairs, 1.0)
            found[LAGS + down, LAGS + right] = found[LAGS - down, LAGS - right] = value
    return found


def _stripes(
    samples: Samples, noise: NoiseEstimate, correlation: float, *, turn: bool
) -> tuple[float, float]:
    """Return the relative standard deviation of row offsets, and the excess of their variance.

    The median over planes; of columns with `turn`.
    """
    if noise.absent:
        return 0.0, 0.0
    found = []
    for plane in samples.planes:
        finite = np.isfinite(plane)
        image = np.where(finite, plane, np.median(plane[finite]) if finite.any() else 0.0)
        spread = noise.model.variance(_smooth(image))
        spread = np.sqrt(np.maximum(spread, 1e-12 * max(float(np.median(spread)), 1e-300)))
        turned, deviation = (part.T if turn else part for part in (image, spread))
        found.append(stripes(turned.astype(np.float32), deviation.astype(np.float32)))
    shared = float(np.median(found))
    columns = samples.planes.shape[1 if turn else 2]
    return float(np.sqrt(max(shared, 0.0) / STEP)), excess(shared, columns, correlation)


def _smooth(image: Values) -> Values:
    """Return the mean of 3 x 3 pixels; borders are repeated."""
    wide = np.pad(image, 1, mode="edge")
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    smooth: Values = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return smooth
