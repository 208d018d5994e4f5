"""Which pixels of a stack were recorded: not those that are undefined, missing, or filled with a constant.

Stitched, registered, rotated and interrupted stacks contain pixels that no detector measured: NaN, infinity,
planes missing from the file, blank frames, and areas filled with a constant. Some planes of a stack determine
a rule for each channel, which is then applied to every block of pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from core.constant_areas import MARGIN, Mask, is_constant, may_hold_squares
from core.fills import Rule, Sample
from core.findings import Finding, kinds
from core.stack import Pixels, Region, Stack, channel_of, plane_regions

SAMPLED = 5
"""Largest number of planes of each channel that determine its rule."""

LARGE = 2**20
"""Size of a plane, in pixels, above which only its middle and its borders are sampled."""


NOTICED = 16
"""Side in pixels of the smallest constant squares that affect what is displayed."""

SIDE = 384
"""Side in pixels of the sampled parts of large planes."""


class Recorded:
    """Which pixels of a stack were recorded.

    The rules are determined when they are first needed; several threads may ask.

    Parameters
    ----------
    stack : Stack
        Stack to examine.
    origin : Recorded, optional
        Recorded pixels of the stack that it was computed from, which are then those of this stack.
    """

    __slots__ = ("_blank", "_lock", "_origin", "_rules", "_stack")

    def __init__(self, stack: Stack, origin: Recorded | None = None) -> None:
        # a stack of its own: the one examined holds this object, and would never be freed
        self._stack = Stack(stack.source, stack.axes)
        self._origin = origin
        self._lock = RLock()
        self._rules: tuple[tuple[Rule, Finding | None], ...] | None = None
        self._blank: dict[tuple[int, ...], bool] = {}

    @classmethod
    def of(cls, stack: Stack) -> Recorded:
        """Return what is known of the recorded pixels of a stack."""
        return stack.attached(cls, lambda: cls(stack))

    @classmethod
    def carry(cls, source: Stack, result: Stack) -> Stack:
        """Return a result for which the recorded pixels of its source, of the same shape, are known."""
        result.attached(cls, lambda: cls(result, cls.of(source)))
        return result

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Rule of every channel; one if the stack has no channels."""
        return tuple(rule for rule, _ in self._known())

    def read(self, region: Region) -> tuple[Pixels, Mask | None]:
        """Return the pixels of a region, and which of them were recorded (None for all)."""
        pixels = self._stack.read(region)
        if self._origin is not None:
            return pixels, self._origin.read(region)[1]
        lost = self._missing(region)
        if pixels.dtype.kind == "f" and not (finite := np.isfinite(pixels)).all():
            lost = ~finite if lost is None else lost | ~finite
        for index in np.ndindex(*pixels.shape[:-2]):
            found = self._filled(pixels[index], _part(region, index))
            if found is not None:
                lost = np.zeros(pixels.shape, bool) if lost is None else lost
                lost[index] |= found
        return pixels, None if lost is None or not lost.any() else ~lost

    def measured(self, region: Region) -> Pixels:
        """Return the pixels of a region, with NaN where nothing was recorded.

        Pixels of integer type become float32 or float64 only if some of them were not recorded.
        """
        pixels, mask = self.read(region)
        if mask is None:
            return pixels
        kind = pixels.dtype if pixels.dtype.kind == "f" else np.result_type(pixels.dtype, np.float32)
        result = pixels.astype(kind)
        result[~mask] = np.nan
        return result

    def values(self, region: Region) -> Pixels:
        """Return the recorded pixels of a region, (N,), or the region itself if all were recorded.

        Small areas are not searched for, which would delay what is displayed first. If nothing was recorded,
        the region is returned.
        """
        pixels = self._stack.read(region)
        planes = pixels.reshape(-1, *pixels.shape[-2:])
        none = [(0, 0), (0, 0)]
        if pixels.dtype.kind != "f" and not any(may_hold_squares(plane, none, NOTICED) for plane in planes):
            return pixels
        mask = self.read(region)[1]
        return pixels if mask is None or not mask.any() else pixels[mask]

    def findings(self, channel: int) -> tuple[Finding, ...]:
        """Return a finding if some of the examined pixels of a channel were not recorded."""
        if self._origin is not None:
            return self._origin.findings(channel)
        found = self._known()[channel][1]
        return () if found is None else (found,)

    def _known(self) -> tuple[tuple[Rule, Finding | None], ...]:
        with self._lock:
            if self._rules is None:
                count = self._stack.sizes.get("C", 1)
                found = [_rule_of(self._stack, channel) for channel in range(count)]
                empty = [rule.common == 1.0 for rule, _ in found]
                if any(empty) and not all(empty):  # channels in which nothing was recorded
                    blank = Rule(common=0.0), _unrecorded(1.0, "a blank channel")
                    found = [
                        blank if none and known[1] is None else known
                        for known, none in zip(found, empty, strict=True)
                    ]
                self._rules = tuple(found)
            return self._rules

    def _missing(self, region: Region) -> Mask | None:
        missing = self._stack.missing
        if missing is None:
            return None
        found: Mask = missing.read(region)
        return found.copy() if found.any() else None

    def _filled(self, plane: Pixels, region: Region) -> Mask | None:
        """Return the filled areas of a part of a plane, which may continue beyond it."""
        rule = self.rules[channel_of(region, self._stack.axes)]
        height, width = self._stack.shape[-2:]
        if is_constant(plane) and rule.is_blank(height * width) and self._is_blank(region):
            return np.ones(plane.shape, bool)
        if not rule.may_fill(plane):
            return None
        rows, columns = (
            slice(max(part.start - MARGIN, 0), min(part.stop + MARGIN, size))
            for part, size in zip(region[-2:], self._stack.shape[-2:], strict=True)
        )
        wide = (*region[:-2], rows, columns)
        pixels = plane if wide == region else self._stack.read(wide)
        found = rule.filled(pixels.reshape(pixels.shape[-2:]), (rows, columns), (height, width))
        return None if found is None else found[within(region, wide)[-2:]]

    def _is_blank(self, region: Region) -> bool:
        """Return whether the whole plane of a region is constant."""
        at = tuple(part.start for part in region[:-2])
        if at not in self._blank:
            whole = tuple(slice(0, n) for n in self._stack.shape[-2:])
            plane = self._stack.read((*region[:-2], *whole))
            self._blank[at] = is_constant(plane.reshape(plane.shape[-2:]))
        return self._blank[at]


def unrecorded(stack: Stack) -> tuple[Finding, ...]:
    """Return a finding for each channel of a stack of which some examined pixels were not recorded."""
    known = Recorded.of(stack)
    found = [known.findings(channel) for channel in range(stack.sizes.get("C", 1))]
    return tuple(dict.fromkeys(finding for one in found for finding in one))


def within(region: Region, wide: Region) -> Region:
    """Return a region relative to a larger one that contains it."""
    return tuple(slice(r.start - w.start, r.stop - w.start) for r, w in zip(region, wide, strict=True))


def _part(region: Region, index: tuple[int, ...]) -> Region:
    """Return the region of one plane of a region."""
    lead = (slice(part.start + i, part.start + i + 1) for part, i in zip(region, index, strict=False))
    return (*lead, *region[-2:])


def _rule_of(stack: Stack, channel: int) -> tuple[Rule, Finding | None]:
    """Return the rule of a channel, from some of its planes, and a finding about them."""
    height, width = stack.shape[-2:]
    regions = _sampled(stack, channel)
    sample, planes = Sample(), []
    for region in regions:
        pixels = stack.read(region)
        planes.append(pixels.reshape(pixels.shape[-2:]))
        if not _is_missing(stack, region):
            sample.add(planes[-1], (region[-2], region[-1]), (height, width))
    rule = sample.rule()
    lost: dict[str, int] = {}
    for region, plane in zip(regions, planes, strict=True):
        filled = None if is_constant(plane) else rule.filled(plane, (region[-2], region[-1]), (height, width))
        if _is_missing(stack, region):
            what, count = "missing planes", plane.size
        elif is_constant(plane) and rule.is_blank(height * width):
            what, count = f"blank planes of {plane[0, 0]:g}", plane.size
        else:
            undefined = 0 if plane.dtype.kind != "f" else int(np.count_nonzero(~np.isfinite(plane)))
            lost["NaN or infinite"] = lost.get("NaN or infinite", 0) + undefined
            count = 0 if filled is None else int(np.count_nonzero(filled))
            what = (
                ""
                if filled is None
                else f"constant {', '.join(f'{v:g}' for v in np.unique(plane[filled])[:3])}"
            )
        lost[what] = lost.get(what, 0) + count
    words = [what for what, count in lost.items() if count]
    if not words:
        return rule, None
    share = sum(lost.values()) / sum(plane.size for plane in planes)
    return rule, _unrecorded(share, "; ".join(words))


def _unrecorded(share: float, what: str) -> Finding:
    return Finding(kind=kinds.PIXELS_UNRECORDED, value=share, details={"what": what})


def _sampled(stack: Stack, channel: int) -> list[Region]:
    """Return regions of some planes of a channel, from the first to the last."""
    planes = [region for region in plane_regions(stack.shape) if channel_of(region, stack.axes) == channel]
    numbers = sorted({round(part) for part in np.linspace(0, len(planes) - 1, min(len(planes), SAMPLED))})
    return [part for number in numbers for part in _pieces(planes[number])]


def _pieces(region: Region) -> Iterator[Region]:
    """Return a plane's region, or its borders and its middle if it is large."""
    sizes = [part.stop for part in region[-2:]]
    if math.prod(sizes) <= LARGE:
        yield region
        return
    parts = [sorted({0, max(0, n - SIDE) // 2, max(0, n - SIDE)}) for n in sizes]
    for row in parts[0]:
        for column in parts[1]:
            yield (
                *region[:-2],
                slice(row, min(row + SIDE, sizes[0])),
                slice(column, min(column + SIDE, sizes[1])),
            )


def _is_missing(stack: Stack, region: Region) -> bool:
    return stack.missing is not None and bool(stack.missing.read(region).all())


def smooth_fill(
    plane: NDArray[np.float32], mask: Mask, background: float, sigma: float = 8.0
) -> NDArray[np.float32]:
    """Replace pixels that were not recorded by a weighted mean of recorded pixels around them.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Image in counts.
    mask : ndarray of bool, shape (Y, X)
        Recorded pixels.
    background : float
        Value of pixels that are farther than three `sigma` from all recorded ones.
    sigma : float
        Standard deviation of the Gaussian weights, in pixels.

    Returns
    -------
    ndarray, shape (Y, X)
        Recorded pixels are unchanged.
    """
    from scipy import ndimage  # imported here, so that the window starts without scipy

    def blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = ndimage.gaussian_filter(values, sigma, mode="constant", truncate=3.0)
        return result

    weight = blurred(mask.astype(np.float64))
    near = weight > 1e-9
    total = blurred(np.where(mask, plane, 0.0).astype(np.float64))
    mean = np.where(near, total / np.where(near, weight, 1.0), background)
    return np.where(mask, plane, mean).astype(np.float32)
