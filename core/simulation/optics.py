"""What the microscope makes of emitted light: point spread functions, haze, light out of focus."""

from __future__ import annotations

from scipy import ndimage

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
