"""The network behind Instant: a small U-Net at half resolution on an image and its blurs.

Its input is an image whose noise has a standard deviation of about 1: the root of something proportional to
light. Its blurs are roots of blurred light, which have no bias, however few the photons. For every pixel it
predicts shares of the image and its blurs, and a rest that is added: an untrained network is a narrow
blur, and where there is little light it can fall back on a wide one. What it sees are differences from the
widest blur, and how dark that is where it is below `LEVEL`. It sees no farther than
`core.instant.reach.REACH`, so that pieces give the same as the whole.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (32, 64, 96, 96)
"""Channels at a half, a quarter, an eighth and a sixteenth of the resolution."""

FINE = (0.0, 0.7, 1.0, 1.5)
"""Standard deviations in pixels of the blurs at full resolution; the first is the image itself."""

BASE = 2
"""Which of the fine blurs an untrained network gives."""

COARSE = (3.0, 5.0, 9.0)
"""Standard deviations in pixels of the blurs at lower resolution; the last is the widest."""

LEAST = 64
"""Images have sides of at least this."""

LEVEL = 10.0
"""Transformed intensity (about 25 photons) from which on noise is the same at any level."""

SCALE = 4.0
"""Noise standard deviations that become 1 inside the network."""


class InstantNetwork(nn.Module):
    """Denoise images of unit noise.

    Parameters
    ----------
    widths : sequence of int
        Channels of each level.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.widths = tuple(widths)
        seen = 4 * len(FINE) + len(COARSE) - 1 + 3
        self.down = nn.ModuleList(_level(a, b) for a, b in zip((seen, *widths), widths, strict=False))
        self.narrow = nn.ModuleList(nn.Conv2d(below, above, 1) for above, below in itertools.pairwise(widths))
        self.up = nn.ModuleList(_level(count, count) for count in widths[:-1])
        blurs = len(FINE) + len(COARSE) - 1
        self.end = nn.Conv2d(widths[0], 4 * (blurs + 1), 1)
        nn.init.zeros_(self.end.weight)
        with torch.no_grad():
            self.end.bias.copy_((torch.arange(4 * (blurs + 1)) // 4 == BASE).float())  # type: ignore[union-attr]

    def forward(self, images: Tensor, correlation: Tensor) -> Tensor:
        """Denoise images.

        Parameters
        ----------
        images : Tensor, shape (N, 1, Y, X)
            Sides are multiples of `core.instant.reach.GRID` and at least `LEAST`.
        correlation : Tensor, shape (N, 2)
            Correlation of the noise between neighbours along rows (Y) and columns (X).

        Returns
        -------
        Tensor, shape (N, 1, Y, X)
        """
        light = images.square()  # proportional to light, plus a constant: blurs of it have no bias
        fine, coarse = _root(_fine(light)), _root(_coarse(light))
        widest = coarse[:, -1:]
        told = (SCALE * SCALE * correlation)[:, :, None, None].expand(-1, -1, *widest.shape[2:])
        dark = functional.relu(LEVEL - widest)
        details = torch.cat([fine, coarse[:, :-1]], 1) - widest
        half = torch.cat([details, told, dark], 1) / SCALE
        half = half.contiguous(memory_format=torch.channels_last)
        kept = []
        for level, convolutions in enumerate(self.down):
            half = convolutions(functional.max_pool2d(half, 2) if level else half)
            kept.append(half)
        for level in reversed(range(len(self.up))):
            risen = functional.interpolate(self.narrow[level](half), scale_factor=2.0, mode="nearest")
            half = self.up[level](risen + kept[level])
        return _mixed(details, widest, self.end(half))


def _mixed(details: Tensor, widest: Tensor, predicted: Tensor) -> Tensor:
    """Sum of the widest blur, of shares of the others' differences from it, and of the rest."""
    fine, coarse = details[:, : 4 * len(FINE)], details[:, 4 * len(FINE) :]
    result = widest + SCALE * predicted[:, -4:]
    for blur in range(len(FINE)):
        result = result + predicted[:, 4 * blur : 4 * blur + 4] * fine[:, 4 * blur : 4 * blur + 4]
    for blur in range(len(COARSE) - 1):
        first = 4 * (len(FINE) + blur)
        result = result + predicted[:, first : first + 4] * coarse[:, blur : blur + 1]
    return functional.pixel_shuffle(result, 2)


def _level(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1),
        nn.ReLU(inplace=True),
    )


def _root(light: Tensor) -> Tensor:
    return light.clamp_min(1e-6).sqrt()


def _gaussians(sigmas: Sequence[float], like: Tensor) -> Tensor:
    """Two-dimensional Gaussians (number, 1, side, side), cut off at three times the widest."""
    radius = math.ceil(3 * max(sigmas))
    offsets = torch.arange(-radius, radius + 1, dtype=like.dtype, device=like.device)
    found = []
    for sigma in sigmas:
        line = torch.exp(-0.5 * (offsets / sigma) ** 2) if sigma else (offsets == 0).to(like.dtype)
        found.append(torch.outer(line, line) / line.sum() ** 2)
    return torch.stack(found)[:, None]


def _fine(images: Tensor) -> Tensor:
    """Blurs of `FINE` at full resolution, as (N, 4 * number, Y/2, X/2): the four pixels of every 2x2."""
    kernels = _gaussians(FINE, images)
    phases = [functional.pad(kernels, (x, 1 - x, y, 1 - y)) for y in (0, 1) for x in (0, 1)]
    radius = kernels.shape[-1] // 2
    padded = functional.pad(images, (radius,) * 4, mode="reflect")
    return functional.conv2d(padded, torch.stack(phases, 1).flatten(0, 1), stride=2)


def _coarse(images: Tensor) -> Tensor:
    """Blurs of `COARSE`, at half resolution: (N, number, Y/2, X/2), the widest last."""
    half = functional.avg_pool2d(images, 2)
    near = _same(half, [COARSE[0] / 2])
    far = _same(functional.avg_pool2d(half, 2), [sigma / 4 for sigma in COARSE[1:]])
    return torch.cat([near, functional.interpolate(far, scale_factor=2.0, mode="bilinear")], 1)


def _same(images: Tensor, sigmas: Sequence[float]) -> Tensor:
    kernels = _gaussians(sigmas, images)
    return functional.conv2d(functional.pad(images, (kernels.shape[-1] // 2,) * 4, mode="reflect"), kernels)
