"""What a method removed from an image: whether it is noise, or holds a part of the structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.noise.noise_estimate import NoiseEstimate

BINS = 12
"""Number of intensity bins with equally many pixels."""

REACH = 3
"""Largest distance of the autocorrelation, in pixels."""

VISIBLE = 2.0
"""Standard deviation in pixels of the blur that makes structure in the residual visible."""

LIMIT = 0.2
"""Fraction of structure from which on a residual holds more than noise."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """Statistics of the difference between a noisy and a denoised image.

    All arrays by intensity have shape (BINS,).

    Attributes
    ----------
    intensity : ndarray
        Mean denoised intensity of each bin, in counts.
    mean, mean_error : ndarray
        Mean of the residual, 0 without bias, and its standard error, in counts.
    variance, expected : ndarray
        Variance of the residual, and that of the noise model, in counts squared.
    autocorrelation : ndarray, shape (7, 7)
        Correlation of two pixels by their distance along (Y, X); that of the noise if only noise was removed.
    structure : ndarray, shape (Y, X)
        Blurred residual in standard deviations of blurred noise: beyond 3 and -3 it is hardly noise.
    share : float
        Fraction of the variance of `structure` that is not noise, 0 to 1.
    """

    intensity: Values = field(repr=False, compare=False)
    mean: Values = field(repr=False, compare=False)
    mean_error: Values = field(repr=False, compare=False)
    variance: Values = field(repr=False, compare=False)
    expected: Values = field(repr=False, compare=False)
    autocorrelation: Values = field(repr=False, compare=False)
    structure: Values = field(repr=False, compare=False)
    share: float

    @property
    def only_noise(self) -> bool:
        """Whether little structure was removed together with the noise."""
        return self.share <= LIMIT


def analyse(noisy: NDArray[Any], denoised: NDArray[Any], noise: NoiseEstimate) -> Residual:
    """Compare what a method removed with the noise that was measured.

    Parameters
    ----------
    noisy, denoised : ndarray, shape (Y, X)
        Image before and after, in counts.
    noise : NoiseEstimate
        Noise of the image before.

    Returns
    -------
    Residual
        Statistics of noisy minus denoised.
    """
    after = np.asarray(denoised, np.float64)
    rest = np.asarray(noisy, np.float64) - after
    expected = noise.model.variance(after)
    order = np.argsort(after, axis=None)
    parts = np.array_split(order, BINS)

    def by_bin(values: Values) -> Values:
        return np.array([values.ravel()[part].mean() for part in parts])

    means = by_bin(rest)
    variances = by_bin(np.square(rest)) - np.square(means)
    scaled = rest / np.sqrt(np.maximum(expected, 1e-300))
    scaled = scaled - scaled.mean()
    blurred = ndimage.gaussian_filter(scaled, VISIBLE, mode="reflect")
    kept = _kept(noise.autocorrelation)
    structure = blurred / np.sqrt(kept)
    power = float(structure.var())
    # a method that keeps noise removes less than expected; only more is structure
    share = max(0.0, 1 - 1 / power) if power > 0 else 0.0
    return Residual(
        intensity=by_bin(after), mean=means, mean_error=np.sqrt(variances / [len(part) for part in parts]),
        variance=variances, expected=by_bin(expected), autocorrelation=_autocorrelation(scaled),
        structure=structure, share=share,
    )  # fmt: skip


def _kept(autocorrelation: Values) -> float:
    """Return the variance of blurred noise of variance 1 with an autocorrelation."""
    reach = len(autocorrelation) // 2
    impulse = np.zeros((8 * round(VISIBLE) * 2 + 1,) * 2)
    middle = len(impulse) // 2
    impulse[middle, middle] = 1.0
    kernel = ndimage.gaussian_filter(impulse, VISIBLE * np.sqrt(2))  # a Gaussian correlated with itself
    near = kernel[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]
    return max(float((near * autocorrelation).sum()), 1e-12)


def _autocorrelation(scaled: Values) -> Values:
    power = float(np.mean(np.square(scaled)))
    found = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    rows, columns = scaled.shape
    for down in range(min(REACH + 1, rows)):
        for right in range(-min(REACH, columns - 1), min(REACH, columns - 1) + 1):
            left, shift = max(-right, 0), max(right, 0)
            size = columns - abs(right)
            pair = scaled[: rows - down, left : left + size] * scaled[down:, shift : shift + size]
            value = float(pair.mean()) / power if power > 0 else 0.0
            found[REACH + down, REACH + right] = found[REACH - down, REACH - right] = value
    return found
