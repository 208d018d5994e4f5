"""Downsampling without aliasing."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def blur_pool(images: Tensor) -> Tensor:
    """Downsample images (N, C, Y, X) by 2: maximum of 2x2 pixels, blurred by 1 2 1 before subsampling.

    Zhang 2019, "Making convolutional networks shift-invariant again" (arXiv:1904.11486). The blur consists of
    two averages of 2x2 pixels, so that the result at i depends symmetrically on pixels 2i - 1 to 2i + 2.
    Border pixels are repeated.
    """
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    largest = functional.max_pool2d(padded, 2, stride=1)
    return functional.avg_pool2d(functional.avg_pool2d(largest, 2, stride=1), 2, stride=2)
