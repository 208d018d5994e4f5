"""The network of Instant: a small U-Net at half resolution, applied to an image and its blurs.

The input is an image whose noise has a standard deviation of about 1: the square root of a quantity that is
linear in light. The blurs are square roots of blurred light, which have no bias even at low photon counts.
For every pixel the network predicts weights of the image and its blurs, and a residual that is added. An
untrained network is a narrow blur, and at low photon counts the network can use a wide one. The input
features are differences from the widest blur, and the widest blur where it is below `LEVEL`. The receptive
field is at most `core.instant.constants.REACH`, so that tiles give the same result as the whole image.

If neighbouring planes or frames are given, they and their blurs are additional features, and the network
also predicts their weights. Without them, the result is that of a network without these inputs. The network
also predicts the error of the denoised image.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.instant.blurs import coarse, fine, root
from core.instant.constants import OFFSETS
from core.noise.noise_estimate import LAGS


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a network.

    Attributes
    ----------
    widths : tuple of int
        Channels at 1/2, 1/4, 1/8 and 1/16 of the resolution.
    depths : tuple of int
        Pairs of convolutions at each resolution, on the way down and on the way up.
    """

    widths: tuple[int, ...]
    depths: tuple[int, ...]


SHAPES = {
    "instant": Shape((24, 48, 112, 160), (1, 1, 1, 1)),
    "best": Shape((48, 96, 160, 224), (2, 2, 1, 1)),
}
"""The networks that ship, by quality."""

FINE = (0.0, 0.7, 1.0, 1.5)
"""Standard deviations, in pixels, of the blurs at full resolution; the first is the image itself."""

BASE = 2
"""Index of the fine blur that an untrained network returns."""

COARSE = (3.0, 5.0, 9.0)
"""Standard deviations, in pixels, of the blurs at lower resolution; the last is the widest."""

BESIDE = (0.0, 1.0)
"""Standard deviations, in pixels, of the blurs of neighbouring planes or frames."""

LEAST = 64
"""Minimum side of images, in pixels."""

LEVEL = 10.0
"""Transformed intensity (about 25 photons) above which the noise does not depend on the intensity."""

SCALE = 4.0
"""Scale of the features: this many noise standard deviations are 1 inside the network."""


class Prediction(NamedTuple):
    """Output of the network.

    Attributes
    ----------
    denoised : Tensor, shape (N, 1, Y, X)
        In the units of the input.
    log_variance : Tensor, shape (N, 1, Y, X), or None
        Logarithm of the predicted squared error of `denoised`, if requested.
    spreads : Tensor, shape (N, samples, pixels), or None
        Samples of the error of some pixels in expected standard errors, of networks that emit them.
    """

    denoised: Tensor
    log_variance: Tensor | None
    spreads: Tensor | None = None


class Analysis(NamedTuple):
    """Denoised images, and what else is predicted from.

    Attributes
    ----------
    denoised : Tensor, shape (N, 1, Y, X)
        In the units of the input.
    features : Tensor, shape (N, channels, Y / 2, X / 2)
        Last features, from which the images are mixed.
    seen : Tensor, shape (N, channels, Y / 2, X / 2)
        First features: blurs and correlations.
    """

    denoised: Tensor
    features: Tensor
    seen: Tensor


class InstantNetwork(nn.Module):
    """Denoise images of unit noise.

    Parameters
    ----------
    shape : Shape
        Channels and depth of each level.
    """

    def __init__(self, shape: Shape = SHAPES["instant"]) -> None:
        super().__init__()
        self.shape, widths, depths = shape, shape.widths, shape.depths
        seen = 4 * len(FINE) + len(COARSE) - 1 + len(LAGS) + 1
        self.down = nn.ModuleList(map(_level, (seen, *widths), widths, depths))
        self.narrow = nn.ModuleList(nn.Conv2d(below, above, 1) for above, below in itertools.pairwise(widths))
        self.up = nn.ModuleList(map(_level, widths[:-1], widths, depths))
        blurs = len(FINE) + len(COARSE) - 1
        self.end = nn.Conv2d(widths[0], 4 * (blurs + 1), 1)
        beside = 4 * len(BESIDE) * len(OFFSETS)
        self.beside = nn.Conv2d(beside, widths[0], 3, padding=1, bias=False)
        self.shares = nn.Conv2d(widths[0], beside, 1)
        self.doubt = nn.Sequential(
            nn.Conv2d(widths[0] + seen, widths[0], 1), nn.ReLU(inplace=True), nn.Conv2d(widths[0], 1, 1)
        )
        for convolution in (self.end, self.beside, self.shares):
            nn.init.zeros_(convolution.weight)
        nn.init.zeros_(self.shares.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.end.bias.copy_((torch.arange(4 * (blurs + 1)) // 4 == BASE).float())  # type: ignore[union-attr]

    @property
    def bytes_per_pixel(self) -> int:
        """Memory of a prediction on the processor per pixel, measured (457 and 689 for those that ship)."""
        return 240 + 10 * self.shape.widths[0]

    def forward(
        self, images: Tensor, correlation: Tensor, beside: Tensor | None = None, *, expect: bool = True
    ) -> Prediction:
        """Denoise images.

        Parameters
        ----------
        images : Tensor, shape (N, 1, Y, X)
            Sides are multiples of `core.instant.constants.GRID` and at least `LEAST`.
        correlation : Tensor, shape (N, len(LAGS))
            Correlation of the noise at each of `core.noise.noise_estimate.LAGS`.
        beside : Tensor, shape (N, len(OFFSETS), Y, X), optional
            Neighbouring planes or frames, in the order of `core.instant.constants.OFFSETS`.
        expect : bool
            Whether to predict the error, which takes 10 % of the time.

        Returns
        -------
        Prediction
            Denoised images, and the logarithm of their squared error.
        """
        found = self.analyse(images, correlation, beside)
        return Prediction(found.denoised, self.expected(found) if expect else None)

    def analyse(self, images: Tensor, correlation: Tensor, beside: Tensor | None = None) -> Analysis:
        """Denoise images, and return the features too; arguments as in `forward`."""
        light = images.square()  # linear in light: its blurs have no bias
        blurs, wide = root(fine(light, FINE)), root(coarse(light, COARSE))
        widest = wide[:, -1:]
        correlations = (SCALE * SCALE * correlation)[:, :, None, None].expand(-1, -1, *widest.shape[2:])
        dark = functional.relu(LEVEL - widest)
        details = torch.cat([blurs, wide[:, :-1]], 1) - widest
        others = None if beside is None else root(fine(beside.square(), BESIDE)) - widest
        seen = torch.cat([details, correlations, dark], 1) / SCALE
        features = self._features(seen, others)
        result = _mixed(details, widest, self.end(features))
        if others is not None:
            result = result + _phases(self.shares(features) * others)
        return Analysis(functional.pixel_shuffle(result, 2), features, seen)

    def expected(self, found: Analysis) -> Tensor:
        """Return the logarithm of the expected squared error of denoised images, (N, 1, Y, X)."""
        features, seen = found.features.detach(), found.seen
        first, *rest = self.doubt.children()
        assert isinstance(first, nn.Conv2d)
        weight, known = first.weight, features.shape[1]  # in two parts: concatenating the images is slower
        half = functional.conv2d(features, weight[:, :known], first.bias)
        half = half + functional.conv2d(seen, weight[:, known:])
        for layer in rest:
            half = layer(half)
        return functional.interpolate(half.clamp(-14.0, 7.0), scale_factor=2.0, mode="bilinear")

    def _features(self, seen: Tensor, others: Tensor | None) -> Tensor:
        half = seen.contiguous(memory_format=torch.channels_last)
        kept = []
        for level, convolutions in enumerate(self.down):
            half = functional.max_pool2d(half, 2) if level else half
            first, *rest = convolutions.children()
            half = first(half)
            if level == 0 and others is not None:
                half = half + self.beside(others / SCALE)
            for layer in rest:
                half = layer(half)
            kept.append(half)
        for level in reversed(range(len(self.up))):
            risen = functional.interpolate(self.narrow[level](half), scale_factor=2.0, mode="nearest")
            half = self.up[level](risen + kept[level])
        return half


def _mixed(details: Tensor, widest: Tensor, predicted: Tensor) -> Tensor:
    """Return the widest blur plus weighted differences of the other blurs from it plus the residual."""
    many = 4 * len(FINE)
    result = widest + SCALE * predicted[:, -4:] + _phases(predicted[:, :many] * details[:, :many])
    for blur in range(len(COARSE) - 1):
        first = many + 4 * blur
        result = result + predicted[:, first : first + 4] * details[:, many + blur : many + blur + 1]
    return result


def _phases(images: Tensor) -> Tensor:
    """Return the sum of (N, 4 * number, Y, X) over the number: four pixels of every 2 x 2 block."""
    return images.reshape(len(images), -1, 4, *images.shape[2:]).sum(1)


class _Residual(nn.Module):
    """Two convolutions with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        change: Tensor = self.second(functional.relu(self.first(images), inplace=True))
        return functional.relu(images + change)


def _level(before: int, after: int, depth: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1),
        nn.ReLU(inplace=True),
        *(_Residual(after) for _ in range(depth - 1)),
    )
