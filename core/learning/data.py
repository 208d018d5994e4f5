"""Preparation of a stack for training: training and held-out regions, offset, mean and standard deviation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.instant.constants import OFFSETS, beside
from core.noise.survey import Survey
from core.recorded import Recorded, smooth_fill
from core.stack import Region, Stack, plane_regions

SMALLEST_PATCH = 16
DARKEST = 0.001
"""Fraction of regions of 16x16 pixels that may be darker than the estimated camera offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """Normalisation of pixels in counts: ``(pixel - offset - mean) / std``.

    Attributes
    ----------
    offset : float
        Camera offset in counts, subtracted first; "light" denotes counts above it.
    mean, std : tuple of float
        Mean and standard deviation of the light: one pair, or one for each channel.
    fill : float
        Light that replaces non-finite pixels far from all finite ones (the median).
    target_mean, target_std : tuple of float
        Mean and standard deviation, in counts, of the clean stack, with the length of `mean`; empty
        without a clean stack.
    """

    offset: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fill: float
    target_mean: tuple[float, ...] = ()
    target_std: tuple[float, ...] = ()

    def shifted(self, by: float, target_by: float = 0.0) -> Normalisation:
        """Return the normalisation of pixels, and of those of a clean stack, to which constants are added."""
        moved = tuple(mean + target_by for mean in self.target_mean)
        return replace(self, offset=self.offset + by, target_mean=moved) if by or target_by else self

    def result(self, channel: int) -> tuple[float, float]:
        """Return mean and standard deviation, in counts, of the network's result for a channel."""
        if self.target_mean:
            return self.target_mean[channel], self.target_std[channel]
        return self.mean[channel] + self.offset, self.std[channel]


@dataclass(frozen=True, slots=True)
class Split:
    """Training regions (single planes of one shape), held-out regions, and what was found, if anything."""

    training: tuple[Region, ...]
    held_out: tuple[Region, ...]
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """Neighbouring planes or frames as additional input of a network.

    Attributes
    ----------
    axis : int
        Index of the axis along which they are neighbours.
    limits : range
        Allowed indices along this axis.
    without : tuple of int
        Outlying frames among them, which are replaced by others.
    """

    axis: int
    limits: range
    without: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Number of neighbours of a plane."""
        return len(OFFSETS)

    def regions(self, region: Region) -> tuple[Region, ...]:
        """Return the neighbours of a single plane's region, in the order of `OFFSETS`."""
        first, own = self.limits.start, region[self.axis].start
        found = beside(own - first, len(self.limits), [i - first for i in self.without])
        return tuple(
            narrowed(region, self.axis, i, i + 1) for i in (self._usual(first + n, own) for n in found)
        )

    def _usual(self, index: int, own: int) -> int:
        """Return an index, or the nearest one to `own` that is not outlying."""
        if index not in self.without:
            return index
        usual = [i for i in self.limits if i not in self.without and i != own]
        return min(usual, key=lambda i: abs(i - own))


@dataclass(frozen=True, slots=True)
class Following:
    """Planes of a volume that follow its first one.

    Attributes
    ----------
    axis : int
        Index of the axis of the planes.
    count : int
        Number of following planes.
    """

    axis: int
    count: int

    def regions(self, region: Region) -> tuple[Region, ...]:
        """Return the regions of the following planes, which may lie outside the stack."""
        own = region[self.axis].start
        return tuple(narrowed(region, self.axis, i, i + 1) for i in range(own + 1, own + 1 + self.count))


def beside_of(stack: Stack, along: str, regions: Sequence[Region] = ()) -> Beside | None:
    """Return the neighbours along an axis, within some regions or the whole stack; None without an axis."""
    if not along:
        return None
    axis = stack.axes.index(along)
    starts = [region[axis].start for region in regions or plane_regions(stack.shape)]
    limits = range(min(starts), max(starts) + 1)
    return Beside(axis, limits, tuple(i for i in Survey.of(stack).outlying(along) if i in limits))


def patch_side(stack: Stack, wanted: int, depth: int) -> int:
    """Return the side of the patches: `wanted`, or the largest that fits the stack and the network's pooling.

    Raises
    ------
    QuietfieldError
        If the planes are too small for training.
    """
    step = 2 ** (depth - 1)
    side: int = min(wanted, *stack.shape[-2:]) // step * step
    if side < SMALLEST_PATCH:
        height, width = stack.shape[-2:]
        raise QuietfieldError(
            f"The planes of {stack.meta.name} have {width} x {height} pixels; a network needs at least "
            f"{SMALLEST_PATCH} x {SMALLEST_PATCH} to train on. Use a filter, or a larger field."
        )
    return side


def split(stack: Stack, share: float, side: int, axes: str = "TZ", along: str = "") -> Split:
    """Hold out the last frames (along T, else Z), or the last rows or columns if there are too few frames.

    Parameters
    ----------
    stack : Stack
        Training stack.
    share : float
        Fraction to hold out, 0 to 0.5.
    side : int
        Side of the patches in pixels.
    axes : str
        Axes along which frames may be held out.
    along : str
        Axis of the neighbours of the network; at least two frames along it remain for training.
    """
    planes = usual_planes(stack)
    for axis in filter(stack.axes.count, axes):
        at = stack.axes.index(axis)
        indices = sorted({p[at].start for p in planes})
        size, count = len(indices), math.floor(share * len(indices) + 1e-9)
        if count and size - count >= (2 if axis == along else 1):
            last = indices[-count]
            return Split(
                tuple(p for p in planes if p[at].start < last),
                tuple(p for p in planes if p[at].start >= last),
            )
    if share > 0:
        for at in (-2, -1):
            size = stack.shape[at]
            count = max(side, round(share * size))
            if size - count >= side and count <= size // 2:
                kept = tuple(narrowed(p, at, 0, size - count) for p in planes)
                return Split(kept, tuple(narrowed(p, at, size - count, size) for p in planes))
        return Split(tuple(planes), tuple(planes), Finding(kind=kinds.NOTHING_HELD_OUT))
    return Split(tuple(planes), tuple(planes))


def usual_planes(stack: Stack) -> list[Region]:
    """Return the regions of all planes but outlying ones, such as flashes, in the order of the file."""
    far = {axis: Survey.of(stack).outlying(axis) for axis in "TZ" if axis in stack.axes}
    return [
        plane
        for plane in plane_regions(stack.shape)
        if not any(plane[stack.axes.index(axis)].start in indices for axis, indices in far.items())
    ]


def narrowed(region: Region, axis: int, start: int, stop: int) -> Region:
    """Return a region with other limits along one axis."""
    parts = list(region)
    parts[axis] = slice(start, stop)
    return tuple(parts)


def read_float(stack: Stack, region: Region) -> NDArray[np.float32]:
    """Return the pixels (Y, X) of a single plane's region as float32.

    Pixels that were not recorded are NaN; values out of range are infinite.
    """
    pixels: NDArray[Any] = Recorded.of(stack).measured(region)
    with np.errstate(over="ignore", invalid="ignore"):
        return pixels.reshape(pixels.shape[-2:]).astype(np.float32)


def normalised(pixels: NDArray[np.float32], norm: Normalisation, channel: int) -> NDArray[np.float32]:
    """Normalise pixels (Y, X) in counts; non-finite pixels are filled smoothly from those around them."""
    channel = channel if len(norm.mean) > 1 else 0
    light, finite = pixels - np.float32(norm.offset), np.isfinite(pixels)
    if not finite.all():
        light = smooth_fill(light, finite, norm.fill)
    return (light - np.float32(norm.mean[channel])) / np.float32(norm.std[channel])


def darkest(pixels: NDArray[np.float32]) -> float:
    """Estimate the camera offset from the darkest regions.

    Parameters
    ----------
    pixels : ndarray, shape (N, Y, X)
        Images in counts.

    Returns
    -------
    float
        0.1 % quantile of the means of 16x16 pixels; a background present everywhere is part of the offset.
    """
    count, height, width = pixels.shape
    side = min(16, height, width)
    found = []
    for image in pixels[:: max(1, count // 64)]:
        cut = image[: height // side * side, : width // side * side]
        blocks = cut.reshape(height // side, side, width // side, side).mean((1, 3), dtype=np.float64)
        found.append(blocks[np.isfinite(blocks)])
    means = np.concatenate(found)
    return float(np.quantile(means, DARKEST)) if means.size else 0.0


def measure(
    images: NDArray[np.float32], channel: NDArray[np.int64], channels: int, name: str
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of images, for each channel.

    Parameters
    ----------
    images : ndarray, shape (N, Y, X)
        Images in counts; non-finite pixels are ignored.
    channel : ndarray, shape (N,)
        Channel of each image.
    channels : int
        Number of channels; a channel without images has mean 0 and standard deviation 1.
    name : str
        Name of the images for error messages.

    Raises
    ------
    QuietfieldError
        If there are no finite pixels, or all pixels are equal.
    """
    means, stds = [], []
    for number in range(channels):
        good = [image[np.isfinite(image)] for image in images[channel == number]]
        count = sum(values.size for values in good)
        mean = sum(float(values.sum(dtype=np.float64)) for values in good) / max(count, 1)
        squares = sum(float(np.square(values - mean, dtype=np.float64).sum()) for values in good)
        means.append(mean)
        stds.append(math.sqrt(squares / max(count, 1)))
    if not np.isfinite(images).any():
        raise QuietfieldError(f"{name} has no finite pixels; a network cannot be trained on it.")
    if max(stds) <= 1e-6 * max(abs(mean) for mean in means):
        raise QuietfieldError(f"Every pixel of {name} is {means[0]:g}; a network cannot be trained on it.")
    return tuple(means), tuple(std or 1.0 for std in stds)
