"""The U-Net every learned method here trains."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn


class UNet(nn.Module):
    """U-Net with added skips and neither normalisation nor a residual connection.

    Each level holds two 3x3 convolutions with ReLU; 2x2 max-pooling leads down and doubles the
    channels, a 2x2 transposed convolution of stride 2 leads up and halves them; a 1x1
    convolution ends it. Weights start Xavier-normal, biases at zero. Width 64 and depth 3 are
    the network of Goncharova et al. 2020 (doi:10.1007/978-3-030-66415-2_25).

    Parameters
    ----------
    width : int
        Channels of the first level.
    depth : int
        Number of levels, so that there are ``depth - 1`` poolings.
    """

    def __init__(self, width: int = 64, depth: int = 3) -> None:
        super().__init__()
        channels = [width * 2**level for level in range(depth)]
        self.width, self.depth = width, depth
        self.down = nn.ModuleList(
            _level(before, after) for before, after in zip([1, *channels[:-1]], channels, strict=True)
        )
        self.rise = nn.ModuleList(
            nn.ConvTranspose2d(below, above, 2, stride=2)
            for above, below in reversed(list(itertools.pairwise(channels)))
        )
        self.up = nn.ModuleList(_level(count, count) for count in reversed(channels[:-1]))
        self.end = nn.Conv2d(width, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.xavier_normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Transform images (N, 1, Y, X) whose sides are multiples of ``2 ** (depth - 1)``."""
        kept = []
        for level, convolutions in enumerate(self.down):
            if level:
                images = nn.functional.max_pool2d(images, 2)
            images = convolutions(images)
            kept.append(images)
        kept.pop()
        for rise, convolutions in zip(self.rise, self.up, strict=True):
            images = convolutions(rise(images) + kept.pop())
        result: Tensor = self.end(images)
        return result


def _level(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1),
        nn.ReLU(inplace=True),
    )


def receptive_field(depth: int) -> int:
    """Greatest distance in pixels over which an input pixel can change an output pixel.

    Pooling ties pixels to a grid, so the reach depends on where in the grid a pixel lies; this
    is the largest over all places and both directions.
    """
    farthest = 0
    for place in range(2 ** (depth - 1)):
        low, high = place, place
        for _ in range(depth - 1):  # from the output down to the coarsest level
            low, high = (low - 2) // 2, (high + 2) // 2
        low, high = low - 2, high + 2
        for _ in range(depth - 1):  # and up to the input
            low, high = 2 * low - 2, 2 * high + 1 + 2
        farthest = max(farthest, place - low, high - place)
    return farthest


def initial(width: int, depth: int, seed: int) -> UNet:
    """Give a freshly initialised network that depends on nothing but these numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet(width, depth)
