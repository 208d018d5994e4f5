"""The U-Net of the learned methods."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from core.instant.network import SHAPES, InstantNetwork
from core.learning.architecture import Architecture
from core.learning.blur_pooling import blur_pool
from core.learning.compiler import load_compiler
from core.learning.prior_network import PriorNetwork
from core.learning.variational_network import VariationalNetwork
from core.learning.volume_network import VolumeUNet

OUTPUT_SCALE = 10.0
"""An image in counts is the output of a U-Net times this times the standard deviation, plus the mean."""


class UNet(nn.Module):
    """U-Net with additive skip connections and neither normalisation nor a residual connection.

    Each level has two 3x3 convolutions with ReLU. Pooling on the way down doubles the channels, a 2x2
    transposed convolution of stride 2 on the way up halves them, and a 1x1 convolution is last. Weights are
    initialised Xavier-normal, biases with zero. Width 64, depth 3, 2x2 max-pooling and all skip connections
    are the network of Goncharova et al. 2020 (doi:10.1007/978-3-030-66415-2_25); blur-pooling without the
    first skip connection follows Höck et al. 2022 (doi:10.1007/978-3-031-25069-9_33). A network with
    neighbouring planes initially equals the same network without them.

    Parameters
    ----------
    architecture : Architecture
        Width, depth (with ``depth - 1`` poolings), kind of pooling, skip connections, and input planes.
    """

    def __init__(self, architecture: Architecture = Architecture()) -> None:  # noqa: B008  (immutable)
        super().__init__()
        width, depth = architecture.width, architecture.depth
        channels = [width * 2**level for level in range(depth)]
        self.architecture = architecture
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
        if architecture.inputs > 1:
            first = next(self.down[0].children())
            assert isinstance(first, nn.Conv2d)
            first.in_channels = architecture.inputs
            unseen = first.weight.new_zeros(width, architecture.inputs - 1, *first.kernel_size)
            first.weight = nn.Parameter(torch.cat([first.weight.detach(), unseen], 1))

    @property
    def bytes_per_pixel(self) -> int:
        """Memory of a prediction on the processor per pixel, measured (421 and 1202 for width 16 and 64)."""
        return 200 + 18 * self.architecture.width

    def forward(self, images: Tensor) -> Tensor:
        """Transform images (N, inputs, Y, X) to (N, 1, Y, X); sides are multiples of ``2 ** (depth - 1)``."""
        kept: list[Tensor] = []
        for level, convolutions in enumerate(self.down):
            if level:
                kept.append(images)
                images = self._pool(images)
            images = convolutions(images)
        for rise, convolutions in zip(self.rise, self.up, strict=True):
            images, above = rise(images), kept.pop()
            if kept or self.architecture.top_skip:
                images = images + above
            images = convolutions(images)
        result: Tensor = self.end(images)
        return result

    def _pool(self, images: Tensor) -> Tensor:
        if self.architecture.pooling == "blur":
            return blur_pool(images)
        return nn.functional.max_pool2d(images, 2)


def _level(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1),
        nn.ReLU(inplace=True),
    )


def receptive_field(architecture: Architecture, axis: str = "X") -> int:
    """Return the largest distance, in pixels, over which an input pixel affects an output pixel.

    Because of pooling, this distance depends on the position in the pooling grid; the result is the maximum
    over all positions and both directions.

    Parameters
    ----------
    architecture : Architecture
        U-Net.
    axis : {"X", "Y", "Z"}
        Axis of the distance; "Z" only for a network for volumes.
    """
    factors = architecture.strides if axis == "Z" else (2,) * (architecture.depth - 1)
    beside = 1 if architecture.pooling == "blur" and axis != "Z" else 0
    farthest = 0
    for place in range(math.prod(factors)):
        low, high = place, place
        for factor in factors:  # from the output down to the coarsest level
            low, high = (low - 2) // factor, (high + 2) // factor
        low, high = low - 2, high + 2
        for factor in reversed(factors):  # and up to the input
            low, high = factor * low - beside - 2, factor * high + factor - 1 + beside + 2
        farthest = max(farthest, place - low, high - place)
    return farthest


def described(architecture: Architecture) -> nn.Module:
    """Return a network on torch's device without memory, which tells the shapes of its tensors."""
    load_compiler()  # such a device imports it
    with torch.device("meta"):
        return blank(architecture)


def blank(architecture: Architecture) -> nn.Module:
    """Return a network whose weights are to be loaded."""
    kind = architecture.kind
    if kind == "unet":
        return VolumeUNet(architecture) if architecture.space == "3D" else UNet(architecture)
    if architecture.variational:
        return VariationalNetwork(SHAPES[kind], width=architecture.width, levels=architecture.depth)
    if architecture.samples:
        return PriorNetwork(SHAPES[kind], architecture.samples)
    return InstantNetwork(SHAPES[kind])


def initial(architecture: Architecture, seed: int) -> nn.Module:
    """Return a newly initialised U-Net that depends only on these arguments."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return blank(architecture)
