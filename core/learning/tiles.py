"""Pixels of a stack in memory, ready to draw patches from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from core.instant.reach import OFFSETS
from core.learning.data import (
    Normalisation,
    Split,
    beside_of,
    darkest,
    measure,
    narrowed,
    normalised,
    read_float,
)
from core.learning.sampling import Places, gather
from core.stack import Region, Stack, channel_of, region_shape

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
    along : str
        Axis along which the network sees the planes or frames beside; "" for none. Only those that are
        trained on are looked at.
    """

    def __init__(
        self, stack: Stack, split: Split, side: int, limit: int = MEMORY_BYTES, along: str = ""
    ) -> None:
        self._stack, self._regions = stack, split.training
        self._near = beside_of(stack, along, self._regions)
        height, width = region_shape(self._regions[0])[-2:]
        total = len(self._regions) * height * width * 4
        self.partial = total > limit
        # where all are in memory, what lies beside a tile is another one; else each has it with itself
        self._each = 1 + len(OFFSETS) if self.partial and self._near is not None else 1
        if self.partial and height * width * 4 * self._each * ENOUGH > limit:
            tile = max(LARGE_TILE, side)
            height, width = min(height, tile), min(width, tile)
        fitting = max(1, limit // (height * width * 4 * self._each))
        self.count = fitting if self.partial else len(self._regions)
        self.shape = (height, width)
        self._beside = self._neighbours()
        self.places: list[Place] = []
        self.pixels = torch.empty(0)
        self.valid: Tensor | None = None
        self.black = torch.empty(0)
        self.channel = torch.empty(0, dtype=torch.int64)
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
        pixels = np.empty((self.count * self._each, *self.shape), np.float32)
        for index in range(self.count):
            for at, region in self._shown(index):
                pixels[at] = read_float(self._stack, region)
            yield (index + 1) / self.count
        finite = np.isfinite(pixels)
        self.valid = None if finite.all() else torch.from_numpy(finite)
        self.normalisation = known or self._measured(pixels[: self.count], offset, by_channel=by_channel)
        self.pixels = torch.from_numpy(pixels)
        self.black = torch.empty(self.count)
        self.channel = torch.zeros(self.count, dtype=torch.int64)
        for index in range(self.count):
            for at, _ in self._shown(index):
                self._normalise(index, at, pixels[at])

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

    def beside(self, places: Places, side: int) -> Tensor | None:
        """Patches (N, len(OFFSETS), side, side) of the planes or frames beside; None if none are seen."""
        if self._beside is None:
            return None
        tiles = self._beside[places.tile].unbind(1)
        return torch.stack([gather(self.pixels, replace(places, tile=tile), side) for tile in tiles], 1)

    # ------------------------------------------------------------------ tiles

    def _neighbours(self) -> Tensor | None:
        """Where in memory that is which lies beside each tile, (tiles, len(OFFSETS))."""
        if self._near is None:
            return None
        if self.partial:
            return torch.arange(self.count, self.count * self._each).reshape(self.count, -1)
        where = {_corner(region): index for index, region in enumerate(self._regions)}
        near = [[where[_corner(r)] for r in self._near.regions(region)] for region in self._regions]
        return torch.tensor(near)

    def _shown(self, index: int) -> Iterator[tuple[int, Region]]:
        """What is read for a tile, and where in memory it is kept: itself first."""
        region = self._region(self.places[index])
        yield index, region
        if self.partial and self._near is not None and self._beside is not None:
            yield from zip(self._beside[index].tolist(), self._near.regions(region), strict=True)

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
        for at, region in self._shown(index):
            pixels = read_float(self._stack, region)
            self.valid = marked(self.valid, at, pixels, self.pixels)
            self._normalise(index, at, pixels)

    def _normalise(self, index: int, at: int, light: NDArray[np.float32]) -> None:
        norm, channel = self.normalisation, self._channel(index)
        self.pixels[at] = torch.from_numpy(normalised(light, norm, channel)).to(self.pixels.device)
        self.black[index] = -norm.mean[channel] / norm.std[channel]
        self.channel[index] = channel

    def _channel(self, index: int) -> int:
        if len(self.normalisation.mean) == 1:
            return 0
        return channel_of(self._regions[self.places[index][0]], self._stack.axes)

    def _channels(self, *, by_channel: bool) -> tuple[NDArray[np.int64], int]:
        """Channel of each tile, and how many channels are told apart."""
        channels = self._stack.sizes.get("C", 1) if by_channel else 1
        axes = self._stack.axes
        of_tile = [channel_of(self._regions[p], axes) if channels > 1 else 0 for p, *_ in self.places]
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


def _corner(region: Region) -> tuple[int, ...]:
    return tuple(part.start for part in region)


def marked(
    valid: Tensor | None, index: int, pixels: NDArray[np.float32], like: Tensor
) -> Tensor | None:  # fmt: skip
    """Which pixels are finite, with those of one tile brought up to date."""
    finite = np.isfinite(pixels)
    if valid is None and not finite.all():
        valid = torch.ones(like.shape, dtype=torch.bool, device=like.device)
    if valid is not None:
        valid[index] = torch.from_numpy(finite)
    return valid
