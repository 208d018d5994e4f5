"""Gaussian blurs at half resolution, the input features of the network of Instant."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def root(light: Tensor) -> Tensor:
    """Return the square root of light; 0 where blurred noise is negative."""
    return light.clamp_min(1e-6).sqrt()


def fine(images: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Blur at full resolution; sigma 0 returns the image itself.

    Parameters
    ----------
    images : Tensor, shape (N, C, Y, X)
    sigmas : sequence of float
        Standard deviations in pixels.

    Returns
    -------
    Tensor, shape (N, C * 4 * len(sigmas), Y / 2, X / 2)
        For every image and blur, the four pixels of every 2 x 2 block.
    """
    kernels = _gaussians(sigmas, images)
    phases = torch.stack([functional.pad(kernels, (x, 1 - x, y, 1 - y)) for y in (0, 1) for x in (0, 1)], 1)
    radius = kernels.shape[-1] // 2
    count, channels = images.shape[:2]
    padded = functional.pad(images, (radius,) * 4, mode="reflect").flatten(0, 1)[:, None]
    found = _convolved(padded, phases.flatten(0, 1), stride=2)
    return found.reshape(count, channels * found.shape[1], *found.shape[2:])


def coarse(images: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Blur at lower resolution: the first at half, the others at a quarter.

    Parameters
    ----------
    images : Tensor, shape (N, 1, Y, X)
    sigmas : sequence of float
        Standard deviations in pixels, all above 2.

    Returns
    -------
    Tensor, shape (N, len(sigmas), Y / 2, X / 2)
    """
    half = functional.avg_pool2d(images, 2)
    near = _same(half, [sigmas[0] / 2])
    far = _same(functional.avg_pool2d(half, 2), [sigma / 4 for sigma in sigmas[1:]])
    return torch.cat([near, functional.interpolate(far, scale_factor=2.0, mode="bilinear")], 1)


def _gaussians(sigmas: Sequence[float], like: Tensor) -> Tensor:
    """Return two-dimensional Gaussians (number, 1, side, side), truncated at three times the widest sigma."""
    radius = math.ceil(3 * max(sigmas))
    offsets = torch.arange(-radius, radius + 1, dtype=like.dtype, device=like.device)
    found = []
    for sigma in sigmas:
        line = torch.exp(-0.5 * (offsets / sigma) ** 2) if sigma else (offsets == 0).to(like.dtype)
        found.append(torch.outer(line, line) / line.sum() ** 2)
    return torch.stack(found)[:, None]


def _same(images: Tensor, sigmas: Sequence[float]) -> Tensor:
    kernels = _gaussians(sigmas, images)
    return _convolved(functional.pad(images, (kernels.shape[-1] // 2,) * 4, mode="reflect"), kernels)


def _convolved(images: Tensor, kernels: Tensor, stride: int = 1) -> Tensor:
    """Convolve light in full precision; by default GPUs use fewer digits than light has."""
    if not images.is_cuda:
        return functional.conv2d(images, kernels, stride=stride)
    return functional.conv2d(images.double(), kernels.double(), stride=stride).to(images.dtype)
