"""Point spread functions, and convolution with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def gaussian_kernel(sigma: float, truncate: float = 4.0) -> NDArray[np.float64]:
    """Return a Gaussian kernel sampled on the pixel grid.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels, 0 or more; 0 gives the identity kernel.
    truncate : float
        Truncation of the kernel in standard deviations, rounded to a whole pixel.

    Returns
    -------
    ndarray, shape (N,), float64
        Odd number of weights that sum to 1; the same weights as in scipy.ndimage.

    Raises
    ------
    ValueError
        If an argument is negative or not finite.
    """
    if not (np.isfinite(sigma) and sigma >= 0 and np.isfinite(truncate) and truncate >= 0):
        raise ValueError(f"sigma {sigma} or truncate {truncate} is negative or not finite")
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        return np.ones(1)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.asarray(weights / weights.sum(), np.float64)


def convolve(image: NDArray[Any], sigma: float, truncate: float = 4.0) -> NDArray[np.float32]:
    """Convolve the last two axes (Y, X) with an isotropic Gaussian; borders are reflected.

    Parameters
    ----------
    image : ndarray, shape (..., Y, X)
        Any real type.
    sigma, truncate : float
        See `gaussian_kernel`.

    Returns
    -------
    ndarray of float32
        Same shape as `image`.
    """
    from scipy import ndimage  # imported here, so that the window starts without scipy

    result = np.asarray(image, np.float32)
    weights = gaussian_kernel(sigma, truncate)
    if len(weights) == 1:
        return result.copy()
    for axis in (-2, -1):
        result = ndimage.correlate1d(result, weights, axis, mode="reflect")
    return result
