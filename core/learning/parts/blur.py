"""Convolution with a point spread function on the device of a network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.optics import gaussian_kernel
from core.psf import Psf


class Blur:
    """Convolution of images or volumes with a PSF; borders are reflected about the border pixels.

    A Gaussian is applied along one axis after the other, other kernels by the Fourier transform.

    Parameters
    ----------
    psf : Psf or None
        PSF; None leaves images as they are. For images, the plane in focus of a three-dimensional PSF is
        used; for volumes, one of two dimensions is applied to every plane.
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
        deep = psf is not None and psf.kernel.ndim == 3
        self._along = gaussian_kernel(psf.sigmas[0]) if psf is not None and deep and psf.sigmas else None
        self._whole = torch.from_numpy(np.array(psf.kernel)).to(device) if psf is not None and deep else None

    def __call__(self, images: Tensor) -> Tensor:
        """Return images (N, 1, Y, X) or volumes (N, 1, Z, Y, X) convolved with the PSF."""
        if images.ndim == 4:
            return self._images(images)
        if self._whole is not None and self._along is None:
            return self._volumes(images, self._whole)
        convolved = self._images(images.flatten(0, 2)[:, None]).reshape(images.shape)
        if self._along is None:
            return convolved
        planes = torch.from_numpy(_mirrored(self._along, images.shape[2])).to(convolved)
        return torch.einsum("oz,nczyx->ncoyx", planes, convolved)

    def _volumes(self, volumes: Tensor, kernel: Tensor) -> Tensor:
        rows, columns = self._radius
        reach, count = len(kernel) // 2, volumes.shape[2]
        planes = torch.from_numpy(np.pad(np.arange(count), reach, mode="reflect")).to(volumes.device)
        flat = volumes.index_select(2, planes).flatten(1, 2)
        padded = nn.functional.pad(flat, (columns, columns, rows, rows), mode="reflect")
        shape = tuple(int(side) for side in padded.shape[-3:])
        spectrum = torch.fft.rfftn(padded, dim=(-3, -2, -1)) * torch.fft.rfftn(kernel, s=shape)
        result: Tensor = torch.fft.irfftn(spectrum, s=shape, dim=(-3, -2, -1))
        return result[:, None, 2 * reach :, 2 * rows :, 2 * columns :]

    def _images(self, images: Tensor) -> Tensor:
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


def _mirrored(kernel: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the matrix that convolves `count` planes, of which those beyond the borders are mirrored."""
    reach = len(kernel) // 2
    matrix = np.zeros((count, count))
    planes = np.pad(np.arange(count), reach, mode="reflect")
    for place in range(count):
        np.add.at(matrix[place], planes[place : place + len(kernel)], kernel)
    return matrix
