"""How a microscope blurs: point spread functions, and convolution with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def gaussian_kernel(sigma: float, truncate: float = 4.0) -> NDArray[np.float64]:
    """Sample a Gaussian on the pixel grid.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels, 0 or more; 0 gives the kernel that changes nothing.
    truncate : float
        Where to cut it off, in standard deviations, rounded to a whole pixel.

    Returns
    -------
    ndarray of float64
        Odd number of weights that add up to 1; the same as scipy.ndimage uses.
    """
    if not (np.isfinite(sigma) and sigma >= 0 and np.isfinite(truncate) and truncate >= 0):
        raise ValueError(f"sigma {sigma} or truncate {truncate} is negative or not finite")
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        return np.ones(1)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.asarray(weights / weights.sum(), np.float64)


def convolve(image: NDArray[Any], sigma: float, truncate: float = 4.0) -> NDArray[np.float32]:
    """Convolve the last two axes (Y, X) with an isotropic Gaussian, borders reflected.

    Parameters
    ----------
    image : ndarray
        At least two axes, any real type.
    sigma, truncate : float
        See `gaussian_kernel`.

    Returns
    -------
    ndarray of float32
        Of the shape of `image`.
    """
    from scipy import ndimage  # the window does not wait for it

    result = np.asarray(image, np.float32)
    weights = gaussian_kernel(sigma, truncate)
    if len(weights) == 1:
        return result.copy()
    for axis in (-2, -1):
        result = ndimage.correlate1d(result, weights, axis, mode="reflect")
    return result
