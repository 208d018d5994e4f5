"""Pictures of a report: PNG in the page itself."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Plane = NDArray[np.float64]
Window = tuple[slice, slice]

SIDE = 256
"""Maximum side of a picture, in pixels."""

SHARES = (0.1, 99.8)
"""Percentiles of the best result that are black and white."""

BLUR = 2.0
"""Standard deviation in pixels of the blur of the image whose most detailed part is shown."""

LIMIT = 5.0
"""Structure in a residual, in standard deviations of the noise, that has the darkest colours."""

BLUE, ORANGE = (33, 102, 172), (179, 88, 6)
"""Colours of negative and positive structure, distinguishable with colour vision deficiencies."""


def detailed_window(image: Plane) -> Window:
    """Return the part of at most `SIDE` x `SIDE` pixels in which a smoothed image varies most.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Image; pixels that are not finite count as its median.
    """
    good = np.isfinite(image)
    known = np.where(good, image, np.median(image[good]) if good.any() else 0.0)
    smooth = ndimage.gaussian_filter(known, BLUR)
    low, high = np.percentile(smooth, SHARES)
    smooth = np.clip(smooth, low, high)  # a single bright spot is no detail
    rows, columns = (min(SIDE, n) for n in image.shape)
    starts = [range(0, n - size + 1, 32) for n, size in zip(image.shape, (rows, columns), strict=True)]
    _, top, left = max(
        (float(smooth[y : y + rows, x : x + columns].std()), -y, -x) for y in starts[0] for x in starts[1]
    )
    return slice(-top, -top + rows), slice(-left, -left + columns)


def contrast(image: Plane) -> tuple[float, float]:
    """Return the intensities that are shown black and white."""
    known = image[np.isfinite(image)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(known, SHARES))
    return (low, high) if high > low else (low, low + 1.0)


def grey(image: Plane, limits: tuple[float, float]) -> str:
    """Return an image as the data URI of a grey PNG; pixels that are not finite are black."""
    low, high = limits
    scaled = np.nan_to_num((image - low) / (high - low), nan=0.0, posinf=1.0, neginf=0.0)
    return data_uri(np.rint(np.clip(scaled, 0.0, 1.0) * 255).astype(np.uint8))


def signed(image: Plane) -> str:
    """Return structure in standard deviations as a data URI: blue below, white at, and orange above 0."""
    part = np.clip(np.nan_to_num(image) / LIMIT, -1.0, 1.0)[..., None]
    end = np.where(part < 0, np.array(BLUE), np.array(ORANGE))
    return data_uri(np.rint(255 + (end - 255) * np.abs(part)).astype(np.uint8))


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """Return the data URI of a PNG of pixels (Y, X) or (Y, X, 3)."""
    import imagecodecs

    png = bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels), level=9))
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
