"""Random sampling of training patches and their orientations.

Random numbers are always drawn on the CPU, so that the patches do not depend on the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

ORIENTATIONS = {
    "none": (0,), "rotations": (0, 3, 5, 6), "eight": (0, 1, 2, 3, 4, 5, 6, 7), "mirrors": (0, 1, 2, 3),
    "half-turn": (0, 3),
}  # fmt: skip
"""Orientations as bits: 1 flips rows, 2 flips columns, 4 transposes rows and columns."""


@dataclass(frozen=True, slots=True)
class Places:
    """Positions of patches: tile index, first row, first column, orientation; each (N,) int64."""

    tile: Tensor
    row: Tensor
    column: Tensor
    orientation: Tensor


def draw_places(
    count: int,
    shape: tuple[int, int, int],
    side: int,
    augment: str,
    generator: Generator,
    *,
    exchange: bool = True,
) -> Places:
    """Draw `count` square patches from tiles of shape (tiles, Y, X), with uniform probability.

    Without `exchange`, only orientations that do not transpose rows and columns are drawn.
    """
    tiles, height, width = shape
    allowed = torch.tensor([o for o in ORIENTATIONS[augment] if exchange or not o & 4])

    def below(limit: int) -> Tensor:
        return torch.randint(limit, (count,), generator=generator)

    return Places(
        below(tiles), below(height - side + 1), below(width - side + 1), allowed[below(len(allowed))]
    )


def gather(tiles: Tensor, places: Places, side: int) -> Tensor:
    """Crop patches (N, side, side) from tiles (tiles, Y, X) in one indexing operation, and orient them."""
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
