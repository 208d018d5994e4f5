"""The error of hidden pixels that a deconvolution with a Gaussian PSF predicts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from core.progress import Context

STEPS = 60
"""Maximum number of iterations."""

LOOKED = frozenset((*range(9), 10, 12, 14, 16, 19, 22, 26, 30, 35, 40, 48, 59))
"""Iterations after which the error of the hidden pixels is computed."""

HIDDEN = 1 / 9
"""Fraction of hidden pixels."""

MARGIN = 12
"""Unobserved pixels around the image, from which light may come."""

LEAST = 1e-6

Photons = NDArray[np.float32]


def hidden_pixels(shape: tuple[int, int], seed: int) -> NDArray[np.bool_]:
    """Return which pixels are hidden, (Y, X): a ninth of them, at random."""
    return np.asarray(np.random.default_rng(seed).random(shape) < HIDDEN)


def held_out_loss(
    photons: Photons, background: float, sigma: float, hidden: NDArray[np.bool_], context: Context
) -> float:
    """Return the mean loss of hidden pixels, minus the Poisson log-likelihood without constants.

    The other pixels are deconvolved by the Richardson-Lucy algorithm (doi:10.1364/JOSA.62.000055), whose
    image is never negative, from an even image on. A PSF that is too wide cannot explain sharp details; one
    that is too narrow explains noise. The number of iterations is the one with the smallest loss.

    Parameters
    ----------
    photons : ndarray, shape (Y, X), float32
        Pixels whose variance is their mean.
    background : float
        Part of all pixels that is not deconvolved, in photons.
    sigma : float
        Standard deviation of the PSF in pixels.
    hidden : ndarray, shape (Y, X), bool
        Hidden pixels.
    context : Context
        Cancellation.
    """
    sides = [fft.next_fast_len(n + 2 * MARGIN, real=True) for n in photons.shape]
    down, across = fft.fftfreq(sides[0])[:, None], fft.rfftfreq(sides[1])[None]
    transfer = np.exp(-2 * np.pi**2 * sigma**2 * (down**2 + across**2)).astype(np.float32)
    inner = tuple(slice(MARGIN, MARGIN + n) for n in photons.shape)

    def blurred(image: Photons) -> Photons:
        return np.asarray(fft.irfft2(fft.rfft2(image) * transfer, s=sides), np.float32)

    seen, pixels = np.zeros(sides, np.float32), np.zeros(sides, np.float32)
    seen[inner] = ~hidden
    pixels[inner] = np.where(hidden, 0, photons)
    weight = np.maximum(blurred(seen), 1e-3)
    light = np.full(sides, max(float(photons[~hidden].mean()) - background, LEAST), np.float32)
    best = np.inf
    expected = np.maximum(blurred(light), LEAST) + np.float32(background)
    for step in range(STEPS):
        context.check()
        light = np.maximum(light * np.maximum(blurred(pixels / expected), 0) / weight, LEAST)
        expected = np.maximum(blurred(light), LEAST) + np.float32(background)
        if step in LOOKED:
            there = expected[inner][hidden].astype(np.float64)
            best = min(best, float((there - photons[hidden] * np.log(there)).mean()))
    return best
