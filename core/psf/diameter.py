"""The contribution of the diameter of beads to their images."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from core.errors import QuietfieldError
from core.progress import Context
from core.psf.value import FWHM

STEPS = 30
"""Number of iterations of the deconvolution."""

FLOOR = 1e-3
"""Constant light in the deconvolution, relative to the maximum."""

LARGEST_SHARE = 0.5
"""Largest part of the variance of a bead's image that its diameter may explain."""

Image = NDArray[np.float64]


def check_diameter(
    diameter: float, sigmas: Mapping[str, float], spacing: Mapping[str, float], name: str
) -> None:
    """Check that the PSF can be told from the beads.

    A ball of diameter d has the variance d^2 / 20 along each axis, and variances of convolved images add up.

    Parameters
    ----------
    diameter : float
        Diameter of the beads in micrometres.
    sigmas : dict of str to float
        Standard deviation of the image of a bead along X and Y, in pixels.
    spacing : dict of str to float
        Pixel size of that image in micrometres.
    name : str
        Name of the image.

    Raises
    ------
    QuietfieldError
        If the pixel size is unknown, or the beads are too large for the PSF.
    """
    if not (math.isfinite(diameter) and diameter > 0):
        raise QuietfieldError(f"A bead diameter of {diameter:g} µm is not possible; it must be above 0.")
    if not all(spacing.get(axis) for axis in sigmas):
        raise QuietfieldError(
            f"The pixel size of {name} is unknown, so its beads of {diameter:g} µm have no known diameter in "
            "pixels. Save the image with its pixel size, or give no diameter."
        )
    widths = {axis: sigma * spacing[axis] for axis, sigma in sigmas.items()}
    narrow = min(widths.values())
    if diameter**2 / 20 > LARGEST_SHARE * narrow**2:
        raise QuietfieldError(
            f"The beads in {name} look {FWHM * narrow:.3g} µm wide (FWHM), too narrow for a diameter of "
            f"{diameter:g} µm. Correct the diameter or the pixel size, or record beads of at most "
            f"{math.sqrt(20 * LARGEST_SHARE) * narrow:.2g} µm."
        )


def form_factor(shape: tuple[int, ...], spacing: tuple[float, ...], diameter: float) -> Image:
    """Return the Fourier transform of a uniform ball, 1 at the frequency 0.

    ``3 (sin q - q cos q) / q^3`` with q = pi * diameter * frequency. That of its projection along Z is the
    same at the frequencies of the plane.

    Parameters
    ----------
    shape : tuple of int
        Sides of the image whose real Fourier transform is multiplied.
    spacing : tuple of float
        Pixel size along each side.
    diameter : float
        Diameter in the unit of the pixel size.
    """
    last = len(shape) - 1
    each = [
        (fft.rfftfreq if at == last else fft.fftfreq)(side, step)
        for at, (side, step) in enumerate(zip(shape, spacing, strict=True))
    ]
    squared = sum(axis**2 for axis in np.meshgrid(*each, indexing="ij", sparse=True))
    q = np.pi * diameter * np.sqrt(squared)
    near = q < 0.05  # where the difference below would cancel
    safe = np.where(near, 1.0, q)
    ball = 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    return np.asarray(np.where(near, 1 - q**2 / 10, ball), np.float64)


def without_diameter(kernel: Image, spacing: tuple[float, ...], diameter: float, context: Context) -> Image:
    """Return the image of a point from that of a bead, by the Richardson-Lucy algorithm.

    The algorithm (doi:10.1364/JOSA.62.000055) keeps the sum and gives no negative values. In a single plane,
    the bead must be small compared with the depth of field: its light is taken as projected into the plane.

    Parameters
    ----------
    kernel : ndarray, shape (Y, X) or (Z, Y, X)
        Image of a bead without background, at least 0.
    spacing : tuple of float
        Pixel size along each axis, in micrometres.
    diameter : float
        Diameter of the bead in micrometres.
    context : Context
        Progress and cancellation.
    """
    margins = [math.ceil(diameter / step) for step in spacing]
    shape = tuple(fft.next_fast_len(n + 2 * m, real=True) for n, m in zip(kernel.shape, margins, strict=True))
    transfer = form_factor(shape, spacing, diameter)
    inner = tuple(slice(m, m + n) for n, m in zip(kernel.shape, margins, strict=True))

    def blurred(image: Image) -> Image:
        return np.asarray(fft.irfftn(fft.rfftn(image) * transfer, s=shape), np.float64)

    # a constant keeps ratios near 1 where there is little light
    floor = FLOOR * float(kernel.max())
    seen = np.full(shape, floor)
    seen[inner] += kernel
    light = seen - floor
    for step in range(STEPS):
        context.step(step / STEPS, "Removing the diameter of the beads")
        expected = np.maximum(blurred(light) + floor, floor / 2)
        light = np.maximum(light * blurred(seen / expected), 0.0)
    return light[inner]
