"""Volumes of a stack, for training networks for volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Generator, Tensor

from core.errors import QuietfieldError
from core.learning.data import Beside, Following, Normalisation, Split, normalised, read_float
from core.learning.patches import Patches, patch_regions
from core.learning.sampling import Places, draw_places, gather
from core.learning.tiles import MEMORY_BYTES, Place, Tiles, corner
from core.stack import Region, Stack, channel_of, region_shape


class VolumeTiles(Tiles):
    """Pixels of a stack of volumes, for training with hidden pixels.

    Tiles are single planes; a patch is cropped from a plane and those that follow it. Planes of an outlying
    brightness belong to no patch.

    Parameters
    ----------
    stack, split, side, limit
        As in `Tiles`.
    planes : int
        Number of planes of a patch.

    Raises
    ------
    QuietfieldError
        If there are not so many successive planes.
    """

    def __init__(
        self, stack: Stack, split: Split, side: int, limit: int = MEMORY_BYTES, *, planes: int
    ) -> None:
        self._following = Following(stack.axes.index("Z"), planes - 1)
        self._first = first_planes(split.training, self._following, stack)
        super().__init__(stack, split, side, limit)

    def draw(self, count: int, side: int, augment: str, generator: Generator, *, exchange: bool) -> Places:
        """Draw the places of patches, each with the tile of its first plane."""
        if self.partial:
            return super().draw(count, side, augment, generator, exchange=exchange)
        shape = (len(self._first), *self.shape)
        places = draw_places(count, shape, side, augment, generator, exchange=exchange)
        return replace(places, tile=torch.tensor(self._first)[places.tile])

    def pair(
        self, places: Places, side: int, generator: Generator  # noqa: ARG002
    ) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
        """Return patches (N, Z, side, side), the same as target, and their valid pixels (None: all)."""
        assert self._beside is not None
        tiles = torch.cat([places.tile[:, None], self._beside[places.tile]], 1).unbind(1)

        def volumes(planes: Tensor) -> Tensor:
            return torch.stack([gather(planes, replace(places, tile=tile), side) for tile in tiles], 1)

        pixels = volumes(self.pixels)
        return pixels, pixels, None if self.valid is None else volumes(self.valid)

    def beside(self, places: Places, side: int) -> Tensor | None:  # noqa: ARG002
        """Return None: the network sees the planes of its patch alone."""
        return None

    def _companions(self, along: str) -> Beside | Following | None:  # noqa: ARG002
        return self._following

    def _neighbours(self) -> Tensor | None:
        if self.partial:
            return super()._neighbours()
        where = {corner(region): index for index, region in enumerate(self._regions)}
        near = torch.zeros(len(self._regions), self._following.count, dtype=torch.int64)
        for first in self._first:
            following = self._following.regions(self._regions[first])
            near[first] = torch.tensor([where[corner(region)] for region in following])
        return near

    def _fits(self, place: Sequence[int]) -> bool:
        return place[0] in self._first and super()._fits(place)

    def _draw(self, generator: Generator) -> Place:
        _, row, column = super()._draw(generator)
        first = int(torch.randint(len(self._first), (1,), generator=generator))
        return self._first[first], row, column


def first_planes(regions: Sequence[Region], following: Following, stack: Stack) -> list[int]:
    """Return the indices of planes, among regions of single planes, at which a patch can start.

    Raises
    ------
    QuietfieldError
        If there are none.
    """
    known = {corner(region) for region in regions}
    found = [
        index
        for index, region in enumerate(regions)
        if all(corner(other) in known for other in following.regions(region))
    ]
    if not found:
        raise QuietfieldError(
            f"{stack.meta.name} has nowhere {following.count + 1} successive planes of usual brightness. "
            "Reduce the patch depth, or train a network for planes."
        )
    return found


def held_out_volumes(
    stack: Stack,
    split: Split,
    norm: Normalisation,
    *,
    count: int,
    side: int,
    planes: int,
    generator: Generator,
) -> Patches:
    """Read patches (N, Z, Y, X) of held-out regions, without masks; they depend only on these arguments."""
    following = Following(stack.axes.index("Z"), planes - 1)
    regions = tuple(split.held_out[index] for index in first_planes(split.held_out, following, stack))
    height, width = region_shape(regions[0])[-2:]
    places = draw_places(count, (len(regions), height, width), side, "none", generator)
    pixels, valid, black, channels = [], [], [], []
    for region in patch_regions(regions, places, side):
        channel = channel_of(region, stack.axes) if len(norm.mean) > 1 else 0
        read = [read_float(stack, one) for one in (region, *following.regions(region))]
        pixels.append(torch.from_numpy(np.stack([normalised(one, norm, channel) for one in read])))
        valid.append(torch.from_numpy(np.isfinite(np.stack(read))))
        black.append(-norm.mean[channel] / norm.std[channel])
        channels.append(channel)
    volumes, measured = torch.stack(pixels), torch.stack(valid)
    return Patches(
        volumes,
        volumes,
        None if bool(measured.all()) else measured,
        torch.tensor(black),
        torch.tensor(channels),
        None,
    )
