"""Mean and Gaussian filters, applied axis by axis in slabs that fit the cache.

Sums are computed in float32 over shifted views, in an order that does not depend on how the image is cut:
a part of an image gives the same bits as the whole. No running sum is used, so a NaN or an infinity
affects only the windows that contain it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.methods.slabs import Slabs, corners, shape_of, strides
from core.progress import Context

SLAB_PIXELS = 2**18
"""Pixels of a slab with its neighbours; three float32 buffers of this size, 3 MB, stay in the cache."""

Line = NDArray[np.float32]
Pass = Callable[[Line, Line, Line, int], tuple[Line, Line, Line]]
"""A filter along one axis: takes the pixels, two spare buffers and the distance between neighbours, and
returns the result and the other two buffers.
"""


def mean(pixels: NDArray[Any], window: Sequence[int], context: Context | None = None) -> NDArray[np.float32]:
    """Return the mean of the window around every pixel; borders are reflected.

    Parameters
    ----------
    pixels : ndarray
        Any number of axes, any real type.
    window : sequence of int
        Odd extent along each axis; 1 leaves an axis unchanged.
    context : Context, optional
        Cancellation.

    Returns
    -------
    ndarray of float32
        Same shape as `pixels`.

    Raises
    ------
    Cancelled
        If the context is cancelled.
    """
    count = np.float32(math.prod(window))
    passes = [_sums(extent) for extent in window]
    return _run(pixels, [w // 2 for w in window], passes, count, context)


def convolve(
    pixels: NDArray[Any], kernels: Sequence[NDArray[np.float64]], context: Context | None = None
) -> NDArray[np.float32]:
    """Convolve with a symmetric kernel along each axis; borders are reflected.

    Parameters
    ----------
    pixels : ndarray
        Any number of axes, any real type.
    kernels : sequence of ndarray
        Odd number of weights for each axis; a single weight of 1 leaves an axis unchanged.
    context : Context, optional
        Cancellation.

    Returns
    -------
    ndarray of float32
        Same shape as `pixels`.

    Raises
    ------
    Cancelled
        If the context is cancelled.
    """
    passes = [_weighted(kernel) for kernel in kernels]
    return _run(pixels, [len(k) // 2 for k in kernels], passes, np.float32(1), context)


def _sums(extent: int) -> Pass:
    """Return a pass that sums `extent` neighbours in about log2(extent) additions."""

    def run(line: Line, spare: Line, other: Line, step: int) -> tuple[Line, Line, Line]:
        total, count = line, 1
        length = len(line)
        for digit in bin(extent)[3:]:
            length -= count * step
            target = other if np.shares_memory(total[:1], spare[:1]) else spare
            total = np.add(total[:length], total[count * step : count * step + length], out=target[:length])
            count *= 2
            if digit == "1":
                length -= step
                total = total[:length]
                np.add(total, line[count * step : count * step + length], out=total)
                count += 1
        if np.shares_memory(total[:1], spare[:1]):
            return total, line, other
        return total, line, spare

    return run


def _weighted(kernel: NDArray[np.float64]) -> Pass:
    """Return a pass that sums weighted neighbours, two at a time, smallest weights first."""
    radius = len(kernel) // 2
    weights = kernel[radius:].astype(np.float32)

    def run(line: Line, total: Line, term: Line, step: int) -> tuple[Line, Line, Line]:
        length = len(line) - 2 * radius * step
        result, product = total[:length], term[:length]
        for distance in range(radius, 0, -1):
            left, right = (radius - distance) * step, (radius + distance) * step
            target = result if distance == radius else product
            np.add(line[left : left + length], line[right : right + length], out=target)
            np.multiply(target, weights[distance], out=target)
            if distance < radius:
                np.add(result, product, out=result)
        np.multiply(line[radius * step : radius * step + length], weights[0], out=product)
        np.add(result, product, out=result)
        return result, line, term

    return run


def _run(
    pixels: NDArray[Any],
    radius: Sequence[int],
    passes: Sequence[Pass],
    divisor: np.float32,
    context: Context | None,
) -> NDArray[np.float32]:
    context = context or Context()
    out = np.empty(pixels.shape, np.float32)
    slabs = Slabs.plan(pixels.shape, radius, SLAB_PIXELS, separable=True)
    padded = slabs.padded
    whole = [np.empty(math.prod(padded), np.float32) for _ in range(3)]
    with np.errstate(over="ignore", invalid="ignore"):
        for box in slabs:
            context.check()
            slabs.load(pixels, box, whole[0].reshape(padded))
            line, spare, other = whole
            for reach, run, step in zip(radius, passes, strides(padded), strict=True):
                if reach:
                    line, spare, other = run(line, _full(spare), _full(other), step)
            result = corners(line, padded, shape_of(box))
            if divisor == 1:
                out[box] = result
            else:
                np.divide(result, divisor, out=out[box])
    return out


def _full(line: Line) -> Line:
    """Return the whole buffer of a shortened view."""
    return line if line.base is None else line.base
