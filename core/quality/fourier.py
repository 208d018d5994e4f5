"""Fourier ring and shell correlation: up to which spatial frequency two images agree."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError

THRESHOLD = 1 / 7
"""Correlation below which frequencies are regarded as noise (Nieuwenhuizen et al. 2013)."""

LEAST = 32
"""Minimum number of rows and columns."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RingCorrelation:
    """Correlation of two images by spatial frequency.

    Attributes
    ----------
    frequency : ndarray, shape (N,)
        Mean frequency of each ring or shell, in cycles per unit of the spacing; up to the Nyquist frequency.
    correlation : ndarray, shape (N,)
        Correlation there, -1 to 1.
    """

    frequency: Values = field(repr=False, compare=False)
    correlation: Values = field(repr=False, compare=False)

    @property
    def resolution(self) -> float:
        """Length 1 / frequency where the correlation, averaged over three rings, first falls below 1/7.

        The smallest length of the sampling if it never does, and infinity if it is below from the start. It
        describes the noisy images, and is no resolution of a denoised image: its errors are not independent.
        """
        padded = np.pad(self.correlation, 1, mode="edge")
        smooth = np.convolve(padded, np.ones(3) / 3, mode="valid")
        below = np.flatnonzero(smooth < THRESHOLD)
        if not below.size:
            return 1 / float(self.frequency[-1])
        first = int(below[0])
        if first == 0:
            return math.inf
        above, under = smooth[first - 1], smooth[first]
        part = (above - THRESHOLD) / (above - under)
        frequency = self.frequency[first - 1] + part * (self.frequency[first] - self.frequency[first - 1])
        return 1 / float(frequency)


def ring_correlation(
    first: NDArray[Any], second: NDArray[Any], spacing: tuple[float, ...] | None = None
) -> RingCorrelation:
    """Correlate two images, or two volumes, in rings or shells of equal spatial frequency.

    The images are multiplied by a Hann window, so that their borders do not correlate. Nieuwenhuizen et al.
    2013, "Measuring image resolution in optical nanoscopy", doi:10.1038/nmeth.2448.

    Parameters
    ----------
    first, second : ndarray, shape (Y, X) or (Z, Y, X)
        Images of the same scene with independent noise.
    spacing : tuple of float, optional
        Distance between pixels along each axis; by default 1.

    Returns
    -------
    RingCorrelation
        Correlation by frequency.

    Raises
    ------
    QuietfieldError
        If the shapes differ, or the images are too small or constant.
    """
    if first.shape != second.shape or min(first.shape[-2:]) < LEAST:
        sizes = " and ".join(" x ".join(map(str, image.shape)) for image in (first, second))
        raise QuietfieldError(
            f"Images of {sizes} pixels cannot be correlated by frequency: they need the same size, and at "
            f"least {LEAST} x {LEAST} pixels."
        )
    steps = spacing or (1.0,) * first.ndim
    one, two = (np.fft.rfftn(_windowed(image)) for image in (first, second))
    axes = [np.fft.fftfreq(n, step) for n, step in zip(first.shape[:-1], steps[:-1], strict=True)]
    axes.append(np.fft.rfftfreq(first.shape[-1], steps[-1]))
    grid = np.meshgrid(*axes, indexing="ij")
    radius: Values = np.sqrt(np.sum([np.square(axis) for axis in grid], axis=0, dtype=np.float64))
    width = 1 / max(n * step for n, step in zip(first.shape[-2:], steps[-2:], strict=True))
    nyquist = 0.5 / max(steps[-2:])
    ring = np.rint(radius / width).astype(np.int64).ravel()
    count = int(nyquist / width) + 1
    # the half spectrum has each frequency along X once, but those of 0 and of the last one
    weight = np.full(radius.shape, 2.0)
    weight[..., 0] = 1.0
    if first.shape[-1] % 2 == 0:
        weight[..., -1] = 1.0

    def totals(values: Values) -> Values:
        sums = np.bincount(ring, (weight * values).ravel(), minlength=count)
        return np.asarray(sums[:count], np.float64)

    powers = totals(np.square(np.abs(one))) * totals(np.square(np.abs(two)))
    if not powers[1:].any():
        raise QuietfieldError("One of the images is constant, so nothing can be correlated by frequency.")
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = totals((one * two.conj()).real) / np.sqrt(powers)
        frequency = totals(radius) / totals(np.ones_like(radius))
    known = np.isfinite(correlation[1:])
    return RingCorrelation(frequency=frequency[1:][known], correlation=correlation[1:][known])


INDEPENDENT = 0.05
"""Correlation of neighbouring pixels up to which one image can be split into two with independent noise."""


def split(image: NDArray[Any]) -> tuple[Values, Values]:
    """Divide one image into two of half the size, from the pixels of two diagonals of every 2 x 2 square.

    Their noise is independent if that of the pixels is, and their centres agree. Compare Koho et al. 2019,
    "Fourier ring correlation simplifies image restoration in fluorescence microscopy",
    doi:10.1038/s41467-019-11024-z.

    Parameters
    ----------
    image : ndarray, shape (..., Y, X)
        Image; its pixels along Y and X are twice as far apart in the results.
    """
    rows, columns = (n // 2 * 2 for n in image.shape[-2:])
    some = np.asarray(image[..., :rows, :columns], np.float64)
    first = (some[..., ::2, ::2] + some[..., 1::2, 1::2]) / 2
    second = (some[..., ::2, 1::2] + some[..., 1::2, ::2]) / 2
    return first, second


def _windowed(image: NDArray[Any]) -> Values:
    result = np.asarray(image, np.float64) - float(np.mean(image, dtype=np.float64))
    for axis, size in enumerate(image.shape):
        shape = [1] * image.ndim
        shape[axis] = size
        result = result * (np.hanning(size + 2)[1:-1] if size > 2 else np.ones(size)).reshape(shape)
    return result
