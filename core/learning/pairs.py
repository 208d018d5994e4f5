"""Pixels in memory in pairs: of frames of one scene, or of a noisy and a clean stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from core.learning.data import Normalisation, Split, measure, read_float
from core.learning.sampling import Places, gather
from core.learning.tiles import MEMORY_BYTES, Place, Tiles, marked
from core.stack import Region, Stack


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
        self, stack: Stack, split: Split, side: int, limit: int = MEMORY_BYTES, along: str = "",
        *, target: Stack,
    ) -> None:  # fmt: skip
        super().__init__(stack, split, side, limit // 2, along)
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
        self._measured_there = marked(self._measured_there, index, pixels, self.targets)
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
