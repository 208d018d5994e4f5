"""Which constant areas of a channel were filled, and not recorded: a rule derived from some of its planes.

Constant areas that were recorded are background clipped to the smallest value, and pixels saturated at the
largest one. Both lie at an end of a continuous range of values. Stacks with hardly any noise have others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.area_surroundings import LEAST, alternation, has_edge, is_noisy, is_separate, is_within, step_of
from core.constant_areas import (
    Mask,
    Part,
    dilated,
    find_area,
    find_values,
    frequency_of,
    is_constant,
    may_hold_areas,
    repetition,
    side_of,
)
from core.stack import Pixels

SAMPLE = 2**12
"""Approximate number of pixels of each plane whose values are kept."""

OTHER = 8
"""Side in pixels of the smallest constant square of any other value that counts as filled."""

MOST = 6
"""Largest number of values of constant areas that are examined in a plane."""

_REPEATED = 0.48
"""Fraction of equal neighbours in the most uniform part above which noise may leave areas constant."""

_SMOOTH, _LARGE = 0.9, 256
"""Fraction of equal neighbours above which there is no noise; below it, smallest fill in pixels."""

_ALTERNATING = 0.1
"""Least fraction of pixels above or below both neighbours in a row in planes with noise."""

_GAP = 3.0
"""Least distance of a fill from all other values, in steps of values; and at least the range of the nearest
2 % of them.
"""

_COMPACT = 0.7
"""Least part of the pixels of a fill beyond such a gap that lies in areas."""

_REST = 0.05
"""Least part of a plane that is not constant."""

_INTERIOR = 0.45
"""Largest local frequency of such a value outside its areas."""

_MOST_FILLS = 3
"""Largest number of fill values; images without noise have more constant areas."""

_CLIPPED = 0.25
"""Largest local frequency, outside its areas, of a fill at an end of the range."""

_FEW = 2
"""Largest number of such values; compression and noise-free images have more."""

_MOSTLY = 20
"""Least ratio of filled to other areas of one value at an end of the range."""

_IMPOSSIBLE = -30.0
"""Logarithm of the probability of a constant plane, below which it was not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A value with which areas are filled.

    Attributes
    ----------
    value : float
        Value in counts.
    side : int
        Side in pixels of the smallest square that counts as filled; 1 for all pixels of this value.
    frequency : float
        Largest local frequency of the value outside of filled areas.
    """

    value: float
    side: int
    frequency: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which constant areas of a channel were not recorded.

    Attributes
    ----------
    fills : tuple of Fill
        Values with which areas are filled.
    within : tuple of float
        Smallest and largest value of other constant areas that were not recorded.
    under : float
        Constant areas of smaller values were not recorded either.
    repeated : float
        Largest fraction of equal neighbours in parts of the recorded pixels, 0 to 1.
    common : float
        Largest fraction of one value in the recorded pixels of a plane, 0 to 1.
    """

    fills: tuple[Fill, ...] = ()
    within: tuple[float, float] = (math.inf, -math.inf)
    under: float = -math.inf
    repeated: float = 1.0
    common: float = 1.0

    def is_blank(self, size: int) -> bool:
        """Return whether a plane with this number of pixels that all are equal was not recorded."""
        return self.common < 1 and size * math.log(max(self.common, 1e-9)) < _IMPOSSIBLE

    def may_fill(self, plane: Pixels) -> bool:
        """Return quickly whether filled areas may lie in a part of a plane, or reach into it."""
        if any((plane == fill.value).any() for fill in self.fills):
            return True
        bounded = self.under > -math.inf or self.within[0] < self.within[1]
        return bounded and may_hold_areas(plane)

    def filled(self, plane: Pixels, inside: Part, shape: tuple[int, int]) -> Mask | None:
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
        found = np.zeros(plane.shape, bool)
        for fill in self.fills:
            found |= find_area(plane, fill.value, fill.side, fill.frequency, inside, shape)
        if self.under > -math.inf or self.within[0] < self.within[1]:
            known = {fill.value for fill in self.fills}
            values = find_values(plane, inside, shape, OTHER)
            for value in values:
                if value not in known and (value < self.under or self.within[0] < value < self.within[1]):
                    found |= find_area(plane, value, OTHER, self.repeated, inside, shape)
        return found if found.any() else None


@dataclass(slots=True, kw_only=True)
class _Areas:
    """Constant areas of one value: their pixels, votes on them, and the values around them."""

    filled: int = 0
    other: int = 0
    single: int = 0
    frequency: float = 0.0
    interior: bool = True


@dataclass(slots=True, kw_only=True)
class Sample:
    """What some planes of a channel tell about its constant areas."""

    areas: dict[float, _Areas] = field(default_factory=dict)
    values: list[NDArray[np.float64]] = field(default_factory=list)
    darkest: float = math.inf
    brightest: float = -math.inf
    repeated: float = 0.0
    common: float = 0.0
    alternating: float = 0.0

    def add(self, plane: Pixels, inside: Part, shape: tuple[int, int]) -> None:
        """Examine a part of a plane; arguments as in `Rule.filled`. Constant planes tell nothing."""
        known = np.isfinite(plane) if plane.dtype.kind == "f" else np.ones(plane.shape, bool)
        if not known.any():
            return
        if is_constant(plane):
            if plane.shape != shape:  # a part of a plane that is not constant
                self.areas.setdefault(float(plane[0, 0]), _Areas(frequency=1 / plane.size))
            return
        values = find_values(plane, inside, shape)
        candidates = sorted(values, key=lambda value: -values[value])[:MOST]
        areas = {value: found for value in candidates if (found := _area(plane, known, value, inside, shape))}
        rest = known.copy()
        for area, _ in areas.values():
            rest &= ~area
        if rest.sum() < _REST * known.sum():
            return
        some = plane[rest]
        if some.min() == some.max():
            return
        self.alternating = max(self.alternating, alternation(plane, rest))
        self.darkest = min(self.darkest, float(some.min()))
        self.brightest = max(self.brightest, float(some.max()))
        self.repeated = max(self.repeated, repetition(plane, rest))
        sample = some[:: max(1, some.size // SAMPLE)].astype(np.float64)
        self.values.append(sample)
        self.common = max(self.common, float(np.unique(sample, return_counts=True)[1].max() / sample.size))
        for value, (area, frequency) in areas.items():
            known_areas = self.areas.setdefault(value, _Areas())
            known_areas.frequency = max(known_areas.frequency, frequency)
            known_areas.interior &= is_within(value, sample)
            size = int(np.count_nonzero(area))
            noisy = is_noisy(plane, area, rest, value, step_of(sample))
            known_areas.interior &= noisy
            known_areas.single += int(np.count_nonzero((plane == value) & ~area))
            if noisy and (is_separate(plane, area, rest, value) or has_edge(plane, area, known, value)):
                known_areas.filled += size
            else:
                known_areas.other += size

    def rule(self) -> Rule:
        """Return the rule for all planes of the channel."""
        if not self.values:
            return Rule()
        every = np.concatenate(self.values)
        values = every[~np.isin(every, list(self.areas))]
        if not values.size:
            return Rule(repeated=self.repeated, common=self.common)
        low, high = (float(q) for q in np.quantile(values, (0.02, 0.98)))
        unit = step_of(values)
        under = self.darkest - max(low - self.darkest, _GAP * unit)
        over = self.brightest + max(self.brightest - high, _GAP * unit)
        noise = self.alternating >= _ALTERNATING
        noisy = noise and self.repeated <= _REPEATED
        interior = [
            v
            for v, area in self.areas.items()
            if area.interior and area.frequency <= _INTERIOR and is_within(v, values)
        ]
        between = np.diff(sorted(self.areas))
        noisy &= not (between.size and between.min() <= 2 * unit)  # steps of a smooth image
        noisy &= len(interior) <= _FEW
        fills, others = [], 0
        for value, area in self.areas.items():
            beyond = value < under or value > over
            compact = (area.filled + area.other) > _COMPACT * (area.filled + area.other + area.single)
            certain = beyond or (noisy and value in interior)
            voted = noise and area.filled > _MOSTLY * area.other and area.frequency <= _CLIPPED
            if self.repeated > _REPEATED:  # chance is no measure of equal pixels
                voted &= self.repeated <= _SMOOTH and area.filled >= _LARGE
            if not certain and not voted:
                others += 1
                continue
            side = 1 if beyond and compact else side_of(area.frequency)
            if side is not None:
                fills.append(Fill(value=value, side=side, frequency=area.frequency))
        noisy &= not others
        if len(fills) > _MOST_FILLS:
            return Rule(repeated=self.repeated, common=self.common)
        return Rule(
            fills=tuple(sorted(fills, key=lambda fill: fill.value)), under=under,
            within=(low, high) if noisy else (math.inf, -math.inf),
            repeated=self.repeated, common=self.common,
        )  # fmt: skip


def _area(
    plane: Pixels, known: Mask, value: float, inside: Part, shape: tuple[int, int]
) -> tuple[Mask, float] | None:
    """Return the areas of a value, and its largest frequency elsewhere; None if they are too small."""
    equal = plane == value
    least, area, frequency = 1 / plane.size, np.zeros(plane.shape, bool), 1e-4
    for _ in range(2):  # the frequency depends on the areas, and they on it
        side = side_of(frequency)
        if side is None:
            return None
        area = find_area(plane, value, side, frequency, inside, shape)
        elsewhere = known & ~dilated(area, 1)
        if not elsewhere.any():
            return None
        frequency = max(frequency_of(equal, elsewhere), least)
    side = side_of(frequency)
    if side is None:
        return None
    area = find_area(plane, value, side, frequency, inside, shape)
    return (area, frequency) if np.count_nonzero(area) >= min(LEAST, plane.size // 32) else None
