"""What training makes small: the masked error, through the PSF, and the penalty on negative light."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from core.learning.masks import Mask
from core.optics import gaussian_kernel

OUTPUT_SCALE = 10.0
"""The network's output times this times the deviation, plus the mean, is an image in counts."""


def psf_kernel(sigma: float) -> Tensor:
    """One-dimensional Gaussian truncated at 4 sigma, sum 1, float32; sigma 0 gives a single 1."""
    return torch.from_numpy(gaussian_kernel(sigma) if sigma > 0 else np.ones(1)).float()


def psf_radius(sigma: float) -> int:
    """Distance in pixels that the PSF reaches."""
    return len(psf_kernel(sigma)) // 2


def convolve(images: Tensor, kernel: Tensor) -> Tensor:
    """Convolve images (N, 1, Y, X) along both axes, mirrored at the borders about the border pixels."""
    radius = len(kernel) // 2
    if radius == 0:
        return images * kernel
    padded = nn.functional.pad(images, (radius, radius, radius, radius), mode="reflect")
    rows = nn.functional.conv2d(padded, kernel.reshape(1, 1, -1, 1))
    return nn.functional.conv2d(rows, kernel.reshape(1, 1, 1, -1))


def losses(
    targets: Tensor, signal: Tensor, phantom: Tensor, mask: Mask | None, valid: Tensor | None,
    black: Tensor, positivity: float,
) -> Tensor:  # fmt: skip
    """Objective of each patch.

    In counts it is sum_M (x - s)^2 / (|M| std^2) + (positivity / std) mean |min(z, 0)|
    (Goncharova et al. 2020); here everything is in deviations from the mean, (x - mean) / std,
    in which no light at all is at ``black = -mean / std``.

    Parameters
    ----------
    targets, signal, phantom : Tensor
        Pixels x to be predicted, predicted pixels s, and predicted image before the PSF z; (N, Y, X).
    mask : Mask or None
        The pixels M that were hidden; None where M are all pixels.
    valid : Tensor or None
        Whether pixels of `targets` were measured at all, (N, Y, X) bool; None if all were.
    black : Tensor
        Level of no light for each patch, (N,).
    positivity : float
        Weight of the penalty on negative light.

    Returns
    -------
    Tensor
        One number for each patch, (N,).
    """
    squares = (targets - signal).square().flatten(1)
    measured = None if valid is None else valid.flatten(1)
    if mask is not None:
        squares = squares.gather(1, mask.hidden)
        measured = mask.counts if measured is None else mask.counts & measured.gather(1, mask.hidden)
    if measured is None:
        result = squares.mean(1)
    else:
        result = torch.where(measured, squares, 0.0).sum(1) / measured.sum(1).clamp(min=1)
    if positivity > 0:
        negative = (black[:, None, None] - phantom).clamp(min=0.0)
        result = result + positivity * negative.flatten(1).mean(1)
    return result
