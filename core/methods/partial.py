"""Filters of images of which some pixels were not recorded: only recorded pixels count."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.progress import Context

AT_ONCE = 2**22
"""Number of pixels of windows that are sorted at once."""

COMPLETE = 1 - 2e-6
"""Sum of the weights of recorded pixels above which all pixels with a weight were recorded."""

Mask = NDArray[np.bool_]
Smooth = Callable[[NDArray[Any]], NDArray[np.float32]]


def normalised(pixels: NDArray[Any], recorded: Mask, smooth: Smooth) -> NDArray[np.float32]:
    """Return the weighted mean of recorded pixels (normalised convolution).

    Knutsson and Westin 1993, doi:10.1109/CVPR.1993.341081.

    Parameters
    ----------
    pixels : ndarray
        Any real type, in counts.
    recorded : ndarray of bool
        Recorded pixels, with the shape of `pixels`.
    smooth : callable
        The linear filter; its weights sum to 1.

    Returns
    -------
    ndarray of float32
        Equal to ``smooth(pixels)`` where all pixels with a weight were recorded. 0 where none was.
    """
    total = smooth(np.where(recorded, pixels, pixels.dtype.type(0)))
    weight = smooth(recorded.astype(np.float32))
    some = (weight < COMPLETE) & (weight > 0)
    np.divide(total, weight, out=total, where=some)
    return total


def median(
    pixels: NDArray[Any],
    recorded: Mask,
    window: Sequence[int],
    whole: Callable[[NDArray[Any]], NDArray[np.float32]],
    context: Context,
) -> NDArray[np.float32]:
    """Return the median of the recorded pixels in the window around every pixel; borders are reflected.

    Parameters
    ----------
    pixels : ndarray
        Any real type, in counts.
    recorded : ndarray of bool
        Recorded pixels, with the shape of `pixels`.
    window : sequence of int
        Odd extent along each axis.
    whole : callable
        Median filter for windows in which all pixels were recorded.
    context : Context
        Cancellation.

    Returns
    -------
    ndarray of float32
        Mean of the two middle values for an even number of pixels; 0 for pixels that were not recorded.
    """
    pads = [(extent // 2, extent // 2) for extent in window]
    incomplete = _touched(~recorded, window) & recorded
    result = np.where(recorded, whole(np.where(recorded, pixels, pixels.dtype.type(0))), np.float32(0))
    values = np.pad(np.where(recorded, pixels, np.nan).astype(np.float64), pads, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(values, tuple(window))
    places = np.nonzero(incomplete)
    step = max(1, AT_ONCE // math.prod(window))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(places[0]), step):
            context.check()
            some = tuple(index[start : start + step] for index in places)
            ranked = np.sort(windows[some].reshape(len(some[0]), -1), axis=1)  # NaN comes last
            count = np.count_nonzero(~np.isnan(ranked), axis=1)
            row = np.arange(len(ranked))
            result[some] = (ranked[row, (count - 1) // 2] + ranked[row, count // 2]) / 2
    return result


def _touched(lost: Mask, window: Sequence[int]) -> Mask:
    """Return the pixels whose window contains a pixel that was not recorded."""
    from scipy import ndimage  # imported here, so that the window starts without scipy

    for axis, extent in enumerate(window):
        if extent > 1:
            lost = ndimage.maximum_filter1d(lost.view(np.uint8), extent, axis, mode="reflect").view(bool)
    return lost
