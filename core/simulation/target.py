"""Targets that nothing but a known Gaussian PSF blurs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.simulation.lettering import SIZES, page
from core.simulation.scenes import FLUORESCENT, Specimen

FINER = 4
"""The specimen is drawn with this number of positions per pixel, along each axis."""

MARGIN = 16
"""Pixels drawn around the image, from which light comes."""


def blurred_target(
    seed: int, shape: tuple[int, int], draw: Specimen | None, sigma: float
) -> NDArray[np.float32]:
    """Return a specimen blurred by a Gaussian, sampled at pixel centres.

    Parameters
    ----------
    seed : int
        The same seed gives the same pixels.
    shape : (int, int)
        Rows and columns.
    draw : Specimen, optional
        Specimen; by default one of the fluorescent ones.
    sigma : float
        Standard deviation of the Gaussian in pixels. It includes the averaging over the area of a pixel.

    Returns
    -------
    ndarray, shape (Y, X), float32
        Light on the detector; the 99th percentile is 1.
    """
    rng = np.random.default_rng(seed)
    draw = draw or FLUORESCENT[int(rng.integers(len(FLUORESCENT)))]
    rows, columns = ((n + 2 * MARGIN) * FINER for n in shape)
    # drawn on finer pixels, and as large as on those: its details are finer than a pixel
    light = np.clip(_enlarged(draw)((rows, columns), rng), 0, None)
    light = ndimage.gaussian_filter(light, sigma * FINER, mode="reflect")
    sampled = light[FINER // 2 :: FINER, FINER // 2 :: FINER][MARGIN:-MARGIN, MARGIN:-MARGIN]
    return np.asarray(sampled / max(float(np.percentile(sampled, 99)), 1e-9), np.float32)


def _enlarged(draw: Specimen) -> Specimen:
    """Return a page with letters for finer pixels; other specimens are drawn in the size that they have."""
    if draw is not page:
        return draw
    return lambda shape, rng: page(shape, rng, tuple(size * FINER for size in SIZES))
