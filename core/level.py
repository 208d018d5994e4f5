"""Computes on pixels minus a level where single precision would lose their noise, and adds it to results.

Single precision has 24 bits: noise of 10 counts on an offset of 10^9, which 32-bit integers hold, is lost.
From such stacks a constant is subtracted before pixels are converted, and computed images get it back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.recorded import Recorded
from core.stack import Pixels, PixelSource, Region, Stack, middle, plane_regions

PRECISION = 2.0**-24
"""Relative rounding error of float32."""

TOLERATED = 0.01
"""Rounding error, in standard deviations of the noise, up to which nothing is subtracted."""

GAIN = 8.0
"""Least ratio of the median to the interquartile range; for less, the rounding error would stay as it is."""

PLANES, SIDE = 5, 512
"""Number of planes, and side of their central part in pixels, that determine the level."""


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A stack without its level.

    Attributes
    ----------
    stack : Stack
        The stack minus the level in float64, or the stack itself if the level is 0.
    value : float
        The level in counts.
    """

    stack: Stack
    value: float = 0.0

    @classmethod
    def of(cls, stack: Stack) -> Level:
        """Return a stack without its level, which is found when it is first asked for."""
        if not _may_have_one(stack.dtype):
            return cls(stack)
        return stack.attached(cls, lambda: _find(stack))

    def restore(self, source: PixelSource) -> PixelSource:
        """Return computed pixels with the level added, in float64 unless the level is 0."""
        return Shifted(source, self.value) if self.value else source

    def add(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return computed pixels with the level added, in float64 unless the level is 0."""
        return pixels.astype(np.float64) + self.value if self.value else pixels


def level_of(stack: Stack) -> float:
    """Return the level that was subtracted from a stack by `Level`; 0 for other stacks."""
    return -stack.source.shift if isinstance(stack.source, Shifted) and stack.source.without_level else 0.0


def result_type(stack: Stack) -> np.dtype[Any]:
    """Return the type of results: float64 where a level was subtracted, else float32."""
    return np.dtype(np.float64 if level_of(stack) else np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Shifted:
    """Pixels plus a constant, as float64.

    Attributes
    ----------
    base : PixelSource
        The pixels.
    shift : float
        The constant; a whole number for pixels of integer type.
    without_level : bool
        Whether the constant removes the level of the pixels.
    """

    base: PixelSource
    shift: float
    without_level: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.base.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return np.dtype(np.float64)

    @property
    def missing(self) -> PixelSource | None:
        """Pixels missing from the file; see `core.stack.Stack.missing`."""
        found: PixelSource | None = getattr(self.base, "missing", None)
        return found

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region."""
        pixels = self.base.read(region)
        if pixels.dtype.kind in "iu" and pixels.dtype.itemsize == 8:
            # float64 does not hold these; modulo 2^64, differences are right
            shifted: Pixels = (pixels.view(np.uint64) + np.uint64(int(self.shift) % 2**64)).view(np.int64)
            return shifted.astype(np.float64)
        moved: Pixels = pixels.astype(np.float64) + self.shift
        return moved


def _may_have_one(dtype: np.dtype[Any]) -> bool:
    return (dtype.kind in "iu" and dtype.itemsize >= 4) or (dtype.kind == "f" and dtype.itemsize >= 8)


def _find(stack: Stack) -> Level:
    planes = [_central(stack, region) for region in _spread(plane_regions(stack.shape))]
    pixels = np.concatenate([plane[np.isfinite(plane)] for plane in planes])
    if not pixels.size or np.abs(pixels).max() > 1e300:
        return Level(stack)
    quarter, value, rest = np.quantile(pixels, (0.25, 0.5, 0.75))
    changes = np.concatenate([np.abs(np.diff(plane, axis=1)).ravel() for plane in planes])
    changes = changes[np.isfinite(changes)]
    noise = float(np.median(changes)) if changes.size else 0.0
    noise = noise or float(rest - quarter)
    rounding = abs(value) * PRECISION
    if not noise or rounding <= TOLERATED * noise or abs(value) < GAIN * (rest - quarter):
        return Level(stack)
    level = float(round(value)) if stack.dtype.kind in "iu" else float(value)
    if not math.isfinite(level):
        return Level(stack)
    return Level(Stack(Shifted(stack.source, -level, True), stack.axes, stack.meta), level)


def _spread(regions: list[Region]) -> list[Region]:
    places = np.linspace(0, len(regions) - 1, min(len(regions), PLANES))
    return [regions[round(place)] for place in places]


def _central(stack: Stack, region: Region) -> NDArray[np.float64]:
    central = (*region[:-2], *(middle(size, SIDE) for size in stack.shape[-2:]))
    pixels = Recorded.of(stack).measured(central)
    return pixels.reshape(pixels.shape[-2:]).astype(np.float64)
