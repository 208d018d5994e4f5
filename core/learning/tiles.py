"""Pixels of a stack in memory, from which patches are cropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from core.instant.constants import substitutes
from core.learning.data import (
    Beside,
    Following,
    Normalisation,
    Split,
    beside_of,
    darkest,
    measure,
    narrowed,
    normalised,
    read_float,
)
from core.learning.sampling import Places, draw_places, gather
from core.stack import Region, Stack, channel_of, region_shape

MEMORY_BYTES = 2 * 2**30
"""Memory for training pixels as float32, in bytes; larger stacks are kept as a random, renewed part."""

LARGE_TILE = 1024
"""Side of the tiles, in pixels, if fewer than `ENOUGH` planes fit into memory."""

ENOUGH = 32

Place = tuple[int, int, int]
"""Position of a tile: plane index, first row, first column."""


class Tiles:
    """Pixels of a noisy stack, for training with hidden pixels.

    Parameters
    ----------
    stack : Stack
        Training stack.
    split : Split
        Training regions of the stack.
    side : int
        Side of the patches in pixels.
    limit : int
        Maximum memory of float32 pixels in bytes.
    along : str
        Axis of the neighbours of the network; "" for none. Only neighbours among the training regions are
        used.
    """

    def __init__(
        self, stack: Stack, split: Split, side: int, limit: int = MEMORY_BYTES, along: str = ""
    ) -> None:
        self._stack, self._regions = stack, split.training
        self._near = self._companions(along)
        height, width = region_shape(self._regions[0])[-2:]
        total = len(self._regions) * height * width * 4
        self.partial = total > limit
        # if all tiles are in memory, neighbours are other tiles; else they are stored with each tile
        self._each = 1 + self._near.count if self.partial and self._near is not None else 1
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
        """Choose the tiles to read: all planes, or a random selection (`before`, if it is valid)."""
        if not self.partial:
            self.places = [(index, 0, 0) for index in range(self.count)]
        elif before is not None and len(before) == self.count and all(self._fits(place) for place in before):
            self.places = [(plane, row, column) for plane, row, column in before]
        else:
            self.places = self._selection(generator)

    def load(
        self, offset: float | None, *, by_channel: bool, known: Normalisation | None = None
    ) -> Iterator[float]:
        """Read the chosen tiles and normalise them; yields the completed fraction.

        Parameters
        ----------
        offset : float or None
            Camera offset in counts; None to estimate it.
        by_channel : bool
            Whether every channel has a separate mean and standard deviation.
        known : Normalisation, optional
            Normalisation to use instead of measuring one.

        Raises
        ------
        QuietfieldError
            If there are no finite pixels, or all pixels are equal.
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
        """Move the pixels to a device."""
        self.pixels = self.pixels.to(device)
        self.valid = None if self.valid is None else self.valid.to(device)

    def refresh(self, generator: Generator) -> None:
        """Replace one random tile by another one; no effect if all tiles are in memory."""
        if self.partial:
            self._renew(int(torch.randint(self.count, (1,), generator=generator)), self._draw(generator))

    def draw(self, count: int, side: int, augment: str, generator: Generator, *, exchange: bool) -> Places:
        """Draw the places of patches; see `draw_places`."""
        return draw_places(count, (self.count, *self.shape), side, augment, generator, exchange=exchange)

    def pair(
        self, places: Places, side: int, generator: Generator  # noqa: ARG002
    ) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
        """Return input patches, target patches, and the valid pixels of the target (None: all)."""
        pixels = gather(self.pixels, places, side)
        return pixels, pixels, None if self.valid is None else gather(self.valid, places, side)

    def beside(self, places: Places, side: int) -> Tensor | None:
        """Return patches (N, len(OFFSETS), side, side) of the neighbours; None if there are none."""
        if self._beside is None:
            return None
        tiles = self._beside[places.tile].unbind(1)

        def planes(source: Tensor) -> Tensor:
            return torch.stack([gather(source, replace(places, tile=tile), side) for tile in tiles], 1)

        pixels = planes(self.pixels)
        return pixels if self.valid is None else replace_invalid(pixels, planes(self.valid))

    # ------------------------------------------------------------------ tiles

    def _companions(self, along: str) -> Beside | Following | None:
        """Return the planes or frames that belong to each plane, if any."""
        return beside_of(self._stack, along, self._regions)

    def _neighbours(self) -> Tensor | None:
        """Return the memory indices of the neighbours of each tile, (tiles, neighbours)."""
        if self._near is None:
            return None
        if self.partial:
            return torch.arange(self.count, self.count * self._each).reshape(self.count, -1)
        where = {corner(region): index for index, region in enumerate(self._regions)}
        near = [[where[corner(r)] for r in self._near.regions(region)] for region in self._regions]
        return torch.tensor(near)

    def _shown(self, index: int) -> Iterator[tuple[int, Region]]:
        """Yield memory index and region of all that is read for a tile, starting with the tile itself."""
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
        """Return the channel of each tile, and the number of distinguished channels."""
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


def corner(region: Region) -> tuple[int, ...]:
    """Return the first indices of a region."""
    return tuple(part.start for part in region)


def replace_invalid(pixels: Tensor, valid: Tensor) -> Tensor:
    """Replace pixels of neighbours that were not recorded by those of other neighbours.

    Pixels that no neighbour recorded stay as they are: those of the plane itself may be hidden.

    Parameters
    ----------
    pixels, valid : Tensor, shape (N, len(OFFSETS), Y, X)
        Neighbours, and their recorded pixels.
    """
    planes = []
    for number in range(pixels.shape[1]):
        plane, rest = pixels[:, number], ~valid[:, number]
        for other in substitutes(number):
            better = rest & valid[:, other]
            plane = torch.where(better, pixels[:, other], plane)
            rest = rest & ~better
        planes.append(plane)
    return torch.stack(planes, 1)


def marked(
    valid: Tensor | None, index: int, pixels: NDArray[np.float32], like: Tensor
) -> Tensor | None:  # fmt: skip
    """Return which pixels are finite, updated for one tile."""
    finite = np.isfinite(pixels)
    if valid is None and not finite.all():
        valid = torch.ones(like.shape, dtype=torch.bool, device=like.device)
    if valid is not None:
        valid[index] = torch.from_numpy(finite)
    return valid
