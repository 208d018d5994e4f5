"""Simulate optics: point spread functions, haze and defocus."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from core.simulation.drawing import Light


def focus_and_haze(light: Light, sigma: float = 1.1, haze: float = 0.12, reach: float = 14.0) -> Light:
    """Blur by a Gaussian point spread function and add far out-of-focus light.

    Parameters
    ----------
    light : ndarray, shape (Y, X)
        Emitted light.
    sigma, reach : float
        Standard deviation of the focused and of the unfocused part, in pixels.
    haze : float
        Fraction of unfocused light, 0 to 1.

    Returns
    -------
    ndarray, shape (Y, X)
        Light on the detector.
    """
    sharp = ndimage.gaussian_filter(light, sigma, mode="reflect")
    wide = ndimage.gaussian_filter(light, reach, mode="reflect")
    blurred: Light = (1 - haze) * sharp + haze * wide
    return blurred


def gaussian(light: Light, sigma: float) -> Light:
    """Blur by a Gaussian point spread function with standard deviation `sigma` in pixels."""
    blurred: Light = ndimage.gaussian_filter(light, sigma, mode="reflect", truncate=3.5)
    return blurred


def pupil(light: Light, cutoff: float, defocus: float) -> Light:
    """Blur by the incoherent point spread function of a circular pupil, in focus (Airy) or defocused.

    Parameters
    ----------
    light : ndarray, shape (Y, X)
        Emitted light; the borders are periodic.
    cutoff : float
        Cutoff frequency in cycles per pixel: 2 NA / wavelength times pixel size.
    defocus : float
        Phase at the rim of the pupil relative to its centre, in radians.

    Returns
    -------
    ndarray, shape (Y, X)
        Light on the detector, 0 or more.
    """
    y, x = np.meshgrid(*(fft.fftfreq(n) for n in light.shape), indexing="ij")
    radius = np.hypot(y, x) / (0.5 * cutoff)
    field = fft.ifft2((radius <= 1) * np.exp(1j * defocus * radius**2))
    spread = np.abs(field) ** 2
    transfer = fft.rfft2(spread / spread.sum())
    blurred: Light = fft.irfft2(fft.rfft2(light) * transfer, s=light.shape)
    return np.maximum(blurred, 0)


def with_haze(light: Light, share: float, reach: float) -> Light:
    """Add out-of-focus light: the image blurred by `reach` pixels, times `share`."""
    hazy: Light = (
        light
        + share
        * ndimage.gaussian_filter(light[::2, ::2], reach / 2, mode="reflect")
        .repeat(2, axis=0)
        .repeat(2, axis=1)[: light.shape[0], : light.shape[1]]
    )
    return hazy
