"""Patches: cropped from tiles in memory for training, and read once for validation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from core.learning.data import (
    Normalisation,
    Split,
    beside_of,
    narrowed,
    normalised,
    read_float,
)
from core.learning.masks import Mask
from core.learning.pairs import frames_of, normalised_target, other_frame
from core.learning.sampling import Places, draw_places
from core.learning.tiles import Tiles, replace_invalid
from core.stack import Region, Stack, channel_of, region_shape


@dataclass(frozen=True, slots=True)
class Patches:
    """Patches of pixels.

    Attributes
    ----------
    pixels, target : Tensor, shape (N, Y, X) or (N, Z, Y, X)
        Input and target of the network, normalised: planes, or volumes.
    valid : Tensor or None
        Bool, with the shape of `pixels`: pixels recorded in input and target; None for all.
    black : Tensor, shape (N,)
        Normalised value without light.
    channel : Tensor, shape (N,), int64
        Channel of each patch; 0 if channels are not distinguished.
    mask : Mask or None
        Hidden pixels, which are predicted; None if all pixels are predicted.
    beside : Tensor or None
        Neighbouring planes or frames, (N, len(OFFSETS), Y, X), normalised and without hidden pixels; None
        if the network does not use them.
    draws : Tensor or None
        Standard normal numbers for networks that sample, (N, planes, Y, X).
    weight : Tensor or None
        Weight of the second term of the loss of each patch, (N,), if it changes during training.
    """

    pixels: Tensor
    target: Tensor
    valid: Tensor | None
    black: Tensor
    channel: Tensor
    mask: Mask | None
    beside: Tensor | None = None
    draws: Tensor | None = None
    weight: Tensor | None = None

    def part(self, start: int, stop: int, device: torch.device | None = None) -> Patches:
        """Return some of the patches, on a device (by default their own)."""
        device = device or self.pixels.device
        return Patches(
            self.pixels[start:stop].to(device),
            self.target[start:stop].to(device),
            None if self.valid is None else self.valid[start:stop].to(device),
            self.black[start:stop].to(device),
            self.channel[start:stop].to(device),
            None if self.mask is None else self.mask.part(start, stop, device),
            None if self.beside is None else self.beside[start:stop].to(device),
            None if self.draws is None else self.draws[start:stop].to(device),
            None if self.weight is None else self.weight[start:stop].to(device),
        )

    def hiding(self, mask: Mask | None) -> Patches:
        """Return the same patches with another mask."""
        return replace(self, mask=mask)


def cut(
    tiles: Tiles, places: Places, side: int, mask: Mask | None, device: torch.device, generator: Generator
) -> Patches:
    """Crop patches from tiles in memory, on the device."""
    pixels, target, valid = tiles.pair(places, side, generator)
    black, channel = tiles.black[places.tile], tiles.channel[places.tile]
    others = tiles.beside(places, side)
    return Patches(pixels, target, valid, black, channel, mask, others).part(0, len(pixels), device)


def held_out_patches(
    stack: Stack,
    split: Split,
    norm: Normalisation,
    *,
    count: int,
    side: int,
    generator: Generator,
    frames: bool = False,
    target: Stack | None = None,
    along: str = "",
) -> Patches:
    """Read patches of held-out regions, without masks; they depend only on these arguments.

    The target is another frame if `frames` is true, else the stack `target` if given, else the pixels
    themselves. The neighbouring planes or frames along the axis `along` may be any of the stack.
    """
    regions = split.held_out
    height, width = region_shape(regions[0])[-2:]
    places = draw_places(count, (len(regions), height, width), side, "none", generator)
    others = places
    if frames:
        times = frames_of(regions, stack.axes)
        others = replace(places, tile=other_frame(places.tile, len(regions), times, generator))
    near = beside_of(stack, along)
    pixels, targets, valid, black, channels = [], [], [], [], []
    around: list[Tensor] = []
    for region, other in zip(
        patch_regions(regions, places, side), patch_regions(regions, others, side), strict=True
    ):
        channel = channel_of(region, stack.axes) if len(norm.mean) > 1 else 0
        given = read_float(stack, region)
        pixels.append(torch.from_numpy(normalised(given, norm, channel)))
        if near is not None:
            planes = [read_float(stack, r) for r in near.regions(region)]
            filled = torch.from_numpy(np.stack([normalised(one, norm, channel) for one in planes]))
            recorded = torch.from_numpy(np.isfinite(np.stack(planes)))
            around.append(replace_invalid(filled[None], recorded[None])[0])
        read = read_float(stack if target is None else target, other)
        valid.append(torch.from_numpy(np.isfinite(read) & np.isfinite(given)))
        wanted = normalised(read, norm, channel) if target is None else normalised_target(read, norm, channel)
        targets.append(torch.from_numpy(wanted))
        black.append(-norm.mean[channel] / norm.std[channel])
        channels.append(channel)
    measured = torch.stack(valid)
    return Patches(
        torch.stack(pixels),
        torch.stack(targets),
        None if bool(measured.all()) else measured,
        torch.tensor(black),
        torch.tensor(channels),
        None,
        torch.stack(around) if around else None,
    )


def patch_regions(planes: tuple[Region, ...], places: Places, side: int) -> list[Region]:
    """Return the regions of patches of single planes."""
    found = []
    for plane, row, column in torch.stack((places.tile, places.row, places.column), 1).tolist():
        region = planes[plane]
        row, column = region[-2].start + row, region[-1].start + column
        found.append(narrowed(narrowed(region, -2, row, row + side), -1, column, column + side))
    return found
