"""Areas of one constant value in a plane: squares, strips along its borders, and what is connected to them.

An area is larger than noise leaves constant by chance: the more frequent a value is elsewhere, the larger its
areas have to be.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from core.stack import Pixels

LARGEST = 9
"""Side in pixels of the largest constant squares that are searched for."""

GROWTH = 8
"""Number of pixels by which an area is extended by pixels of the same value."""

MARGIN = 32
"""Distance in pixels over which other pixels affect whether a pixel belongs to an area."""

SMALL = 4
"""Side in pixels of the squares that reveal the values of areas."""

_CHANCE = 24.0
"""Negative decimal logarithm of the probability that a square is constant by chance."""

_ALONG_BORDER = 9.0
"""The same for the recorded part of a square that reaches beyond the border of a plane."""

_RUNNING = 0.1
"""Largest frequency of a value whose runs along the border of a plane are areas."""

_GROWING = 0.3
"""Largest frequency of a value whose areas are extended."""

_BLOCK = 32
"""Side in pixels of the parts of a plane in which frequencies are measured."""

Mask = NDArray[np.bool_]
Pads = list[tuple[int, int]]
Part = tuple[slice, slice]
"""Rows and columns of a part of a plane."""


def side_of(frequency: float) -> int | None:
    """Return the side of a square that is not constant by chance; None if there is none.

    Parameters
    ----------
    frequency : float
        Largest local frequency of a value outside its areas, above 0.
    """
    if frequency >= 1:
        return None
    side = max(2, math.ceil(math.sqrt(_CHANCE / -math.log10(frequency))))
    return side if side <= LARGEST else None


def find_area(
    plane: Pixels, value: float, side: int, frequency: float, inside: Part, shape: tuple[int, int]
) -> Mask:
    """Return the pixels of the areas of a value.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Pixels of a part of a plane, of any real type.
    value : float
        Value of the areas.
    side : int
        Side of the smallest square; 1 for all pixels of the value but single ones.
    frequency : float
        Largest local frequency of the value outside its areas.
    inside : tuple of slice
        Rows and columns of the part in the plane.
    shape : tuple of int
        Shape of the whole plane.
    """
    equal: Mask = plane == value
    if not equal.any():
        return equal
    if side == 1:
        return equal & (_neighbours(equal) > 1)
    # near a border, the recorded part of a square has at least this many rows
    rows = math.ceil(_ALONG_BORDER / (-math.log10(max(frequency, 1e-9)) * side))
    found = _opened(equal, side, pads_of(inside, shape, max(0, side - rows)))
    if frequency <= _RUNNING:
        _add_runs(found, equal, math.ceil(_CHANCE / -math.log10(frequency)), pads_of(inside, shape, 1))
    if found.any() and frequency < _GROWING:
        found = _grown(found, equal)
    return found


def find_values(plane: Pixels, inside: Part, shape: tuple[int, int], side: int = SMALL) -> dict[float, int]:
    """Return the values of constant squares and their numbers; arguments as in `find_area`."""
    pads = pads_of(inside, shape, side // 2)
    if not may_hold_squares(plane, pads, side):
        return {}
    wide = np.pad(plane, pads, mode="edge")
    if min(wide.shape) < side:
        return {}
    corners = _all(wide[:, 1:] == wide[:, :-1], side, side - 1) & _all(wide[1:] == wide[:-1], side - 1, side)
    corners &= ~_beyond_corner(corners.shape, pads)
    values, counts = np.unique(wide[: corners.shape[0], : corners.shape[1]][corners], return_counts=True)
    return {float(v): int(n) for v, n in zip(values, counts, strict=True) if np.isfinite(v)}


def frequency_of(mask: Mask, known: Mask) -> float:
    """Return the largest frequency of true pixels among known ones in the parts of a plane, 0 to 1."""
    rows, columns = (max(n // _BLOCK, 1) for n in mask.shape)
    height, width = (min(n, _BLOCK) for n in mask.shape)

    def sums(values: Mask) -> NDArray[np.int64]:
        cut = values[: rows * height, : columns * width].reshape(rows, height, columns, width)
        found: NDArray[np.int64] = cut.sum((1, 3))
        return found

    total, true = sums(known), sums(mask & known)
    enough = total >= max(1, min(height * width // 4, int(total.max())))
    return float((true[enough] / total[enough]).max()) if total.any() else 1.0


def repetition(plane: Pixels, known: Mask) -> float:
    """Return the largest fraction of equal neighbours in a row in the parts of a plane."""
    pairs = known[:, 1:] & known[:, :-1]
    return frequency_of(plane[:, 1:] == plane[:, :-1], pairs) if pairs.any() else 1.0


def is_constant(plane: Pixels) -> bool:
    """Return whether all pixels of a plane (Y, X) have one value."""
    first = plane[0, 0]
    return bool(plane[-1, -1] == first and plane[0, -1] == first and (plane == first).all())


def pads_of(inside: Part, shape: tuple[int, int], reach: int) -> Pads:
    """Return by how many pixels a part is padded at the borders of its plane."""
    return [
        (reach if part.start == 0 else 0, reach if part.stop == size else 0)
        for part, size in zip(inside, shape, strict=True)
    ]


def may_hold_squares(plane: Pixels, pads: Pads, side: int) -> bool:
    """Return quickly that a plane holds no constant square; every square covers one of the tested rows."""
    lines = [plane[side // 2 - 1 :: side // 2]]
    if pads[0][0] or pads[0][1]:
        lines += [plane[:1], plane[-1:]]
    if pads[1][0] or pads[1][1]:
        lines += [plane[:, :1].T, plane[:, -1:].T]
    return any(_all(line[:, 1:] == line[:, :-1], 1, side // 2 - 1 or 1).any() for line in lines)


def may_hold_areas(planes: Pixels) -> bool:
    """Return whether constant areas may lie in parts of planes (..., Y, X), or reach into them.

    Few parts of noisy planes of 16 bits contain four equal pixels in a square, or three at their borders.
    """
    across = planes[..., 1:] == planes[..., :-1]
    if (across[..., 1:, :] & across[..., :-1, :] & (planes[..., 1:, 1:] == planes[..., :-1, 1:])).any():
        return True
    down = planes[..., 1:, :: _ends(planes.shape[-1])] == planes[..., :-1, :: _ends(planes.shape[-1])]
    along = across[..., :: _ends(planes.shape[-2]), :]
    return bool((along[..., 1:] & along[..., :-1]).any() or (down[..., 1:, :] & down[..., :-1, :]).any())


def _ends(size: int) -> int:
    """Return the step from the first to the last of several rows."""
    return max(size - 1, 1)


def dilated(mask: Mask, reach: int) -> Mask:
    """Return the pixels within a distance of true ones, in a square neighbourhood."""
    return ~_all(np.pad(~mask, reach, constant_values=True), 2 * reach + 1, 2 * reach + 1)


def _opened(equal: Mask, side: int, pads: Pads) -> Mask:
    """Return the pixels covered by squares of true pixels; pixels beyond borders repeat those at them."""
    wide = np.pad(equal, pads, mode="edge")
    if min(wide.shape) < side:
        return np.zeros(equal.shape, bool)
    corners = _all(wide, side, side)
    corners &= ~_beyond_corner(corners.shape, pads)
    covered = ~_all(~np.pad(corners, side - 1), side, side)
    return covered[tuple(slice(a, a + n) for (a, _), n in zip(pads, equal.shape, strict=True))]


def _beyond_corner(shape: tuple[int, ...], pads: Pads) -> Mask:
    """Return which squares lie beyond two borders: they contain few recorded pixels."""
    rows, columns = (
        (np.arange(n) < before) | (np.arange(n) >= n - after)
        for n, (before, after) in zip(shape, pads, strict=True)
    )
    return np.outer(rows, columns)


def _all(mask: Mask, rows: int, columns: int) -> Mask:
    """Return for every window of a size whether the mask is true everywhere in it."""
    for axis, extent in enumerate((rows, columns)):
        count = 1
        while count < extent:
            step = min(count, extent - count)
            one, other = (_shifted(mask, axis, start, step) for start in (0, step))
            mask = one & other
            count += step
    return mask


def _shifted(mask: Mask, axis: int, start: int, step: int) -> Mask:
    stop = max(mask.shape[axis] - step, 0) + start
    return mask[start:stop] if axis == 0 else mask[:, start:stop]


def _add_runs(found: Mask, equal: Mask, length: int, at_border: Pads) -> None:
    """Add runs of true pixels along the borders of a plane, which strips of one row or column consist of."""
    for turned, mask, ends in ((found, equal, at_border[0]), (found.T, equal.T, at_border[1])):
        for row, present in zip((0, -1), ends, strict=True):
            if present and mask.shape[1] >= length:
                turned[row] |= _opened(mask[row][None].repeat(length, 0), length, [(0, 0), (0, 0)])[0]


def _neighbours(mask: Mask) -> NDArray[np.uint8]:
    """Return the number of true pixels among each pixel and its eight neighbours."""
    wide = np.pad(mask, 1, mode="edge").astype(np.uint8)
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    near: NDArray[np.uint8] = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return near


def _grown(found: Mask, equal: Mask) -> Mask:
    """Extend areas to pixels of the same value of which three or more neighbours belong to them."""
    for _ in range(GROWTH):
        wider = found | (equal & (_neighbours(found) >= 3))
        if (wider == found).all():
            break
        found = wider
    return found
