"""Pixels in memory, ready to draw patches from: of a stack alone, or in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from core.learning.data import (
    Normalisation,
    Split,
    channel_of_region,
    darkest,
    measure,
    narrowed,
    normalised,
    read_float,
)
from core.learning.sampling import Places, gather
from core.stack import Region, Stack, region_shape

MEMORY_BYTES = 2 * 2**30
"""Training pixels kept in memory as float32; of larger stacks a part, drawn anew little by little."""

LARGE_TILE = 1024
"""Side of the tiles that planes are cut into when fewer than `ENOUGH` of them fit into memory."""

ENOUGH = 32

Place = tuple[int, int, int]
"""Where a tile lies: index of its plane, first row, first column."""


class Tiles:
    """Pixels of a noisy stack, to learn from by hiding some of them.

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
        self.places: list[Place] = []
        self.pixels = torch.empty(0)
        self.valid: Tensor | None = None
        self.black = torch.empty(0)
        self.normalisation = Normalisation(offset=0.0, mean=(0.0,), std=(1.0,), fill=0.0)

    # ------------------------------------------------------------------ for training

    def choose(self, generator: Generator, before: Sequence[Sequence[int]] | None = None) -> None:
        """Decide which tiles to read: all planes, or a random selection (that of `before` if it fits)."""
        if not self.partial:
            self.places = [(index, 0, 0) for index in range(self.count)]
        elif before is not None and len(before) == self.count and all(self._fits(place) for place in before):
            self.places = [(plane, row, column) for plane, row, column in before]
        else:
            self.places = self._selection(generator)

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
            pixels[index] = read_float(self._stack, self._region(place))
            yield (index + 1) / self.count
        finite = np.isfinite(pixels)
        self.valid = None if finite.all() else torch.from_numpy(finite)
        self.normalisation = known or self._measured(pixels, offset, by_channel=by_channel)
        self.pixels = torch.from_numpy(pixels)
        self.black = torch.empty(self.count)
        for index in range(self.count):
            self._normalise(index, pixels[index])

    def move(self, device: torch.device) -> None:
        """Keep the pixels on a device."""
        self.pixels = self.pixels.to(device)
        self.valid = None if self.valid is None else self.valid.to(device)

    def refresh(self, generator: Generator) -> None:
        """Read another tile in place of one, both drawn at random; nothing where all are in memory."""
        if self.partial:
            self._renew(int(torch.randint(self.count, (1,), generator=generator)), self._draw(generator))

    def pair(
        self, places: Places, side: int, generator: Generator  # noqa: ARG002
    ) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
        """Patches to look at, patches to predict, and where the latter were measured (None: everywhere)."""
        pixels = gather(self.pixels, places, side)
        return pixels, pixels, None if self.valid is None else gather(self.valid, places, side)

    # ------------------------------------------------------------------ tiles

    def _selection(self, generator: Generator) -> list[Place]:
        return [self._draw(generator) for _ in range(self.count)]

    def _limits(self) -> tuple[int, ...]:
        sizes = region_shape(self._regions[0])[-2:]
        return len(self._regions), *(n - m + 1 for n, m in zip(sizes, self.shape, strict=True))

    def _fits(self, place: Sequence[int]) -> bool:
        return all(0 <= index < limit for index, limit in zip(place, self._limits(), strict=True))

    def _draw(self, generator: Generator) -> Place:
        plane, row, column = (int(torch.randint(n, (1,), generator=generator)) for n in self._limits())
        return plane, row, column

    def _region(self, place: Place) -> Region:
        plane, row, column = place
        region = self._regions[plane]
        row, column = region[-2].start + row, region[-1].start + column
        region = narrowed(region, -2, row, row + self.shape[0])
        return narrowed(region, -1, column, column + self.shape[1])

    def _renew(self, index: int, place: Place) -> None:
        self.places[index] = place
        pixels = read_float(self._stack, self._region(place))
        self.valid = _marked(self.valid, index, pixels, self.pixels)
        self._normalise(index, pixels)

    def _normalise(self, index: int, light: NDArray[np.float32]) -> None:
        norm, channel = self.normalisation, self._channel(index)
        self.pixels[index] = torch.from_numpy(normalised(light, norm, channel)).to(self.pixels.device)
        self.black[index] = -norm.mean[channel] / norm.std[channel]

    def _channel(self, index: int) -> int:
        if len(self.normalisation.mean) == 1:
            return 0
        return channel_of_region(self._regions[self.places[index][0]], self._stack.axes)

    def _channels(self, *, by_channel: bool) -> tuple[NDArray[np.int64], int]:
        """Channel of each tile, and how many channels are told apart."""
        channels = self._stack.sizes.get("C", 1) if by_channel else 1
        axes = self._stack.axes
        of_tile = [channel_of_region(self._regions[p], axes) if channels > 1 else 0 for p, *_ in self.places]
        return np.array(of_tile, np.int64), channels

    def _measured(
        self, pixels: NDArray[np.float32], offset: float | None, *, by_channel: bool
    ) -> Normalisation:
        if offset is None:
            offset = darkest(pixels)
        means, stds = measure(pixels, *self._channels(by_channel=by_channel), self._stack.meta.name)
        sample = pixels[:: max(1, self.count // 8), ::4, ::4]
        sample = sample[np.isfinite(sample)]
        fill = float(np.median(sample)) if sample.size else means[0]
        light = tuple(mean - offset for mean in means)
        return Normalisation(offset=offset, mean=light, std=stds, fill=fill - offset)


class FramePairs(Tiles):
    """Pixels of a stack of one unchanging scene, to predict a frame from another one.

    Of stacks that fit into memory every two frames may meet; of others, tiles are kept two by two, the
    second half of them showing what the first half shows, at another time.
    """

    def __init__(self, stack: Stack, split: Split, side: int, limit: int = MEMORY_BYTES) -> None:
        super().__init__(stack, split, side, limit)
        self._frames = frames_of(self._regions, stack.axes)
        if self.partial:
            self.count = max(2, self.count // 2 * 2)

    def refresh(self, generator: Generator) -> None:
        """Read two other tiles in place of two."""
        if self.partial:
            index = int(torch.randint(self.count // 2, (1,), generator=generator))
            place = self._draw(generator)
            self._renew(index, place)
            self._renew(index + self.count // 2, self._later(place, generator))

    def pair(
        self, places: Places, side: int, generator: Generator
    ) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
        """Patches to look at, patches to predict, and where the latter were measured (None: everywhere)."""
        frames = 2 if self.partial else self._frames
        others = replace(places, tile=other_frame(places.tile, self.count, frames, generator))
        pixels, targets = gather(self.pixels, places, side), gather(self.pixels, others, side)
        return pixels, targets, None if self.valid is None else gather(self.valid, others, side)

    def _selection(self, generator: Generator) -> list[Place]:
        first = [self._draw(generator) for _ in range(self.count // 2)]
        return first + [self._later(place, generator) for place in first]

    def _later(self, place: Place, generator: Generator) -> Place:
        """Same place at another time."""
        plane, row, column = place
        index = other_frame(torch.tensor([plane]), len(self._regions), self._frames, generator)
        return int(index), row, column


class TargetPairs(Tiles):
    """Pixels of a noisy stack and of a clean one of the same axes and shape, to predict the latter."""

    def __init__(
        self, stack: Stack, split: Split, side: int, limit: int = MEMORY_BYTES, *, target: Stack
    ) -> None:
        super().__init__(stack, split, side, limit // 2)
        self._target = target
        self.targets = torch.empty(0)
        self._measured_there: Tensor | None = None

    def load(
        self, offset: float | None, *, by_channel: bool, known: Normalisation | None = None
    ) -> Iterator[float]:
        """Read the chosen tiles of both stacks and normalise each by itself; yields the fraction done."""
        for fraction in super().load(offset, by_channel=by_channel, known=known):
            yield fraction / 2
        targets = np.empty((self.count, *self.shape), np.float32)
        for index, place in enumerate(self.places):
            targets[index] = read_float(self._target, self._region(place))
            yield 0.5 + (index + 1) / self.count / 2
        if known is None:
            channels = self._channels(by_channel=by_channel)
            means, stds = measure(targets, *channels, self._target.meta.name)
            self.normalisation = replace(self.normalisation, target_mean=means, target_std=stds)
        finite = np.isfinite(targets)
        self._measured_there = None if finite.all() else torch.from_numpy(finite)
        self.targets = torch.from_numpy(targets)
        for index in range(self.count):
            self._normalise_target(index, targets[index])

    def move(self, device: torch.device) -> None:
        """Keep the pixels on a device."""
        super().move(device)
        self.targets = self.targets.to(device)
        self._measured_there = None if self._measured_there is None else self._measured_there.to(device)

    def pair(
        self, places: Places, side: int, generator: Generator  # noqa: ARG002
    ) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
        """Patches to look at, patches to predict, and where the latter were measured (None: everywhere)."""
        measured = self._measured_there
        pixels, targets = gather(self.pixels, places, side), gather(self.targets, places, side)
        return pixels, targets, None if measured is None else gather(measured, places, side)

    def _renew(self, index: int, place: Place) -> None:
        super()._renew(index, place)
        pixels = read_float(self._target, self._region(place))
        self._measured_there = _marked(self._measured_there, index, pixels, self.targets)
        self._normalise_target(index, pixels)

    def _normalise_target(self, index: int, pixels: NDArray[np.float32]) -> None:
        result = normalised_target(pixels, self.normalisation, self._channel(index))
        self.targets[index] = torch.from_numpy(result).to(self.targets.device)


def frames_of(regions: Sequence[Region], axes: str) -> int:
    """Number of time points among regions of single planes, in which time is the slowest; 1 without time."""
    return len({region[axes.index("T")].start for region in regions}) if "T" in axes else 1


def other_frame(index: Tensor, count: int, frames: int, generator: Generator) -> Tensor:
    """Indices of the same planes at another time, drawn at random; of `count` planes, time is the slowest."""
    ahead = torch.randint(1, frames, index.shape, generator=generator)
    return (index + ahead * (count // frames)) % count


def normalised_target(pixels: NDArray[np.float32], norm: Normalisation, channel: int) -> NDArray[np.float32]:
    """Pixels of a clean stack as deviations from its mean; 0 where they are not finite."""
    mean, std = norm.result(channel if len(norm.mean) > 1 else 0)
    return np.where(np.isfinite(pixels), (pixels - np.float32(mean)) / np.float32(std), np.float32(0))


def _marked(
    valid: Tensor | None, index: int, pixels: NDArray[np.float32], like: Tensor
) -> Tensor | None:  # fmt: skip
    """Which pixels are finite, with those of one tile brought up to date."""
    finite = np.isfinite(pixels)
    if valid is None and not finite.all():
        valid = torch.ones(like.shape, dtype=torch.bool, device=like.device)
    if valid is not None:
        valid[index] = torch.from_numpy(finite)
    return valid
