"""Exact median of a window, computed by a sorting network over shifted views of the image.

Every comparison of the network is one `numpy.minimum` or `numpy.maximum` of many rows of pixels, so that a
processor compares 16 or 32 pixels at once without branches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.methods.slabs import Slabs, corners, strides
from core.methods.sorting import Network, Value, network
from core.progress import Context

SLAB_BYTES = 2**23
"""Memory of one slab with all buffers of the network, in bytes; it fits into the third-level cache."""

SLAB_PIXELS = 2**17
"""Smallest slab with its neighbours, in pixels; below it, calls of numpy dominate the computing time."""


@dataclass(frozen=True, slots=True)
class _Schedule:
    """A network with a buffer for every node; buffers are reused.

    Attributes
    ----------
    places : int
        Number of buffers; the first ones hold the inputs.
    offsets : ndarray
        Displacement of the second operand, one row for each comparison.
    steps : tuple of (ufunc, int, int, int)
        Function of each comparison, and the buffers of its operands and its result.
    medians : tuple of (int, Offset)
        Buffers of the results.
    """

    places: int
    offsets: NDArray[np.intp]
    steps: tuple[tuple[np.ufunc, int, int, int], ...]
    medians: tuple[Value, ...]


@lru_cache(maxsize=64)
def _schedule(net: Network) -> _Schedule:
    last = {node: step for step, c in net.nodes for node in (c.first, c.second)}
    last |= {node: net.nodes[-1][0] + 1 for node, _ in net.medians}
    place = {node: node for node in range(net.group)}
    spare: list[int] = []
    places = net.group
    steps = []
    for node, c in net.nodes:
        first, second = place[c.first], place[c.second]
        done = {n for n in (c.first, c.second) if last[n] == node}
        if c.first in done and c.first != c.second:
            result = first  # overwritten in place
            done.remove(c.first)
        elif spare:
            result = spare.pop()
        else:
            result, places = places, places + 1
        spare += [place[n] for n in done]
        place[node] = result
        steps.append((np.maximum if c.larger else np.minimum, first, second, result))
    medians = tuple((place[node], offset) for node, offset in net.medians)
    offsets = np.array([c.offset for _, c in net.nodes], np.intp)
    return _Schedule(places, offsets, tuple(steps), medians)


class _Program:
    """A network with buffers for slabs of one shape and type."""

    def __init__(self, net: Network, padded: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        schedule = _schedule(net)
        self.lattice = tuple(n // net.group if axis == net.axis else n for axis, n in enumerate(padded))
        steps = np.array(strides(self.lattice), np.intp)
        lines = [np.empty(math.prod(self.lattice), dtype) for _ in range(schedule.places)]
        length = [len(line) for line in lines]  # used length of each buffer; shifting shortens it
        self.inputs = [line.reshape(self.lattice) for line in lines[: net.group]]
        self.calls = []
        shifts: list[int] = (schedule.offsets @ steps).tolist()
        for (function, first, second, result), shift in zip(schedule.steps, shifts, strict=True):
            n = min(length[first], length[second] - shift)
            operands = lines[first][:n], lines[second][shift : shift + n]
            self.calls.append((function, *operands, lines[result][:n]))
            length[result] = n
        self.medians = [
            lines[place][int(np.dot(offset, steps)) : length[place]] for place, offset in schedule.medians
        ]

    def run(self) -> None:
        for function, first, second, result in self.calls:
            function(first, second, out=result)


def median(
    pixels: NDArray[Any], window: tuple[int, ...], context: Context | None = None
) -> NDArray[np.float32]:
    """Return the median of the window around every pixel; borders are reflected.

    Parameters
    ----------
    pixels : ndarray
        Any number of axes, any integer or floating type.
    window : tuple of int
        Odd extent along each axis; 1 leaves an axis unchanged.
    context : Context, optional
        Cancellation.

    Returns
    -------
    ndarray of float32
        Exact in the type of `pixels`, then converted. Every window with a NaN gives NaN.

    Raises
    ------
    Cancelled
        If the context is cancelled.
    """
    if math.prod(window) == 1:
        with np.errstate(over="ignore", invalid="ignore"):
            return pixels.astype(np.float32)
    context = context or Context()
    out = np.empty(pixels.shape, np.float32)
    dtype = np.dtype(np.float32) if pixels.dtype == np.float16 else pixels.dtype
    net = network(window)
    multiple = tuple(net.group if axis == net.axis else 1 for axis in range(pixels.ndim))
    budget = max(SLAB_BYTES * net.group // (_schedule(net).places * dtype.itemsize), SLAB_PIXELS)
    slabs = Slabs.plan(pixels.shape, [w // 2 for w in window], budget, multiple)
    padded = np.empty(slabs.padded, dtype)
    program = _Program(net, slabs.padded, dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # values beyond float32, NaN
        for box in slabs:
            context.check()
            slabs.load(pixels, box, padded)
            for start, line in enumerate(program.inputs):
                line[...] = padded[_every(net, start)]
            program.run()
            target = out[box]
            for start, line in enumerate(program.medians):
                part = target[_every(net, start)]
                part[...] = corners(line, program.lattice, part.shape)
    return out


def _every(net: Network, start: int) -> tuple[slice, ...]:
    return tuple(
        slice(start, None, net.group) if axis == net.axis else slice(None) for axis in range(len(net.window))
    )
