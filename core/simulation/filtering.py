"""What cameras and software do to neighbouring pixels, and what that makes of their noise.

Filters are separable: a matrix for each axis, of shape (pixels out, pixels in), whose rows add up to 1.
The noise that white noise becomes is known exactly from them, averaged over the pixels.
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
    """What becomes of white noise of variance 1 along one axis.

    Attributes
    ----------
    variance : float
        Its variance.
    covariance : float
        Its covariance between neighbours.
    second : float
        Its covariance between neighbours but one.
    """

    variance: float = 1.0
    covariance: float = 0.0
    second: float = 0.0

    def at(self, lag: int) -> float:
        """Covariance at a distance of 0, 1 or 2 pixels."""
        return (self.variance, self.covariance, self.second)[lag]


def kernel_matrix(length: int, kernel: NDArray[np.float64] | Kernel) -> Matrix:
    """Correlation with a kernel whose borders are reflected; an even kernel moves by half a pixel."""
    before = len(kernel) // 2
    reflected = np.pad(np.arange(length), (before, len(kernel) - 1 - before), mode="symmetric")
    matrix, rows = np.zeros((length, length), np.float32), np.arange(length)
    for place, weight in enumerate(kernel):
        matrix[rows, reflected[place : place + length]] += weight
    return matrix


def interpolation(length: int, factor: float, *, cubic: bool) -> tuple[Matrix, Matrix]:
    """Record on a coarser grid, and interpolate back to the pixels.

    Parameters
    ----------
    length : int
        Number of pixels.
    factor : float
        Size of the pixels of the sensor, in pixels; 1 or more.
    cubic : bool
        Cubic convolution instead of linear interpolation.

    Returns
    -------
    sensor : ndarray, shape (S, `length`)
        Mean light on each of the S pixels of the sensor.
    back : ndarray, shape (`length`, S)
        Interpolation of the sensor's pixels.
    """
    count = int(np.ceil(length / factor)) + 2
    middle = factor * (np.arange(count) - 1.0)  # of the pixels of the sensor, the first before the image
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
    """Weights of cubic convolution by distance in pixels (Keys 1981, doi:10.1109/TASSP.1981.1163711)."""
    near = 1 - 2.5 * away**2 + 1.5 * away**3
    far = 2 - 4 * away + 2.5 * away**2 - 0.5 * away**3
    return np.where(away < 1, near, np.where(away < 2, far, 0.0))


def noise_of(matrix: Matrix | None) -> Noise:
    """Variance and covariance of filtered white noise, averaged over the pixels."""
    if matrix is None:
        return Noise()
    pairs = ((matrix[lag:], matrix[: len(matrix) - lag]) for lag in range(3))
    found = [float((first * second).sum() / max(len(first), 1)) for first, second in pairs]
    return Noise(variance=found[0], covariance=found[1], second=found[2])


def filtered(image: NDArray[np.float32], down: Matrix | None, across: Matrix | None) -> NDArray[np.float32]:
    """Filter an image along Y and X; None leaves an axis as it is."""
    if down is not None:
        image = down @ image
    return image if across is None else image @ across.T


def demosaiced(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep every second pixel, as the green ones of a colour camera, and fill the others with their means."""
    cross = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    missing = np.add.outer(np.arange(image.shape[0]), np.arange(image.shape[1])) % 2 == 1
    return np.where(missing, ndimage.correlate(image, cross, mode="mirror"), image)


DEMOSAICED = {(0, 0): 0.625, (1, 0): 0.25, (0, 1): 0.25, (1, 1): 1 / 16, (2, 0): 1 / 32, (0, 2): 1 / 32}
"""Covariance of white noise after `demosaiced` by distance along (Y, X)."""
