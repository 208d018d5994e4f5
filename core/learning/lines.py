"""Masking of pixels together with lines of neighbours that share their noise."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Generator, Tensor

from core.learning.masks import Mask, draw_hidden

Direction = Literal["x", "y", "both"]
"""Axes of masked lines: rows, columns, or both."""


def draw_lines(
    count: int, side: int, box: int, neighbourhood: int, line: Direction, reach: int, generator: Generator
) -> Mask:
    """Hide one pixel in every box, and mask the neighbouring pixels along lines.

    If noise is correlated along a line, the network could otherwise predict the noise of a hidden pixel from
    its neighbours (Broaddus et al. 2020, doi:10.1109/ISBI45749.2020.9098336). Only the centre pixel is
    predicted. Boxes are longer by the lines, so that only a small part of the patch is masked: along rows one
    pixel in ``box * (box + 2 * reach)`` is hidden.

    Every masked pixel is replaced by a random pixel of its neighbourhood outside the lines, which has
    independent noise and a similar intensity; the paper uses random numbers instead.

    Parameters
    ----------
    count : int
        Number of patches.
    side : int
        Side of the patches in pixels.
    box : int
        Side of the boxes in pixels, without the lines.
    neighbourhood : int
        Side of the neighbourhood in pixels, odd.
    line : {"x", "y", "both"}
        Axes of the lines.
    reach : int
        Number of masked pixels on each side of a hidden pixel.
    generator : Generator
        Source of randomness.
    """
    along_x, along_y = line in ("x", "both"), line in ("y", "both")
    cell = (box + 2 * reach * along_y, box + 2 * reach * along_x)
    row, column, counts = draw_hidden(count, side, cell, generator)
    places = {(0, 0)}
    places |= {(0, far) for far in range(-reach, reach + 1) if along_x}
    places |= {(far, 0) for far in range(-reach, reach + 1) if along_y}
    down, across = torch.tensor(sorted(places)).T
    rows = (row[..., None] + down).clamp(0, side - 1)
    columns = (column[..., None] + across).clamp(0, side - 1)
    around = neighbourhood // 2
    other_row = _near(rows, around, side, row[..., None] if along_x else None, generator)
    other_column = _near(columns, around, side, column[..., None] if along_y else None, generator)
    changed, shown = rows * side + columns, other_row * side + other_column
    return Mask(row * side + column, counts, changed.flatten(1), shown.flatten(1))


def _near(at: Tensor, reach: int, side: int, avoid: Tensor | None, generator: Generator) -> Tensor:
    """Draw numbers within `reach` of others, from 0 to `side` - 1, excluding those to avoid."""
    low, high = (at - reach).clamp(min=0), (at + reach).clamp(max=side - 1)
    many = high - low + 1
    barred = None
    if avoid is not None:
        barred = (avoid >= low) & (avoid <= high)
        many = many - barred.long()
    pick = low + (torch.rand(at.shape, generator=generator, dtype=torch.float64) * many).long()
    if barred is not None and avoid is not None:
        pick = pick + (barred & (pick >= avoid)).long()
    return pick
