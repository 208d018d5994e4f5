"""Draw what a training step looks at: patches, their orientation, and the pixels hidden in them.

Random numbers always come from a generator on the processor, so that every device sees the
same patches and masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

ORIENTATIONS = {"none": (0,), "rotations": (0, 3, 5, 6), "eight": (0, 1, 2, 3, 4, 5, 6, 7)}
"""Orientations as bits: 1 mirrors rows, 2 mirrors columns, 4 exchanges rows and columns."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where patches lie: index of the tile, first row, first column, orientation; each (N,) int64."""

    tile: Tensor
    row: Tensor
    column: Tensor
    orientation: Tensor


@dataclass(frozen=True, slots=True)
class Mask:
    """Hidden pixels of N patches, M boxes each.

    Attributes
    ----------
    hidden : Tensor
        Index of the hidden pixel in its flattened patch, (N, M) int64.
    shown : Tensor
        Index of the pixel whose value is shown instead, (N, M) int64.
    counts : Tensor
        Whether the pixel lies in the patch; where a box reaches over the border it may not,
        then it shows its own value; (N, M) bool.
    """

    hidden: Tensor
    shown: Tensor
    counts: Tensor

    def part(self, start: int, stop: int, device: torch.device) -> Mask:
        """Masks of some of the patches, on a device."""
        return Mask(*(t[start:stop].to(device) for t in (self.hidden, self.shown, self.counts)))


def draw_places(
    count: int, shape: tuple[int, int, int], side: int, augment: str, generator: Generator
) -> Places:
    """Draw `count` square patches from tiles of shape (tiles, Y, X), all places equally likely."""
    tiles, height, width = shape
    allowed = torch.tensor(ORIENTATIONS[augment])

    def below(limit: int) -> Tensor:
        return torch.randint(limit, (count,), generator=generator)

    return Places(
        below(tiles), below(height - side + 1), below(width - side + 1), allowed[below(len(allowed))]
    )


def gather(tiles: Tensor, places: Places, side: int) -> Tensor:
    """Cut patches (N, side, side) out of tiles (tiles, Y, X) in one indexing operation, oriented."""
    device = tiles.device
    tile, row, column, orientation = (
        t.to(device)[:, None, None] for t in (places.tile, places.row, places.column, places.orientation)
    )
    ahead = torch.arange(side, device=device)
    down, across = ahead[None, :, None], ahead[None, None, :]
    exchanged = (orientation & 4) > 0
    rows = torch.where(exchanged, across, down)
    columns = torch.where(exchanged, down, across)
    rows = torch.where((orientation & 1) > 0, side - 1 - rows, rows)
    columns = torch.where((orientation & 2) > 0, side - 1 - columns, columns)
    return tiles[tile, row + rows, column + columns]


def draw_mask(count: int, side: int, box: int, neighbourhood: int, generator: Generator) -> Mask:
    """Hide one pixel, drawn at random, in every box of a grid that covers the patch.

    Boxes at the far borders may reach over them, and a pixel drawn there is left out: on
    average exactly one in ``box ** 2`` pixels is hidden. Each hidden pixel shows the value of
    another pixel of the square neighbourhood around it, drawn at random from those inside the patch.

    Parameters
    ----------
    count : int
        Number of patches.
    side : int
        Their side in pixels.
    box : int
        Side of the boxes in pixels; 6 gives 2.78 %.
    neighbourhood : int
        Side of the neighbourhood in pixels, odd.
    generator : Generator
        Source of randomness.
    """
    boxes = -(-side // box)
    first = torch.arange(boxes) * box
    shape = (count, boxes, boxes)
    row = torch.randint(box, shape, generator=generator) + first[:, None]
    column = torch.randint(box, shape, generator=generator) + first[None, :]
    counts = (row < side) & (column < side)
    row, column = row.clamp(max=side - 1), column.clamp(max=side - 1)
    reach = neighbourhood // 2
    top, left = (row - reach).clamp(min=0), (column - reach).clamp(min=0)
    height = (row + reach).clamp(max=side - 1) - top + 1
    width = (column + reach).clamp(max=side - 1) - left + 1
    others = height * width - 1
    pick = (torch.rand(shape, generator=generator, dtype=torch.float64) * others).long()
    own = (row - top) * width + column - left
    pick += pick >= own  # passes over the hidden pixel itself
    hidden = row * side + column
    shown = (top + pick // width) * side + left + pick % width
    shown = torch.where(counts, shown, hidden)
    return Mask(hidden.flatten(1), shown.flatten(1), counts.flatten(1))


def hide(patches: Tensor, mask: Mask) -> Tensor:
    """Copy patches (N, Y, X) with every hidden pixel showing its replacement."""
    flat = patches.flatten(1)
    return flat.scatter(1, mask.hidden, flat.gather(1, mask.shown)).reshape(patches.shape)
