"""Masking of pixels: selection of hidden pixels, and their replacement.

Random numbers are always drawn on the CPU, so that the masks do not depend on the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True, slots=True)
class Mask:
    """Hidden pixels of N patches, in M boxes each.

    Attributes
    ----------
    hidden : Tensor, shape (N, M), int64
        Index in the flattened patch of the hidden pixel to predict.
    counts : Tensor, shape (N, M), bool
        Whether this pixel lies in the patch; boxes at the border may extend beyond it.
    changed : Tensor, shape (N, L), int64
        Index of the replaced pixels: the hidden ones, and their neighbours if lines are covered.
    shown : Tensor, shape (N, L) or (N, L, K), int64
        Index of the pixel that replaces each of them; or indices of the pixels whose median replaces it,
        with -1 for positions outside the patch.
    """

    hidden: Tensor
    counts: Tensor
    changed: Tensor
    shown: Tensor

    def part(self, start: int, stop: int, device: torch.device) -> Mask:
        """Return the masks of some patches, on a device."""
        parts = (self.hidden, self.counts, self.changed, self.shown)
        return Mask(*(t[start:stop].to(device) for t in parts))


def draw_mask(
    count: int, side: int, box: int, neighbourhood: int, generator: Generator, *, median: bool = False
) -> Mask:
    """Hide one random pixel in every box of a grid that covers the patch.

    Boxes at the far borders may extend beyond the patch, and pixels drawn outside are ignored: on average
    exactly one in ``box ** 2`` pixels is hidden. Each hidden pixel is replaced by another random pixel of the
    square neighbourhood around it, inside the patch (Krull et al. 2019, doi:10.1109/CVPR.2019.00223), or by
    the median of all others (Höck et al. 2022, doi:10.1007/978-3-031-25069-9_33).

    Parameters
    ----------
    count : int
        Number of patches.
    side : int
        Side of the patches in pixels.
    box : int
        Side of the boxes in pixels; 6 hides 2.78 % of the pixels.
    neighbourhood : int
        Side of the neighbourhood in pixels, odd.
    generator : Generator
        Source of randomness.
    median : bool
        Whether hidden pixels are replaced by the median.
    """
    row, column, counts = draw_hidden(count, side, (box, box), generator)
    reach = neighbourhood // 2
    hidden = row * side + column
    if median:
        shown = _all_others(row, column, side, reach)
        shown = torch.where(counts[..., None], shown, hidden[..., None])
    else:
        shown = torch.where(counts, _one_other(row, column, side, reach, generator), hidden)
    return Mask(hidden, counts, hidden, shown)


def draw_hidden(
    count: int, side: int, box: tuple[int, int], generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw one pixel in every box (rows, columns) of a grid: row, column, and whether it is inside.

    Returns
    -------
    tuple of Tensor
        Three tensors (N, M): two int64, clipped to the patch, and one bool.
    """
    down, across = -(-side // box[0]), -(-side // box[1])
    shape = (count, down, across)
    row = torch.randint(box[0], shape, generator=generator) + (torch.arange(down) * box[0])[:, None]
    column = torch.randint(box[1], shape, generator=generator) + (torch.arange(across) * box[1])[None, :]
    counts = (row < side) & (column < side)
    row, column = row.clamp(max=side - 1), column.clamp(max=side - 1)
    return row.flatten(1), column.flatten(1), counts.flatten(1)


def _one_other(row: Tensor, column: Tensor, side: int, reach: int, generator: Generator) -> Tensor:
    """Return the index of another pixel of each neighbourhood, inside the patch, (N, M)."""
    top, left = (row - reach).clamp(min=0), (column - reach).clamp(min=0)
    height = (row + reach).clamp(max=side - 1) - top + 1
    width = (column + reach).clamp(max=side - 1) - left + 1
    others = height * width - 1
    pick = (torch.rand(row.shape, generator=generator, dtype=torch.float64) * others).long()
    own = (row - top) * width + column - left
    pick += pick >= own  # skips the hidden pixel
    return (top + pick // width) * side + left + pick % width


def _all_others(row: Tensor, column: Tensor, side: int, reach: int) -> Tensor:
    """Return the indices of all other pixels of each neighbourhood, -1 outside the patch, (N, M, K)."""
    ahead = torch.arange(-reach, reach + 1)
    down, across = (grid.flatten() for grid in torch.meshgrid(ahead, ahead, indexing="ij"))
    other = (down != 0) | (across != 0)
    rows, columns = row[..., None] + down[other], column[..., None] + across[other]
    inside = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    return torch.where(inside, rows * side + columns, -1)


def in_volumes(mask: Mask, planes: int, pixels: int) -> Mask:
    """Join the masks of single planes to those of volumes.

    Parameters
    ----------
    mask : Mask
        Masks of N times `planes` planes.
    planes, pixels : int
        Number of planes of a volume, and of pixels of a plane.

    Returns
    -------
    Mask
        Masks of N volumes, whose indices refer to the flattened volume.
    """
    first = pixels * torch.arange(planes, device=mask.hidden.device)

    def joined(index: Tensor) -> Tensor:
        each = index.reshape(-1, planes, *index.shape[1:])
        moved = each + first.reshape(planes, *[1] * (each.ndim - 2))
        return torch.where(each < 0, each, moved).flatten(1, 2)

    counts = mask.counts.reshape(-1, planes * mask.counts.shape[1])
    return Mask(joined(mask.hidden), counts, joined(mask.changed), joined(mask.shown))


def hide(patches: Tensor, mask: Mask) -> Tensor:
    """Return a copy of patches (N, …, Y, X) in which hidden pixels have their replacement values."""
    flat = patches.flatten(1)
    values = _medians(flat, mask.shown) if mask.shown.ndim == 3 else flat.gather(1, mask.shown)
    return flat.scatter(1, mask.changed, values).reshape(patches.shape)


def surrounded(patches: Tensor, mask: Mask) -> Tensor:
    """Return a copy of patches (N, Y, X) in which hidden pixels have the mean of visible neighbours.

    The mean is weighted by a Gaussian of sigma 1 px over 5 x 5 pixels. It contains no information about the
    hidden pixel beyond its surroundings.
    """
    hidden = torch.zeros_like(patches.flatten(1), dtype=torch.bool).scatter(1, mask.changed, True)
    return fill_hidden(patches, hidden.reshape(patches.shape))


def fill_hidden(patches: Tensor, hidden: Tensor) -> Tensor:
    """Return a copy of images (N, Y, X) in which pixels (N, Y, X), bool, have the mean of visible neighbours.

    The mean is weighted by a Gaussian of sigma 1 px over 5 x 5 pixels.
    """
    seen = (~hidden).to(patches.dtype)[:, None]
    row = torch.exp(-0.5 * torch.arange(-2.0, 3.0, device=patches.device, dtype=patches.dtype).square())

    def around(images: Tensor) -> Tensor:
        down = torch.nn.functional.conv2d(images, row.reshape(1, 1, 5, 1), padding=(2, 0))
        return torch.nn.functional.conv2d(down, row.reshape(1, 1, 1, 5), padding=(0, 2))

    mean = around(seen * patches[:, None]) / around(seen)
    return torch.where(hidden, mean[:, 0], patches)


def _medians(flat: Tensor, shown: Tensor) -> Tensor:
    """Return the medians (N, L) of pixels (N, P) at indices (N, L, K); negative indices are ignored."""
    values = flat.gather(1, shown.clamp(min=0).flatten(1)).reshape(shown.shape)
    values = torch.where(shown < 0, torch.inf, values).sort(-1).values
    count = (shown >= 0).sum(-1, keepdim=True)
    middle = values.gather(-1, (count - 1) // 2) + values.gather(-1, count // 2)
    return 0.5 * middle[..., 0]
