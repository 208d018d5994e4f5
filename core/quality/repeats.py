"""Error of an image without a reference, from several independent noisy images of the same scene."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError

LEAST = 3
"""Minimum number of repeats, without the one that was denoised: one to compare, two for the noise."""


class Unreferenced(NamedTuple):
    """Estimated error: mean squared error in counts squared (it may be below 0), and its standard error."""

    mse: float
    error: float


def unbiased_mse(image: NDArray[Any], repeats: NDArray[Any]) -> Unreferenced:
    """Estimate the mean squared error of a denoised image from noisy images of the same scene.

    The mean squared difference from a noisy image is the error plus the noise variance, which half the mean
    squared difference of two other noisy images estimates. S. Marcos-Morales et al. 2022, "Evaluating
    unsupervised denoising requires unsupervised metrics", arXiv:2210.05553.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Denoised image, in counts.
    repeats : ndarray, shape (N, Y, X)
        Three or more noisy images of the same scene with independent noise. If one of them was used to make
        `image`, the estimate is too small.

    Returns
    -------
    Unreferenced
        Estimate over all pairings, with the scatter of the blocks of the image as its standard error.

    Raises
    ------
    QuietfieldError
        If there are fewer than three repeats, or their size differs from that of the image.
    """
    noisy, found = np.asarray(repeats, np.float64), np.asarray(image, np.float64)
    if len(noisy) < LEAST:
        raise QuietfieldError(
            f"The error of an image is estimated from {LEAST} or more repeated images, and there are "
            f"{len(noisy)}. Record more of them, or compare with a reference."
        )
    if noisy.shape[1:] != found.shape:
        raise QuietfieldError(
            f"The image has {' x '.join(map(str, found.shape))} pixels and the repeats "
            f"{' x '.join(map(str, noisy.shape[1:]))}. Choose repeats of the same size."
        )
    # over all pairings, half the mean squared difference of two repeats is their sample variance
    errors = np.square(noisy - found).mean(0) - noisy.var(axis=0, ddof=1)
    side = max(1, min(32, *(n // 4 for n in found.shape)))
    rows, columns = (n // side for n in found.shape)
    blocks = errors[: rows * side, : columns * side].reshape(rows, side, columns, side).mean((1, 3))
    error = float(blocks.std(ddof=1) / np.sqrt(blocks.size)) if blocks.size > 1 else float("inf")
    return Unreferenced(float(errors.mean()), error)
