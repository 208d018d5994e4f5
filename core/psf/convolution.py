"""Convolution of images with a point spread function."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.optics import gaussian_kernel
from core.psf.value import Psf

SMALL = 9
"""Longest side of a kernel that is applied directly; larger ones by the Fourier transform."""


def convolve_volume(volume: NDArray[np.float32], psf: Psf | None) -> NDArray[np.float32]:
    """Convolve a volume with a PSF; borders are reflected about the border pixels.

    Parameters
    ----------
    volume : ndarray, shape (Z, Y, X), float32
        Volume; it may have fewer planes than the PSF.
    psf : Psf or None
        PSF of three dimensions, or of two, which is applied to every plane. None returns the volume itself.

    Returns
    -------
    ndarray, shape (Z, Y, X), float32
        Convolved volume.
    """
    from scipy import ndimage, signal  # imported here, so that the window starts without scipy

    if psf is None or psf.kernel.ndim == 2:
        return convolve(volume, psf)
    if psf.sigmas:
        along = ndimage.correlate1d(volume, gaussian_kernel(psf.sigmas[0]), axis=0, mode="mirror")
        return convolve(np.asarray(along, np.float32), psf)
    reach = [side // 2 for side in psf.kernel.shape]
    padded = np.pad(volume, [(one, one) for one in reach], mode="reflect")
    return np.asarray(signal.fftconvolve(padded, psf.kernel, mode="valid"), np.float32)


def convolve(images: NDArray[np.float32], psf: Psf | None) -> NDArray[np.float32]:
    """Convolve images with a PSF; borders are reflected about the border pixels.

    Parameters
    ----------
    images : ndarray, shape (N, Y, X), float32
        Images, larger than the radius of the PSF.
    psf : Psf or None
        PSF, of which the plane in focus is used; None returns the images themselves.

    Returns
    -------
    ndarray, shape (N, Y, X), float32
        Convolved images.
    """
    from scipy import ndimage, signal  # imported here, so that the window starts without scipy

    if psf is None:
        return images
    if psf.sigmas:
        down, across = map(gaussian_kernel, psf.sigmas[-2:])
        rows = ndimage.correlate1d(images, down, axis=1, mode="mirror")
        result: NDArray[np.float32] = ndimage.correlate1d(rows, across, axis=2, mode="mirror")
        return result
    kernel = psf.plane.kernel[None]
    if max(kernel.shape) <= SMALL:
        return np.asarray(ndimage.convolve(images, kernel, mode="mirror"), np.float32)
    down_reach, across_reach = psf.radius
    padded = np.pad(images, ((0, 0), (down_reach, down_reach), (across_reach, across_reach)), mode="reflect")
    return np.asarray(signal.oaconvolve(padded, kernel, mode="valid", axes=(1, 2)), np.float32)


def check_side(psf: Psf, side: int) -> None:
    """Check that patches are larger than the radius of a PSF.

    Parameters
    ----------
    psf : Psf
        PSF.
    side : int
        Side of the patches in pixels.

    Raises
    ------
    QuietfieldError
        If they are not.
    """
    if max(psf.radius) >= side:
        size = f"of sigma {psf.sigmas[-1]:g} px" if psf.sigmas else f"({psf.brief})"
        raise QuietfieldError(
            f"A PSF {size} has a radius of {max(psf.radius)} px; patches of {side} px are too small. "
            "Increase the patch side, or use a narrower PSF."
        )


def check_planes(psf: Psf, planes: int, whole: int) -> None:
    """Raise `QuietfieldError` if the PSF is deeper than patches of `planes` of the `whole` planes."""
    reach = len(psf.kernel) // 2
    if planes < whole and reach >= planes:
        raise QuietfieldError(
            f"The PSF ({psf.brief}) has a radius of {reach} planes; patches of {planes} planes are too "
            "shallow. Increase the patch depth, or use a narrower PSF."
        )
