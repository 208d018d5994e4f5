"""Photons per pixel, and pixels clipped at the ends of the range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.noise.noise_estimate import NoiseEstimate
from core.noise.report.camera import CameraNoise
from core.noise.report.samples import Samples, usable
from core.noise.report.values import Quantity

SIDE = 4
"""Side of the squares whose means are taken, in pixels: single pixels vary more, by their noise."""

SHARES = (0.05, 0.5, 0.99)
"""Quantiles of the image."""

UNIT = "photons per pixel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Light in a channel.

    Attributes
    ----------
    dark, median, bright : Quantity
        Photons per pixel: 5th, 50th and 99th percentile of the means of 4 x 4 pixels.
    saturated, clipped : float
        Fraction of pixels with the largest and with the smallest value, if they are clipped to it, 0 to 1.
    """

    dark: Quantity
    median: Quantity
    bright: Quantity
    saturated: float = 0.0
    clipped: float = 0.0


def measure_light(samples: Samples, noise: NoiseEstimate, camera: CameraNoise) -> Light:
    """Return the photons per pixel of a channel, and its clipped pixels."""
    levels = np.concatenate([_means(plane, usable(plane[None], noise)) for plane in samples.planes])
    counts = np.quantile(levels, SHARES) if levels.size else np.full(3, np.nan)
    dark, median, bright = (_photons(float(level), camera) for level in counts)
    return Light(dark=dark, median=median, bright=bright, saturated=noise.saturated, clipped=noise.lowest)


def _means(plane: NDArray[np.float64], good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the means of squares in which every pixel is usable."""
    rows, columns = (n // SIDE for n in plane.shape)
    if not rows * columns:
        return plane[good]

    def square(image: NDArray[np.float64]) -> NDArray[np.float64]:
        cut = image[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE)
        means: NDArray[np.float64] = cut.mean(axis=(1, 3))
        return means

    found: NDArray[np.float64] = square(np.where(good, plane, 0.0))[square(good.astype(np.float64)) == 1]
    return found


def _photons(counts: float, camera: CameraNoise) -> Quantity:
    """Convert counts to photons, with the uncertainty of gain and offset."""
    gain, offset = camera.gain, camera.offset
    if not gain.value or offset.value is None or not np.isfinite(counts):
        return Quantity(unit=UNIT)
    value = max((counts - offset.value) / gain.value, 0.0)
    wide = (offset.error or 0.0) / gain.value, value * (gain.error or 0.0) / gain.value
    error = float(np.hypot(*wide))
    known = gain.known and error <= max(0.2 * value, 0.5)
    return Quantity(value=value, low=max(value - error, 0.0), high=value + error, unit=UNIT, known=known)
