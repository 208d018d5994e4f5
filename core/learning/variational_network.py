"""A variational autoencoder of images: a pyramid of images, each sampled given the coarser one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.instant.network import InstantNetwork, Shape

REACH = 96
"""Largest distance, in pixels, that the pyramid adds to the receptive field of the network of Instant."""

SCALE = 4.0
"""Scale of the input: this many noise standard deviations are 1 inside the network."""

DETAIL = -1.5
"""Logarithm of the standard deviation of details of an untrained prior, relative to that of the image."""

VAGUE = math.log(10.0)
"""Logarithm of the standard deviation of the prior of the coarsest image, relative to that of the image.

Its pixels are independent in the prior. With a deviation of 1 their sum outweighs the data, and the contrast
of all images shrinks by some percent.
"""

_LEAST_LOG, _MOST_LOG = -8.0, 3.0
"""Limits of logarithms of standard deviations."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """What the encoder found in images.

    Attributes
    ----------
    features : list of Tensor
        Features at 1/2, 1/4, ... of the resolution.
    denoised, log_error : list of Tensor
        Denoised images, and logarithms of their expected error, at full resolution, 1/2, 1/4, ..., in units
        of the scale of the images.
    """

    features: list[Tensor]
    denoised: list[Tensor]
    log_error: list[Tensor]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explained:
    """A sample of the images without noise, and its price.

    Attributes
    ----------
    output : Tensor, shape (N, 1, Y, X)
        Sampled images, relative to level and scale.
    divergence : Tensor, shape (N,)
        Kullback-Leibler divergence of the pyramid from its prior, in nats per image.
    """

    output: Tensor
    divergence: Tensor


class VariationalNetwork(nn.Module):
    """Variational autoencoder whose latent variables are a pyramid of images.

    The prior of an image, given the image of half the resolution, is normally distributed with predicted
    means and variances; the finest image has no noise, and is compared with the noisy one. So the decoder is
    hierarchical (HDN, Prakash et al. 2022, arXiv:2104.01374; with one level about as in DivNoising, Prakash
    et al. 2021, arXiv:2006.06072). The encoder begins with the result of a fixed network of Instant and its
    expected error: an untrained network samples around the denoised image.

    Parameters
    ----------
    shape : Shape
        Network of Instant.
    width : int
        Channels of the other layers.
    levels : int
        Number of resolutions below the full one.
    """

    def __init__(self, shape: Shape, *, width: int, levels: int) -> None:
        super().__init__()
        self.levels, self.width = levels, width
        self.instant = InstantNetwork(shape).requires_grad_(False)
        self.enter = nn.Conv2d(shape.widths[0] + 8, width, 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, stride=2, padding=1), nn.ReLU(inplace=True),
                nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True),
            )
            for _ in range(levels - 1)
        )  # fmt: skip
        self.read = nn.ModuleList(nn.Conv2d(1, width, 3, padding=1) for _ in range(levels))
        self.blocks = nn.ModuleList(_Block(width) for _ in range(levels))
        self.prior = nn.ModuleList(nn.Conv2d(width, 8, 3, padding=1) for _ in range(levels))
        self.posterior = nn.ModuleList(nn.Conv2d(2 * width, 8, 3, padding=1) for _ in range(levels))
        self.widest = nn.Conv2d(width, 2, 1)
        self.spread = nn.Parameter(torch.tensor(VAGUE), requires_grad=False)
        for layer in (*self.prior, *self.posterior, self.widest):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    @property
    def planes(self) -> int:
        """Number of planes of random numbers, (N, planes, Y, X), that `decode` takes."""
        return self.levels + 1

    @property
    def bytes_per_pixel(self) -> int:
        """Memory of a prediction on the processor per pixel.

        Measured with width 32: 308 and 647 for the networks of Instant; in training 712 and 736.
        """
        return self.instant.bytes_per_pixel + 4 * self.width

    def encode(self, images: Tensor, correlation: Tensor, level: Tensor, scale: Tensor) -> Encoded:
        """Analyse images.

        Parameters
        ----------
        images : Tensor, shape (N, 1, Y, X)
            Images of unit noise, as for `InstantNetwork`; sides are multiples of 16.
        correlation : Tensor
            Correlation of the noise, as for `InstantNetwork`.
        level, scale : Tensor, shape (N, 1, 1, 1)
            Usual mean and standard deviation of such images.
        """
        with torch.no_grad():
            found = self.instant.analyse(images, correlation)
            variance = torch.exp(self.instant.expected(found)) / scale.square()
            pair = torch.cat([images - found.denoised, found.denoised - level], 1) / SCALE
            seen = torch.cat([found.features, functional.pixel_unshuffle(pair, 2)], 1)
            denoised = [(found.denoised - level) / scale]
            errors = [0.5 * torch.log(variance)]
            for _ in range(self.levels):
                denoised.append(functional.avg_pool2d(denoised[-1], 2))
                variance = functional.avg_pool2d(variance, 2)
                errors.append(0.5 * torch.log(variance))
        features = [functional.relu(self.enter(seen))]
        for layer in self.down:
            features.append(layer(features[-1]))
        return Encoded(features=features, denoised=denoised, log_error=errors)

    def decode(self, encoded: Encoded, draws: Tensor | None) -> Explained:
        """Sample a pyramid of images, from the coarsest to the finest.

        Parameters
        ----------
        encoded : Encoded
            Result of `encode`.
        draws : Tensor or None
            Standard normal numbers, (N, planes, Y, X); None for the mean of every image.
        """
        shift, narrower = self.widest(encoded.features[-1]).chunk(2, 1)
        log = (encoded.log_error[-1] + narrower).clamp(_LEAST_LOG, _MOST_LOG)
        centre = encoded.denoised[-1] + torch.exp(encoded.log_error[-1]) * shift
        image = _sampled(centre, log, draws, self.levels)
        divergence = _divergence(centre, log, torch.zeros_like(centre), self.spread)
        state: Tensor | None = None
        for level in reversed(range(self.levels)):
            # the image has half the resolution of the next one
            seen = self.read[level](image)
            state = self.blocks[level](seen if state is None else seen + _doubled(state))
            before = _finer(image)
            expected, wider = self.prior[level](state).chunk(2, 1)
            expected = functional.pixel_unshuffle(before, 2) + expected
            wider = (wider + DETAIL).clamp(_LEAST_LOG, _MOST_LOG)
            seen = torch.cat([state, encoded.features[level]], 1)
            shift, narrower = self.posterior[level](seen).chunk(2, 1)
            error = functional.pixel_unshuffle(encoded.log_error[level], 2)
            log = (error + narrower).clamp(_LEAST_LOG, _MOST_LOG)
            centre = functional.pixel_unshuffle(encoded.denoised[level], 2) + torch.exp(error) * shift
            divergence = divergence + _divergence(centre, log, expected, wider)
            fine = functional.pixel_shuffle(torch.cat([centre, log], 1), 2)
            image = _sampled(fine[:, :1], fine[:, 1:], draws, level)
        return Explained(output=image, divergence=divergence)

    def forward(
        self, images: Tensor, correlation: Tensor, level: Tensor, scale: Tensor, draws: Tensor | None
    ) -> Explained:
        """Encode images and sample; arguments as in `encode` and `decode`."""
        return self.decode(self.encode(images, correlation, level, scale), draws)


def _sampled(centre: Tensor, log: Tensor, draws: Tensor | None, level: int) -> Tensor:
    """Return normally distributed images (N, 1, Y, X) of a level, with the random numbers of its plane."""
    if draws is None:
        return centre
    step = 2**level
    return centre + torch.exp(log) * draws[:, level : level + 1, ::step, ::step]


def _divergence(centre: Tensor, log: Tensor, expected: Tensor, wider: Tensor) -> Tensor:
    """Return the divergence of N(centre, exp(log)) from N(expected, exp(wider)), summed for each image."""
    away = (centre - expected) * torch.exp(-wider)
    ratio = torch.exp(2 * (log - wider))
    return (0.5 * (ratio + away.square() - 1) - (log - wider)).sum((1, 2, 3))


def _finer(image: Tensor) -> Tensor:
    """Return an image interpolated to twice the resolution; means of 2 x 2 pixels are the given pixels."""
    found = functional.interpolate(image, scale_factor=2.0, mode="bilinear")
    return found + _doubled(image - functional.avg_pool2d(found, 2))


def _doubled(state: Tensor) -> Tensor:
    return functional.interpolate(state, scale_factor=2.0, mode="nearest")


class _Block(nn.Module):
    """Two convolutions with a residual connection."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, state: Tensor) -> Tensor:
        change: Tensor = self.second(functional.relu(self.first(functional.relu(state)), inplace=True))
        return state + change
