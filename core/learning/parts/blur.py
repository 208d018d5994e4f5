"""Convolution with a point spread function on the device of a network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from core.optics import gaussian_kernel
from core.psf import Psf


class Blur:
    """Convolution of images with a PSF; borders are reflected about the border pixels.

    A Gaussian is applied in two passes, other kernels by the Fourier transform.

    Parameters
    ----------
    psf : Psf or None
        PSF, of which the plane in focus is used; None leaves images as they are.
    device : torch.device
        Device of the images.
    """

    def __init__(self, psf: Psf | None, device: torch.device) -> None:
        self._passes: tuple[Tensor, Tensor] | None = None
        self._kernel: Tensor | None = None
        self._radius = (0, 0) if psf is None else psf.radius
        if psf is not None and psf.sigmas:
            down, across = (torch.from_numpy(gaussian_kernel(sigma)).float() for sigma in psf.sigmas[-2:])
            self._passes = down.to(device).reshape(1, 1, -1, 1), across.to(device).reshape(1, 1, 1, -1)
        elif psf is not None:
            self._kernel = torch.from_numpy(np.array(psf.plane.kernel)).to(device)

    def __call__(self, images: Tensor) -> Tensor:
        """Return images (N, 1, Y, X) convolved with the PSF."""
        rows, columns = self._radius
        if rows == columns == 0:
            return images
        padded = nn.functional.pad(images, (columns, columns, rows, rows), mode="reflect")
        if self._passes is not None:
            down, across = self._passes
            passed: Tensor = nn.functional.conv2d(nn.functional.conv2d(padded, down), across)
            return passed
        assert self._kernel is not None
        sides = (int(padded.shape[-2]), int(padded.shape[-1]))
        spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(self._kernel, s=sides)
        result: Tensor = torch.fft.irfft2(spectrum, s=sides)
        return result[..., 2 * rows :, 2 * columns :]
