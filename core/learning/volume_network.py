"""The U-Net for volumes, made of two-dimensional convolutions."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.learning.architecture import Architecture
from core.learning.blur_pooling import blur_pool


class VolumeConvolution(nn.Conv2d):
    """A 3x3x3 convolution, computed as a 3x3 convolution of each plane with its two neighbours as channels.

    On processors, a three-dimensional convolution with few channels takes four times longer. Weights have the
    shape (after, 3 * before, 3, 3): the channels of the plane before, of the plane, and of the plane after.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__(3 * before, after, 3, padding=1)

    def forward(self, volumes: Tensor) -> Tensor:
        """Transform volumes (N, Z, before, Y, X) to (N, Z, after, Y, X); borders are padded with zeros."""
        padded = functional.pad(volumes.movedim(2, -1), (0, 0, 0, 0, 0, 0, 1, 1))
        three = torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], -1)
        planes = three.flatten(0, 1).movedim(-1, 1)  # channels last in memory
        found = super().forward(planes)
        return found.reshape(*volumes.shape[:2], *found.shape[1:])


class VolumeUNet(nn.Module):
    """U-Net for volumes, as `core.learning.network.UNet` with 3x3x3 instead of 3x3 convolutions.

    Poolings halve rows and columns, and the last ``deep`` of them also planes (by the maximum of two planes;
    on the way up, planes are repeated). So the network suits volumes whose planes are farther apart than
    their pixels.

    Parameters
    ----------
    architecture : Architecture
        Width, depth, kind of pooling, skip connections, and poolings along Z.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        channels = [architecture.width * 2**level for level in range(architecture.depth)]
        self.architecture = architecture
        self.down = nn.ModuleList(
            _level(before, after) for before, after in zip([1, *channels[:-1]], channels, strict=True)
        )
        self.rise = nn.ModuleList(
            nn.ConvTranspose2d(below, above, 2, stride=2)
            for above, below in reversed(list(itertools.pairwise(channels)))
        )
        self.up = nn.ModuleList(_level(count, count) for count in reversed(channels[:-1]))
        self.end = nn.Conv2d(architecture.width, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.xavier_normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def bytes_per_pixel(self) -> int:
        """Memory of a prediction on the processor per pixel, so that a training takes at most twice as much.

        Measured: 347, 519 and 1051 for width 8, 16 and 32; in training 856 and 4077 for width 8 and 32.
        """
        return 200 + 64 * self.architecture.width

    def forward(self, volumes: Tensor) -> Tensor:
        """Transform volumes (N, 1, Z, Y, X) to volumes of the same shape.

        Rows and columns are multiples of ``2 ** (depth - 1)``, planes multiples of ``2 ** deep``.
        """
        strides = self.architecture.strides
        kept: list[Tensor] = []
        volumes = volumes.transpose(1, 2)
        for level, convolutions in enumerate(self.down):
            if level:
                kept.append(volumes)
                volumes = self._pool(volumes, strides[level - 1])
            volumes = convolutions(volumes)
        for rise, convolutions, stride in zip(self.rise, self.up, reversed(strides), strict=True):
            above = kept.pop()
            volumes = _each_plane(rise, volumes)
            volumes = volumes.repeat_interleave(2, 1) if stride == 2 else volumes
            if kept or self.architecture.top_skip:
                volumes = volumes + above
            volumes = convolutions(volumes)
        return _each_plane(self.end, volumes).transpose(1, 2)

    def _pool(self, volumes: Tensor, stride: int) -> Tensor:
        pooling = blur_pool if self.architecture.pooling == "blur" else nn.MaxPool2d(2)
        pooled = _each_plane(pooling, volumes)
        return torch.maximum(pooled[:, ::2], pooled[:, 1::2]) if stride == 2 else pooled


def _each_plane(function: Callable[[Tensor], Tensor], volumes: Tensor) -> Tensor:
    """Apply a function of images (N, C, Y, X) to every plane of volumes (N, Z, C, Y, X)."""
    found = function(volumes.flatten(0, 1))
    return found.reshape(*volumes.shape[:2], *found.shape[1:])


def _level(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        VolumeConvolution(before, after),
        nn.ReLU(inplace=True),
        VolumeConvolution(after, after),
        nn.ReLU(inplace=True),
    )
