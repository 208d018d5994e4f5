"""How far a trained network improves an image, compared with the network that it began with."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

SIDE = 256
"""Maximum side of the part of a plane that is examined, in pixels."""

STEP = 0.2
"""Standard deviation of added noise relative to that of the noise in the image."""

FAR = 6.0
"""Distance from the first result, in noise standard deviations, beyond which a pixel is left out."""


def useful_share(
    pixels: Tensor,
    recorded: Tensor,
    results: Callable[[Tensor], tuple[Tensor, Tensor]],
    variance: Callable[[Tensor], Tensor],
    generator: Generator,
) -> float:
    """Estimate how far to go from a first result towards a second one for the smallest squared error.

    Errors are estimated without a reference: results of the image plus noise are compared with the image
    minus noise, whose errors are independent of them (Pang et al. 2021, doi:10.1109/CVPR46437.2021.00208).
    The best share of the difference then follows by least squares.

    Parameters
    ----------
    pixels : Tensor, shape (Y, X)
        Noisy image, whose noise is independent from pixel to pixel.
    recorded : Tensor of bool, shape (Y, X)
        Pixels that count.
    results : callable
        Gives both results of a noisy image.
    variance : callable
        Gives the variance of the noise of each pixel from its signal.
    generator : Generator
        Source of the added noise.

    Returns
    -------
    float
        From 0 for the first result to 1 for the second one.
    """
    first, _ = results(pixels)
    spread = variance(first).clamp(min=1e-12)
    noise = torch.randn(pixels.shape, generator=generator).to(pixels.device) * spread.sqrt()
    weight = (recorded & ((pixels - first).square() < FAR**2 * spread)) / spread
    gain, length = 0.0, 0.0
    for sign in (STEP, -STEP):
        first, second = results(pixels + sign * noise)
        change = second - first
        gain += float((weight * change * (pixels - noise / sign - first)).sum())
        length += float((weight * change.square()).sum())
    return min(max(gain / length, 0.0), 1.0) if length > 0 else 1.0
