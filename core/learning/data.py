"""Bring a stack to a network: what is trained on and what held out, offset, mean, deviation, tiles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from core.errors import QuietfieldError
from core.learning.sampling import Mask, Places, draw_mask, draw_places, gather
from core.stack import Region, Stack, plane_regions, region_shape

MEMORY_BYTES = 2 * 2**30
"""Training pixels kept in memory as float32; of larger stacks a part, drawn anew little by little."""

LARGE_TILE = 1024
"""Side of the tiles that planes are cut into when fewer than `ENOUGH` of them fit into memory."""

ENOUGH = 32
SMALLEST_PATCH = 16
DARKEST = 0.001
"""Share of all places of 16x16 pixels that may be darker than the camera offset taken from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """Pixels in counts to numbers a network likes: ``(pixel - offset - mean) / std``.

    Attributes
    ----------
    offset : float
        Camera offset in counts, subtracted first: "light" is counts above it.
    mean, std : tuple of float
        Mean light and its standard deviation: one pair, or one for each channel.
    fill : float
        Light that stands in for pixels that are not finite (the median).
    """

    offset: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fill: float


@dataclass(frozen=True, slots=True)
class Split:
    """Regions of single planes to train on, all of one shape, those held out, and a note or ""."""

    training: tuple[Region, ...]
    held_out: tuple[Region, ...]
    note: str = ""


def patch_side(stack: Stack, wanted: int, depth: int) -> int:
    """Side of the patches: `wanted`, or the largest that fits the stack and the network's poolings.

    Raises
    ------
    QuietfieldError
        If the planes are too small to train on.
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


def split(stack: Stack, share: float, side: int) -> Split:
    """Hold out the last frames (of T, else Z), or the last rows or columns where there are too few frames."""
    planes = plane_regions(stack.shape)
    for axis in "TZ":
        size = stack.sizes.get(axis, 1)
        count = math.floor(share * size + 1e-9)
        if size > 1 and count:
            at = stack.axes.index(axis)
            held = tuple(p for p in planes if p[at].start >= size - count)
            return Split(tuple(p for p in planes if p[at].start < size - count), held)
    if share > 0:
        for at in (-2, -1):
            size = stack.shape[at]
            count = max(side, round(share * size))
            if size - count >= side and count <= size // 2:
                kept = tuple(_narrow(p, at, 0, size - count) for p in planes)
                return Split(kept, tuple(_narrow(p, at, size - count, size) for p in planes))
        return Split(tuple(planes), tuple(planes), "The stack is too small to hold a part of it out.")
    return Split(tuple(planes), tuple(planes))


def _narrow(region: Region, axis: int, start: int, stop: int) -> Region:
    parts = list(region)
    parts[axis] = slice(start, stop)
    return tuple(parts)


class Tiles:
    """Pixels of a stack, ready to draw patches from.

    Parameters
    ----------
    stack : Stack
        What to train on.
    split : Split
        Which parts of it.
    side : int
        Side of the patches in pixels.
    limit : int
        Bytes of float32 pixels to keep in memory.
    """

    def __init__(self, stack: Stack, split: Split, side: int, limit: int = MEMORY_BYTES) -> None:
        self._stack, self._regions = stack, split.training
        height, width = region_shape(self._regions[0])[-2:]
        total = len(self._regions) * height * width * 4
        self.partial = total > limit
        if self.partial and height * width * 4 * ENOUGH > limit:
            tile = max(LARGE_TILE, side)
            height, width = min(height, tile), min(width, tile)
        self.count = max(1, limit // (height * width * 4)) if self.partial else len(self._regions)
        self.shape = (height, width)
        self.places: list[tuple[int, int, int]] = []
        self.pixels = torch.empty(0)
        self.valid: Tensor | None = None
        self.black = torch.empty(0)
        self.normalisation = Normalisation(offset=0.0, mean=(0.0,), std=(1.0,), fill=0.0)

    def choose(self, generator: Generator, before: Sequence[Sequence[int]] | None = None) -> None:
        """Decide which tiles to read: all planes, or a random selection (that of `before` if it fits)."""
        if not self.partial:
            self.places = [(index, 0, 0) for index in range(self.count)]
        elif before is not None and len(before) == self.count and all(self._fits(place) for place in before):
            self.places = [(plane, row, column) for plane, row, column in before]
        else:
            self.places = [self._draw(generator) for _ in range(self.count)]

    def _limits(self) -> tuple[int, ...]:
        sizes = region_shape(self._regions[0])[-2:]
        return len(self._regions), *(n - m + 1 for n, m in zip(sizes, self.shape, strict=True))

    def _fits(self, place: Sequence[int]) -> bool:
        return all(0 <= index < limit for index, limit in zip(place, self._limits(), strict=True))

    def _draw(self, generator: Generator) -> tuple[int, int, int]:
        plane, row, column = (int(torch.randint(n, (1,), generator=generator)) for n in self._limits())
        return plane, row, column

    def load(
        self, offset: float | None, *, by_channel: bool, known: Normalisation | None = None
    ) -> Iterator[float]:
        """Read the chosen tiles and normalise them; yields the fraction done.

        Parameters
        ----------
        offset : float or None
            Camera offset in counts; None to estimate it.
        by_channel : bool
            Whether every channel gets a mean and a deviation of its own.
        known : Normalisation, optional
            Use this one instead of measuring.

        Raises
        ------
        QuietfieldError
            If there is nothing to learn: no finite pixels, or all the same.
        """
        pixels = np.empty((self.count, *self.shape), np.float32)
        for index, place in enumerate(self.places):
            pixels[index] = self._read(place)
            yield (index + 1) / self.count
        finite = np.isfinite(pixels)
        if not finite.any():
            name = self._stack.meta.name
            raise QuietfieldError(f"{name} holds no finite pixels; there is nothing to learn from.")
        self.valid = None if finite.all() else torch.from_numpy(finite)
        self.normalisation = known or self._measure(pixels, finite, offset, by_channel=by_channel)
        self.pixels = torch.from_numpy(pixels)
        self.black = torch.empty(self.count)
        for index in range(self.count):
            self._normalise(index, pixels[index])

    def refresh(self, generator: Generator) -> None:
        """Read another tile in place of one, both drawn at random; nothing where all are in memory."""
        if not self.partial:
            return
        index = int(torch.randint(self.count, (1,), generator=generator))
        self.places[index] = self._draw(generator)
        pixels = self._read(self.places[index])
        finite = np.isfinite(pixels)
        if self.valid is None and not finite.all():
            self.valid = torch.ones(self.pixels.shape, dtype=torch.bool, device=self.pixels.device)
        if self.valid is not None:
            self.valid[index] = torch.from_numpy(finite)
        self._normalise(index, pixels)

    def _read(self, place: tuple[int, int, int]) -> NDArray[np.float32]:
        plane, row, column = place
        region = self._regions[plane]
        row, column = region[-2].start + row, region[-1].start + column
        region = _narrow(_narrow(region, -2, row, row + self.shape[0]), -1, column, column + self.shape[1])
        return read_float(self._stack, region)

    def _channel(self, tile: int) -> int:
        return channel_of_region(self._regions[self.places[tile][0]], self._stack.axes)

    def _normalise(self, index: int, light: NDArray[np.float32]) -> None:
        norm = self.normalisation
        channel = self._channel(index) if len(norm.mean) > 1 else 0
        self.pixels[index] = torch.from_numpy(normalised(light, norm, channel)).to(self.pixels.device)
        self.black[index] = -norm.mean[channel] / norm.std[channel]

    def _measure(
        self,
        pixels: NDArray[np.float32],
        finite: NDArray[np.bool_],
        offset: float | None,
        *,
        by_channel: bool,
    ) -> Normalisation:
        if offset is None:
            offset = darkest(pixels)
        channels = self._stack.sizes.get("C", 1) if by_channel else 1
        of_tile = np.array([self._channel(i) if channels > 1 else 0 for i in range(self.count)])
        means, stds = [], []
        for channel in range(channels):
            good = [pixels[i][finite[i]] for i in np.flatnonzero(of_tile == channel)]
            count = sum(values.size for values in good)
            mean = sum(float(values.sum(dtype=np.float64)) for values in good) / max(count, 1)
            squares = sum(float(np.square(values - mean, dtype=np.float64).sum()) for values in good)
            means.append(mean - offset if count else 0.0)
            stds.append(math.sqrt(squares / max(count, 1)))
        if max(stds) <= 1e-6 * max(1e-30, *(abs(m + offset) for m in means)):
            raise QuietfieldError(
                f"Every pixel of {self._stack.meta.name} is {means[0] + offset:g}; "
                "there is nothing to learn from."
            )
        sample = pixels[:: max(1, self.count // 8), ::4, ::4]
        sample = sample[np.isfinite(sample)]
        fill = float(np.median(sample)) - offset if sample.size else means[0]
        return Normalisation(offset=offset, mean=tuple(means), std=tuple(s or 1.0 for s in stds), fill=fill)


def channel_of_region(region: Region, axes: str) -> int:
    """Channel that the region of a single plane lies in; 0 without channels."""
    return int(region[axes.index("C")].start) if "C" in axes else 0


def read_float(stack: Stack, region: Region) -> NDArray[np.float32]:
    """Pixels (Y, X) of the region of a single plane as float32, what does not fit as infinity."""
    pixels: NDArray[Any] = stack.read(region)
    with np.errstate(over="ignore", invalid="ignore"):
        return pixels.reshape(pixels.shape[-2:]).astype(np.float32)


def normalised(pixels: NDArray[np.float32], norm: Normalisation, channel: int) -> NDArray[np.float32]:
    """Pixels in counts as deviations from the mean, those not finite filled."""
    channel = channel if len(norm.mean) > 1 else 0
    light = np.where(np.isfinite(pixels), pixels - np.float32(norm.offset), np.float32(norm.fill))
    return (light - np.float32(norm.mean[channel])) / np.float32(norm.std[channel])


def darkest(pixels: NDArray[np.float32]) -> float:
    """Level of the darkest places, as an estimate of the camera offset.

    Parameters
    ----------
    pixels : ndarray
        Images (N, Y, X) in counts.

    Returns
    -------
    float
        Mean of 16x16 pixels that only one place in a thousand falls below; background light,
        where it is everywhere, counts as offset.
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


@dataclass(frozen=True, slots=True)
class Patches:
    """Patches to compute on: pixels (N, Y, X), which were measured (or None), black level (N,), mask."""

    pixels: Tensor
    valid: Tensor | None
    black: Tensor
    mask: Mask

    def part(self, start: int, stop: int, device: torch.device | None = None) -> Patches:
        """Some of the patches, on a device (by default where they are)."""
        device = device or self.pixels.device
        valid = None if self.valid is None else self.valid[start:stop].to(device)
        return Patches(
            self.pixels[start:stop].to(device), valid, self.black[start:stop].to(device),
            self.mask.part(start, stop, device),
        )  # fmt: skip


def cut(tiles: Tiles, places: Places, side: int, mask: Mask, device: torch.device) -> Patches:
    """Patches from tiles in memory, on the device."""
    pixels = gather(tiles.pixels, places, side).to(device)
    valid = None if tiles.valid is None else gather(tiles.valid, places, side).to(device)
    return Patches(pixels, valid, tiles.black[places.tile].to(device), mask.part(0, len(pixels), device))


def validation_patches(
    stack: Stack, split: Split, norm: Normalisation, *, count: int, side: int, box: int, neighbourhood: int,
    seed: int,
) -> Patches:  # fmt: skip
    """Patches of the parts held out, with masks, that depend on nothing but these arguments."""
    generator = torch.Generator().manual_seed(seed)
    height, width = region_shape(split.held_out[0])[-2:]
    places = draw_places(count, (len(split.held_out), height, width), side, "none", generator)
    pixels, valid, black = [], [], []
    starts = torch.stack((places.tile, places.row, places.column), 1).tolist()
    for plane, row, column in starts:
        region = split.held_out[plane]
        row, column = region[-2].start + row, region[-1].start + column
        region = _narrow(_narrow(region, -2, row, row + side), -1, column, column + side)
        read = read_float(stack, region)
        channel = channel_of_region(region, stack.axes) if len(norm.mean) > 1 else 0
        valid.append(torch.from_numpy(np.isfinite(read)))
        pixels.append(torch.from_numpy(normalised(read, norm, channel)))
        black.append(-norm.mean[channel] / norm.std[channel])
    mask = draw_mask(count, side, box, neighbourhood, generator)
    measured = torch.stack(valid)
    return Patches(torch.stack(pixels), None if bool(measured.all()) else measured, torch.tensor(black), mask)
