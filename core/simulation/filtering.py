"""Filters that cameras and software apply to neighbouring pixels, and their effect on noise.

Filters are separable: one matrix per axis, shape (pixels out, pixels in), whose rows sum to 1.
The variance and covariance of filtered white noise are computed from these matrices, averaged over the
pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Matrix = NDArray[np.float32]
Kernel = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Variance and covariance along one axis of filtered white noise of variance 1.

    Attributes
    ----------
    variance : float
        Variance of the filtered noise.
    covariance : float
        Covariance at a distance of one pixel.
    second : float
        Covariance at a distance of two pixels.
    """

    variance: float = 1.0
    covariance: float = 0.0
    second: float = 0.0

    def at(self, lag: int) -> float:
        """Return the covariance at a distance of 0, 1 or 2 pixels."""
        return (self.variance, self.covariance, self.second)[lag]


def kernel_matrix(length: int, kernel: NDArray[np.float64] | Kernel) -> Matrix:
    """Return the matrix of a correlation with reflected borders; even kernels shift by half a pixel."""
    before = len(kernel) // 2
    reflected = np.pad(np.arange(length), (before, len(kernel) - 1 - before), mode="symmetric")
    matrix, rows = np.zeros((length, length), np.float32), np.arange(length)
    for place, weight in enumerate(kernel):
        matrix[rows, reflected[place : place + length]] += weight
    return matrix


def interpolation(length: int, factor: float, *, cubic: bool) -> tuple[Matrix, Matrix]:
    """Return matrices that sample onto a coarser sensor and interpolate back to the pixels.

    Parameters
    ----------
    length : int
        Number of pixels.
    factor : float
        Size of the sensor pixels, in image pixels; 1 or more.
    cubic : bool
        Whether to use cubic convolution instead of linear interpolation.

    Returns
    -------
    sensor : ndarray, shape (S, `length`), float32
        Averages light over each of the S sensor pixels.
    back : ndarray, shape (`length`, S), float32
        Interpolates the sensor pixels.
    """
    count = int(np.ceil(length / factor)) + 2
    middle = factor * (np.arange(count) - 1.0)  # sensor pixel centres; the first lies outside the image
    pixels = np.arange(length)
    sensor = np.clip(
        np.minimum(pixels + 0.5, middle[:, None] + factor / 2)
        - np.maximum(pixels - 0.5, middle[:, None] - factor / 2),
        0,
        1,
    )
    empty = sensor.sum(axis=1) == 0
    sensor[empty, np.where(middle[empty] < 0, 0, length - 1)] = 1
    sensor /= sensor.sum(axis=1, keepdims=True)
    away = np.abs(pixels[:, None] - middle) / factor
    back = cubic_weights(away) if cubic else np.clip(1 - away, 0, 1)
    back /= back.sum(axis=1, keepdims=True)
    return np.asarray(sensor, np.float32), np.asarray(back, np.float32)


def cubic_weights(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cubic convolution weights by distance in pixels (Keys 1981, doi:10.1109/TASSP.1981.1163711)."""
    near = 1 - 2.5 * away**2 + 1.5 * away**3
    far = 2 - 4 * away + 2.5 * away**2 - 0.5 * away**3
    return np.where(away < 1, near, np.where(away < 2, far, 0.0))


def noise_of(matrix: Matrix | None) -> Noise:
    """Return variance and covariances of filtered white noise, averaged over the pixels."""
    if matrix is None:
        return Noise()
    pairs = ((matrix[lag:], matrix[: len(matrix) - lag]) for lag in range(3))
    found = [float((first * second).sum() / max(len(first), 1)) for first, second in pairs]
    return Noise(variance=found[0], covariance=found[1], second=found[2])


def filter_axes(
    image: NDArray[np.float32], down: Matrix | None, across: Matrix | None
) -> NDArray[np.float32]:
    """Filter an image along Y and X; None skips an axis."""
    if down is not None:
        image = down @ image
    return image if across is None else image @ across.T


def demosaic(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep every second pixel, as the green pixels of a colour camera; average four for the others."""
    cross = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    missing = np.add.outer(np.arange(image.shape[0]), np.arange(image.shape[1])) % 2 == 1
    return np.where(missing, ndimage.correlate(image, cross, mode="mirror"), image)


DEMOSAICED = {(0, 0): 0.625, (1, 0): 0.25, (0, 1): 0.25, (1, 1): 1 / 16, (2, 0): 1 / 32, (0, 2): 1 / 32}
"""Covariance of white noise after `demosaic`, by distance along (Y, X)."""
