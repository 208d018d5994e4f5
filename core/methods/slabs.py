"""Filter an array in slabs that fit the processor's cache, with reflected borders.

A slab is a box of the array with its neighbours (the halo), stored contiguously. Neighbouring pixels then
have a fixed distance in memory, so a filter consists of a few operations on shifted views. These operations
also compute values across the ends of rows; they belong to no pixel of the box and are never read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]


def reflected_indices(start: int, stop: int, size: int) -> NDArray[np.intp]:
    """Return the indices of the pixels at positions `start` to `stop` of an axis of `size` pixels.

    Outside the axis, pixels are mirrored and the outermost pixel is repeated:
    ``d c b a | a b c d | d c b a``.
    """
    position = np.arange(start, stop) % (2 * size)
    return np.minimum(position, 2 * size - 1 - position)


@dataclass(frozen=True, slots=True)
class Slabs:
    """Partition of an array into slabs.

    Attributes
    ----------
    shape : tuple of int
        Shape of the array.
    radius : tuple of int
        Number of neighbours needed on each side along each axis.
    multiple : tuple of int
        The padded length of a slab along each axis is a multiple of this.
    chunk : tuple of int
        Shape of a slab without its neighbours.
    """

    shape: tuple[int, ...]
    radius: tuple[int, ...]
    multiple: tuple[int, ...]
    chunk: tuple[int, ...]

    @classmethod
    def plan(
        cls,
        shape: Sequence[int],
        radius: Sequence[int],
        pixels: int,
        multiple: Sequence[int] | None = None,
        *,
        separable: bool = False,
    ) -> Slabs:
        """Partition an array into slabs of about `pixels` pixels, including neighbours.

        Parameters
        ----------
        shape, radius, multiple : sequence of int
            See the attributes; `multiple` is 1 by default.
        pixels : int
            Target size of a slab.
        separable : bool
            Whether neighbours outside the slab along the first axes cost no more than loading them; then only
            rows that are too long for the cache are cut. Otherwise the array is cut where it costs least.
        """
        multiple = tuple(multiple or (1,) * len(shape))
        chunk = list(shape)
        row = len(shape) - 1

        def cost(axis: int) -> tuple[bool, float, int]:
            half = (chunk[axis] + 1) // 2
            return axis == row and half < 128, 2 * radius[axis] / half, axis

        while math.prod(c + 2 * r for c, r in zip(chunk, radius, strict=True)) > pixels:
            able = [a for a, c in enumerate(chunk) if c > (16 if radius[a] else 1) and c > multiple[a]]
            if separable:
                able = [a for a in able if chunk[a] > (4096 if a == row else 2 * radius[a])]
            else:
                able = [a for a in able if chunk[a] > 2 * radius[a]] or able
            if not able:
                break
            axis = min(able, key=cost)
            half = (chunk[axis] + 1) // 2
            chunk[axis] = half + -half % multiple[axis]
        return cls(tuple(shape), tuple(radius), multiple, tuple(chunk))

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape of a slab with its neighbours; it is equal for all slabs of an array."""
        return tuple(
            length + -length % m
            for length, m in (
                (c + -c % m + 2 * r, m)
                for c, r, m in zip(self.chunk, self.radius, self.multiple, strict=True)
            )
        )

    def __iter__(self) -> Iterator[Box]:
        counts = [range(0, size, c) for size, c in zip(self.shape, self.chunk, strict=True)]
        for index in np.ndindex(*(len(c) for c in counts)):
            yield tuple(
                slice(c[i], min(c[i] + n, size))
                for c, i, n, size in zip(counts, index, self.chunk, self.shape, strict=True)
            )

    def load(self, array: NDArray[Any], box: Box, out: NDArray[Any]) -> None:
        """Copy a box with its neighbours into `out`, of shape `padded` and any type."""
        starts = [part.start - r for part, r in zip(box, self.radius, strict=True)]
        stops = [start + length for start, length in zip(starts, out.shape, strict=True)]
        inside = [
            start >= 0 and stop <= size for start, stop, size in zip(starts, stops, array.shape, strict=True)
        ]
        sizes = array.shape
        array = array[
            tuple(
                slice(a, b) if within else slice(None)
                for a, b, within in zip(starts, stops, inside, strict=True)
            )
        ]
        last = len(sizes) - 1
        for axis in range(last):
            if not inside[axis]:
                array = array.take(reflected_indices(starts[axis], stops[axis], sizes[axis]), axis)
        if inside[last]:
            out[...] = array
            return
        start, stop, size = starts[last], stops[last], sizes[last]
        left, right = max(start, 0), min(stop, size)
        out[..., left - start : right - start] = array[..., left:right]
        if start < 0:
            out[..., :-start] = array[..., reflected_indices(start, 0, size)]
        if stop > size:
            out[..., size - start :] = array[..., reflected_indices(size, stop, size)]


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the distance in pixels between neighbours along each axis of a contiguous array."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def corners(flat: NDArray[Any], padded: Sequence[int], box: Sequence[int]) -> NDArray[Any]:
    """Return a view of the first `box` pixels along each axis of a flat array with the shape `padded`."""
    steps = tuple(s * flat.itemsize for s in strides(padded))
    return np.lib.stride_tricks.as_strided(flat, tuple(box), steps)


def shape_of(box: Box) -> tuple[int, ...]:
    """Return the length of a box along each axis."""
    return tuple(s.stop - s.start for s in box)
