"""What the microscope makes of emitted light: point spread functions, haze, light out of focus."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from core.simulation.drawing import Light


def focus_and_haze(light: Light, sigma: float = 1.1, haze: float = 0.12, reach: float = 14.0) -> Light:
    """Blur by a Gaussian point spread function, with a part of the light far out of focus.

    Parameters
    ----------
    light : ndarray, shape (Y, X)
        Emitted light.
    sigma, reach : float
        Standard deviation of the focused and of the unfocused part, in pixels.
    haze : float
        Share of the light that is unfocused, 0 to 1.
    """
    sharp = ndimage.gaussian_filter(light, sigma, mode="reflect")
    wide = ndimage.gaussian_filter(light, reach, mode="reflect")
    blurred: Light = (1 - haze) * sharp + haze * wide
    return blurred


def gaussian(light: Light, sigma: float) -> Light:
    """Blur by a Gaussian point spread function of a standard deviation in pixels."""
    blurred: Light = ndimage.gaussian_filter(light, sigma, mode="reflect", truncate=3.5)
    return blurred


def pupil(light: Light, cutoff: float, defocus: float) -> Light:
    """Blur by the incoherent point spread function of a round pupil, in focus (Airy) or out of it.

    Parameters
    ----------
    light : ndarray, shape (Y, X)
        Emitted light; its borders are taken to be joined.
    cutoff : float
        Highest frequency that passes, in cycles a pixel: 2 NA / wavelength times pixel size.
    defocus : float
        Phase at the rim of the pupil relative to its middle, in radians.
    """
    y, x = np.meshgrid(*(fft.fftfreq(n) for n in light.shape), indexing="ij")
    radius = np.hypot(y, x) / (0.5 * cutoff)
    field = fft.ifft2((radius <= 1) * np.exp(1j * defocus * radius**2))
    spread = np.abs(field) ** 2
    transfer = fft.rfft2(spread / spread.sum())
    blurred: Light = fft.irfft2(fft.rfft2(light) * transfer, s=light.shape)
    return np.maximum(blurred, 0)


def with_haze(light: Light, share: float, reach: float) -> Light:
    """Add light from out of focus: a wide blur of the image, `share` times as strong."""
    hazy: Light = (
        light
        + share
        * ndimage.gaussian_filter(light[::2, ::2], reach / 2, mode="reflect")
        .repeat(2, axis=0)
        .repeat(2, axis=1)[: light.shape[0], : light.shape[1]]
    )
    return hazy
