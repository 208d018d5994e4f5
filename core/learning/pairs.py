"""Pairs of pixels in memory: two frames of one scene, or a noisy and a clean stack."""

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
    """Pixels of a static scene, to predict one frame from another.

    If the stack fits into memory, all pairs of frames are used. Otherwise tiles are stored in pairs; the
    second half of the tiles contains the same places as the first half, at another time.
    """

    def __init__(self, stack: Stack, split: Split, side: int, limit: int = MEMORY_BYTES) -> None:
        super().__init__(stack, split, side, limit)
        self._frames = frames_of(self._regions, stack.axes)
        if self.partial:
            self.count = max(2, self.count // 2 * 2)

    def refresh(self, generator: Generator) -> None:
        """Replace a pair of tiles by two other tiles."""
        if self.partial:
            index = int(torch.randint(self.count // 2, (1,), generator=generator))
            place = self._draw(generator)
            self._renew(index, place)
            self._renew(index + self.count // 2, self._later(place, generator))

    def pair(
        self, places: Places, side: int, generator: Generator
    ) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
        """Return input patches, target patches, and the pixels that are valid in both (None: all)."""
        frames = 2 if self.partial else self._frames
        others = replace(places, tile=other_frame(places.tile, self.count, frames, generator))
        pixels, targets = gather(self.pixels, places, side), gather(self.pixels, others, side)
        if self.valid is None:
            return pixels, targets, None
        return pixels, targets, gather(self.valid, places, side) & gather(self.valid, others, side)

    def _selection(self, generator: Generator) -> list[Place]:
        first = [self._draw(generator) for _ in range(self.count // 2)]
        return first + [self._later(place, generator) for place in first]

    def _later(self, place: Place, generator: Generator) -> Place:
        """Return the same place at another time."""
        plane, row, column = place
        index = other_frame(torch.tensor([plane]), len(self._regions), self._frames, generator)
        return int(index), row, column


class TargetPairs(Tiles):
    """Pixels of a noisy and a clean stack with the same axes and shape, to predict the clean one."""

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
        """Read the chosen tiles and normalise each stack separately; yields the completed fraction."""
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
        """Move the pixels to a device."""
        super().move(device)
        self.targets = self.targets.to(device)
        self._measured_there = None if self._measured_there is None else self._measured_there.to(device)

    def pair(
        self, places: Places, side: int, generator: Generator  # noqa: ARG002
    ) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
        """Return input patches, target patches, and the pixels that are valid in both (None: all)."""
        pixels, targets = gather(self.pixels, places, side), gather(self.targets, places, side)
        known = [mask for mask in (self.valid, self._measured_there) if mask is not None]
        valid = [gather(mask, places, side) for mask in known]
        return pixels, targets, torch.stack(valid).all(0) if valid else None

    def _renew(self, index: int, place: Place) -> None:
        super()._renew(index, place)
        pixels = read_float(self._target, self._region(place))
        self._measured_there = marked(self._measured_there, index, pixels, self.targets)
        self._normalise_target(index, pixels)

    def _normalise_target(self, index: int, pixels: NDArray[np.float32]) -> None:
        result = normalised_target(pixels, self.normalisation, self._channel(index))
        self.targets[index] = torch.from_numpy(result).to(self.targets.device)


def frames_of(regions: Sequence[Region], axes: str) -> int:
    """Return the number of time points of regions of single planes, with time slowest; 1 without time."""
    return len({region[axes.index("T")].start for region in regions}) if "T" in axes else 1


def other_frame(index: Tensor, count: int, frames: int, generator: Generator) -> Tensor:
    """Return indices of the same planes at another random time; of `count` planes, with time slowest."""
    ahead = torch.randint(1, frames, index.shape, generator=generator)
    return (index + ahead * (count // frames)) % count


def normalised_target(pixels: NDArray[np.float32], norm: Normalisation, channel: int) -> NDArray[np.float32]:
    """Normalise pixels of a clean stack by its mean and standard deviation; non-finite pixels become 0."""
    mean, std = norm.result(channel if len(norm.mean) > 1 else 0)
    return np.where(np.isfinite(pixels), (pixels - np.float32(mean)) / np.float32(std), np.float32(0))
