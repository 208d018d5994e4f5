"""What surrounds a constant area: whether it was filled, or is clipped background or saturated pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.constant_areas import Mask, dilated
from core.stack import Pixels

LEAST = 24
"""Smallest area of a value in a plane, in pixels, that is examined."""

_EQUAL = 0.75
"""Largest fraction of pixels next to such a value that differ from it by one step or less."""

_SIMPLE, _TILED = 3, 5
"""Largest length of the outlines of a fill, relative to the sum of the sides of a plane: around a field of
view, and between tiles. Specimens have longer outlines.
"""

_NEAR, _SEPARATE = 0.25, 0.05
"""Largest fraction of the pixels next to a fill that are nearer to its value than this part of the median."""

_SURROUNDING = 0.25
"""Least fraction of the border of a plane that belongs to a fill brighter than the pixels next to it."""

_COMMON = 0.75
"""Fraction of a value next to an area above which that area is background clipped to this value."""

_ABRUPT = 0.7
"""Least part of the step at the border of a filled area within two pixels of it."""

_EVENLY = 1.5
"""Largest ratio of fractions of a value near and far from an area that was filled with it."""

_STEP = 3.0
"""Least step to the fill value at the border of an area, in units of the change of brightness beside it."""

_WITHIN = 0.005
"""Least fraction of values below and above a value that is neither clipped background nor saturated."""


def step_of(values: NDArray[np.float64]) -> float:
    """Return the usual distance of neighbouring values."""
    steps = np.diff(np.unique(values))
    return float(np.quantile(steps, 0.1)) if steps.size else 0.0


def _ring(plane: Pixels, area: Mask, rest: Mask) -> NDArray[np.float64]:
    """Return the values of the pixels next to an area."""
    found: NDArray[np.float64] = plane[dilated(area, 2) & ~area & rest].astype(np.float64)
    return found


def is_noisy(plane: Pixels, area: Mask, rest: Mask, value: float, step: float) -> bool:
    """Return whether the pixels next to an area scatter, rather than differ from it by single steps."""
    ring = _ring(plane, area, rest)
    return ring.size >= LEAST and float(np.mean(np.abs(ring - value) <= step)) < _EQUAL


def is_separate(plane: Pixels, area: Mask, rest: Mask, value: float) -> bool:
    """Return whether the pixels next to an area have values far from its own, beyond noise.

    Next to clipped background and to saturated pixels, noise and blur bring some of them near it.
    """
    ring = _ring(plane, area, rest)
    if ring.size < LEAST or np.count_nonzero(dilated(area, 1) & ~area) > _TILED * sum(plane.shape):
        return False
    if value >= float(ring.max()) and _part_of_border(area) < _SURROUNDING:
        return False
    distances = np.abs(ring - value)
    return float(np.mean(distances <= _NEAR * np.median(distances))) < _SEPARATE


def has_edge(plane: Pixels, area: Mask, known: Mask, value: float) -> bool:
    """Return whether a constant area was filled, rather than clipped or saturated, by what surrounds it.

    The brightness next to a fill differs from it by a step. Next to clipped background and to saturated
    pixels it changes gradually, or only single pixels differ from them.
    """
    edge = dilated(area, 1) & ~area
    nearest, near, far = (
        plane[dilated(area, outer) & ~dilated(area, inner) & known]
        for inner, outer in ((0, 2), (2, 4), (6, 8))
    )
    around = dilated(area, 8) & ~dilated(area, 2) & known
    if near.size < max(int(edge.sum()), 16) or not far.size:
        return False
    if edge.sum() > _SIMPLE * sum(plane.shape):
        return False
    equal = [float(np.mean(ring == value)) for ring in (nearest, near, far)]
    if max(equal) > _COMMON or _equal_neighbours(plane, around) > _COMMON:
        return False
    if max(equal[:2]) > _EVENLY * equal[2] + 0.05:  # this value becomes rarer gradually
        return False
    if value >= float(plane[known].max()) and _part_of_border(area) < _SURROUNDING:
        return False  # saturated
    first, second, third = (float(ring.mean(dtype=np.float64)) for ring in (nearest, near, far))
    step = abs(second - value)
    return abs(first - value) > _ABRUPT * step and step > _STEP * abs(third - second)


def _part_of_border(area: Mask) -> float:
    """Return the fraction of the border of a plane that belongs to an area."""
    return float(np.concatenate([area[0], area[-1], area[:, 0], area[:, -1]]).mean())


def _equal_neighbours(plane: Pixels, where: Mask) -> float:
    """Return the fraction of pixels that equal their right neighbour."""
    pairs = where[:, 1:] & where[:, :-1]
    return float(np.mean(plane[:, 1:][pairs] == plane[:, :-1][pairs])) if pairs.any() else 0.0


def is_within(value: float, values: NDArray[np.float64]) -> bool:
    """Return whether a value is neither among the smallest nor among the largest of others."""
    return bool(min(np.mean(values < value), np.mean(values > value)) > _WITHIN)


def alternation(plane: Pixels, rest: Mask) -> float:
    """Return the fraction of pixels above or below both neighbours in a row: 2/3 for noise."""
    known = rest[:, 2:] & rest[:, 1:-1] & rest[:, :-2]
    if not known.any():
        return 0.0
    before, here, after = plane[:, :-2], plane[:, 1:-1], plane[:, 2:]
    return float((((here > before) & (here > after)) | ((here < before) & (here < after)))[known].mean())
