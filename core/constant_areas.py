"""Constant areas of a plane: whether they were filled, or are clipped background or saturated pixels.

Noise does not leave an area of 8 x 8 pixels exactly constant, unless dark background is clipped, bright
pixels are saturated, or there is hardly any noise. Some planes tell which of these occur in a channel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.stack import Pixels

SIDE = 8
"""Side in pixels of the smallest constant square that counts as filled."""

GROWTH = 8
"""Number of pixels by which a filled area is extended along connected pixels of the same value."""

MARGIN = 2 * SIDE + GROWTH
"""Distance in pixels over which other pixels affect whether a pixel counts as recorded."""

LEAST = 256
"""Smallest area, in pixels, of a fill value in planes where noise alone leaves small areas constant."""

_NARROW, _LINE = 0.15, 0.06
"""Fractions of equal neighbours below which two rows, or one row, at the border of a plane may be a fill."""

_REPEATED = 0.6
"""Fraction of equal neighbours in the most uniform part above which noise may leave areas constant."""

_COMMON = 0.75
"""Fraction of a value next to an area above which that area is background clipped to this value."""

_ABRUPT = 0.7
"""Least part of the step at the border of a filled area within two pixels of it."""

_EVENLY = 1.5
"""Largest ratio of fractions of a value near and far from an area that was filled with it."""

_BLANK = 0.9
"""Fraction of a value in other planes above which a plane of this value may have been recorded."""

_MOSTLY = 20
"""Least ratio of filled to other areas of one value for which all of them count as filled."""

_RUN = 4
"""Number of equal pixels at the border of a part of a plane from which an area may reach into it."""

MOST = 8
"""Largest number of values of constant areas that are examined in a plane."""

_STEP = 3.0
"""Least step to the fill value at the border of an area, in units of the change of brightness beside it."""

Mask = NDArray[np.bool_]
Pads = list[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which constant areas of a channel were not recorded.

    Attributes
    ----------
    fills : tuple of float
        Values of areas that were not recorded, in counts.
    below : float
        Constant areas of any smaller value were not recorded; minus infinity if noise may cause them.
    repeated : float
        Largest fraction of equal neighbours in parts of the recorded pixels, 0 to 1.
    blank : bool
        Whether a constant plane was not recorded.
    share : float
        Fraction of sampled pixels that were not recorded, 0 to 1.
    """

    fills: tuple[float, ...] = ()
    below: float = -math.inf
    repeated: float = 1.0
    blank: bool = False
    share: float = 0.0

    def filled(self, plane: Pixels, inside: tuple[slice, slice], shape: tuple[int, int]) -> Mask | None:
        """Return which pixels of a part of a plane belong to filled areas; None if there are none.

        Parameters
        ----------
        plane : ndarray, shape (Y, X)
            Pixels of any real type, in counts.
        inside : tuple of slice
            Rows and columns of the part in the plane.
        shape : tuple of int
            Shape of the whole plane.
        """
        if not self.fills and self.below == -math.inf:
            return None
        reach = SIDE - (1 if self.repeated < _LINE else 2 if self.repeated < _NARROW else SIDE)
        pads = _pads(inside, shape, reach)
        if not _may_hold_squares(plane, pads):
            return None
        wide = np.pad(plane, pads, mode="edge") if reach else plane
        corners = _constant_squares(wide, pads)
        if corners is None:
            return None
        values = wide[: corners.shape[0], : corners.shape[1]]
        corners &= np.isin(values, self.fills) | (values < np.float64(self.below))
        if not corners.any():
            return None
        found = _cover(corners)[_unpadded(pads, plane.shape)]
        return _grown(found, plane) if self.repeated < _NARROW else found


@dataclass(slots=True, kw_only=True)
class Sample:
    """What some planes of a channel tell about its constant areas.

    Attributes
    ----------
    filled, other : dict of float to int
        Number of pixels in constant areas by value: filled ones; and clipped or saturated ones.
    brightest : float
        Largest value outside constant areas.
    repeated, common : float
        Largest fraction of equal neighbours in a part of a plane, and of one value in a plane.
    """

    filled: dict[float, int] = field(default_factory=dict)
    other: dict[float, int] = field(default_factory=dict)
    brightest: float = -math.inf
    repeated: float = 0.0
    common: float = 0.0

    def add(self, plane: Pixels, inside: tuple[slice, slice], shape: tuple[int, int]) -> None:
        """Examine a part of a plane; arguments as in `Rule.filled`. Constant planes tell nothing."""
        known = np.isfinite(plane) if plane.dtype.kind == "f" else np.ones(plane.shape, bool)
        if not known.any() or is_constant(plane):
            return
        known &= ~self._constant(plane, known, _pads(inside, shape, SIDE - 2))
        if not known.any():
            return
        self.brightest = max(self.brightest, float(plane[known].max()))
        self.repeated = max(self.repeated, _repetition(plane, known))
        some = plane[known]
        counts = np.unique(some[:: max(1, some.size // 2**16)], return_counts=True)[1]
        self.common = max(self.common, float(counts.max() / counts.sum()))

    def rule(self) -> Rule:
        """Return the rule for all planes of the channel."""
        if self.brightest == -math.inf:
            return Rule()
        fills = {value for value, count in self.filled.items() if count > _MOSTLY * self.other.get(value, 0)}
        noisy = self.repeated <= _REPEATED and fills >= set(self.other)
        return Rule(
            fills=tuple(sorted(fills)), below=self.brightest if noisy else -math.inf, repeated=self.repeated,
            blank=self.common < _BLANK,
        )  # fmt: skip

    def _constant(self, plane: Pixels, known: Mask, pads: Pads) -> Mask:
        """Count the constant areas of a plane by value, and return their pixels."""
        everywhere = np.zeros(plane.shape, bool)
        wide = np.pad(plane, pads, mode="edge")
        corners = _constant_squares(wide, pads)
        if corners is None or not corners.any():
            return everywhere
        inner = _constant_squares(plane)  # without repeated pixels
        values = wide[: corners.shape[0], : corners.shape[1]]
        found, counts = np.unique(values[corners], return_counts=True)
        for value in found[np.argsort(-counts, kind="stable")][:MOST]:
            area = _cover(corners & (values == value))[_unpadded(pads, plane.shape)]
            size = int(np.count_nonzero(area))
            if size >= min(LEAST, plane.size // 32) and _is_fill(plane, area, known, float(value)):
                self.filled[float(value)] = self.filled.get(float(value), 0) + size
            else:
                area = np.zeros(plane.shape, bool)
                if inner is not None:
                    area = _cover(inner & (plane[: inner.shape[0], : inner.shape[1]] == value))
                if area.any():
                    size = int(np.count_nonzero(area))
                    self.other[float(value)] = self.other.get(float(value), 0) + size
            everywhere |= area
        return everywhere


def _is_fill(plane: Pixels, area: Mask, known: Mask, value: float) -> bool:
    """Return whether a constant area was filled, rather than clipped or saturated.

    The brightness next to a fill differs from it by a step. Next to clipped background and to saturated
    pixels it changes gradually, or only single pixels differ from them.
    """
    edge = _dilated(area, 1) & ~area
    nearest, near, far = (
        plane[_dilated(area, outer) & ~_dilated(area, inner) & known]
        for inner, outer in ((0, 2), (2, 4), (6, 8))
    )
    around = _dilated(area, 8) & ~_dilated(area, 2) & known
    if near.size < max(int(edge.sum()), 16) or not far.size:
        return False
    if edge.sum() > 2 * sum(plane.shape):  # specimens have more complicated outlines than fields of view
        return False
    equal = [float(np.mean(ring == value)) for ring in (nearest, near, far)]
    if max(equal) > _COMMON or _equal_neighbours(plane, around) > _COMMON:
        return False
    if max(equal[:2]) > _EVENLY * equal[2] + 0.05:  # this value becomes rarer gradually
        return False
    if value >= float(plane[known].max()):  # saturated, unless it surrounds the image
        border = np.concatenate([area[0], area[-1], area[:, 0], area[:, -1]])
        if border.mean() < 0.25:
            return False
    first, second, third = (float(ring.mean(dtype=np.float64)) for ring in (nearest, near, far))
    step = abs(second - value)
    return abs(first - value) > _ABRUPT * step and step > _STEP * abs(third - second)


def _equal_neighbours(plane: Pixels, where: Mask) -> float:
    """Return the fraction of pixels that equal their right neighbour."""
    pairs = where[:, 1:] & where[:, :-1]
    return float(np.mean(plane[:, 1:][pairs] == plane[:, :-1][pairs])) if pairs.any() else 0.0


def _repetition(plane: Pixels, known: Mask, side: int = 32) -> float:
    """Return the largest fraction of equal neighbours in a row in squares of a plane."""
    pairs = known[:, 1:] & known[:, :-1]
    equal = (plane[:, 1:] == plane[:, :-1]) & pairs
    rows, columns = (max(n // side, 1) for n in pairs.shape)
    height, width = (min(n, side) for n in pairs.shape)
    if not height * width:
        return 1.0

    def sums(mask: Mask) -> NDArray[np.int64]:
        cut = mask[: rows * height, : columns * width].reshape(rows, height, columns, width)
        found: NDArray[np.int64] = cut.sum((1, 3))
        return found

    total, same = sums(pairs), sums(equal)
    enough = total >= min(height * width, side * side) // 2
    return float((same[enough] / total[enough]).max()) if enough.any() else 1.0


def _pads(inside: tuple[slice, slice], shape: tuple[int, int], reach: int) -> Pads:
    """Return by how many pixels a part is padded at the borders of its plane."""
    return [
        (reach if part.start == 0 else 0, reach if part.stop == size else 0)
        for part, size in zip(inside, shape, strict=True)
    ]


def _unpadded(pads: Pads, shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(before, before + n) for (before, _), n in zip(pads, shape, strict=True))


def is_constant(plane: Pixels) -> bool:
    """Return whether all pixels of a plane (Y, X) have one value."""
    first = plane[0, 0]
    return bool(plane[-1, -1] == first and (plane == first).all())


def may_hold_areas(plane: Pixels) -> bool:
    """Return quickly whether constant squares may lie in a part of a plane, or reach into it."""
    if _may_hold_squares(plane, [(0, 0), (0, 0)]):
        return True
    edges = (plane[0], plane[-1], plane[:, 0], plane[:, -1])
    if any(_all((edge[1:] == edge[:-1])[None], 1, _RUN - 1).any() for edge in edges):
        return True
    turned = (plane, plane[::-1], plane[:, ::-1], plane[::-1, ::-1])
    return min(plane.shape) > 1 and any(p[0, 0] == p[0, 1] == p[1, 0] for p in turned)


def _may_hold_squares(plane: Pixels, pads: Pads) -> bool:
    """Return quickly that a plane holds no constant square; every square covers one of the tested rows."""
    lines = [plane[SIDE // 2 - 1 :: SIDE // 2]]
    if pads[0][0] or pads[0][1]:
        lines += [plane[:1], plane[-1:]]
    if pads[1][0] or pads[1][1]:
        lines += [plane[:, :1].T, plane[:, -1:].T]
    return any(_all(line[:, 1:] == line[:, :-1], 1, SIDE - 1).any() for line in lines)


def _constant_squares(plane: Pixels, pads: Pads | None = None) -> Mask | None:
    """Return the upper left corners of constant squares; None if the plane is smaller than one.

    Squares that consist mostly of repeated pixels beyond a corner of the plane do not count.
    """
    if min(plane.shape) < SIDE:
        return None
    across = _all(plane[:, 1:] == plane[:, :-1], SIDE, SIDE - 1)
    down = _all(plane[1:] == plane[:-1], SIDE - 1, SIDE)
    corners: Mask = across & down
    if pads is not None:
        beyond = [
            (np.arange(n) < before) | (np.arange(n) >= n - after)
            for n, (before, after) in zip(corners.shape, pads, strict=True)
        ]
        corners &= ~np.outer(*beyond)
    return corners


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


def _cover(corners: Mask) -> Mask:
    """Return the pixels of the squares with these corners."""
    return ~_all(~np.pad(corners, SIDE - 1), SIDE, SIDE)


def _dilated(mask: Mask, reach: int) -> Mask:
    return ~_all(np.pad(~mask, reach, constant_values=True), 2 * reach + 1, 2 * reach + 1)


def _grown(found: Mask, plane: Pixels) -> Mask:
    """Extend areas along connected pixels of the same value."""
    links = [(a, b, plane[a] == plane[b]) for a, b in _PAIRS]
    for _ in range(GROWTH):
        wider = found.copy()
        for one, other, equal in links:
            wider[one] |= found[other] & equal
            wider[other] |= found[one] & equal
        if (wider == found).all():
            break
        found = wider
    return found


_PAIRS: tuple[tuple[Any, Any], ...] = (
    (np.s_[1:, :], np.s_[:-1, :]),
    (np.s_[:, 1:], np.s_[:, :-1]),
    (np.s_[1:, 1:], np.s_[:-1, :-1]),
    (np.s_[1:, :-1], np.s_[:-1, 1:]),
)
