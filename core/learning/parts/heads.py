"""Output of a network: an image, or an image before the blur of the microscope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import QuietfieldError
from core.instant.denoiser import lift
from core.learning.device import layout
from core.learning.network import OUTPUT_SCALE
from core.learning.parts.setup import Setup
from core.learning.patches import Patches
from core.learning.training_advice import levels
from core.optics import gaussian_kernel

Network = Callable[..., Any]
"""Computes the output of the network."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Emitted:
    """Output images of a network for patches, in the units of the patches.

    Attributes
    ----------
    signal : Tensor
        Predicted pixels, (N, Y, X).
    sharp : Tensor
        Predicted pixels before the PSF, (N, Y, X); equal to `signal` without a PSF.
    """

    signal: Tensor
    sharp: Tensor


class Head(Protocol):
    """Converts the output of a network to images that an objective compares with pixels."""

    def emit(self, network: Network, shown: Tensor, patches: Patches) -> Emitted:
        """Return the output images of the network.

        Parameters
        ----------
        network : callable
            Network.
        shown : Tensor
            Input that replaces the pixels of the patches, (N, Y, X).
        patches : Patches
            Patches, with neighbouring planes, channels and other data.

        Returns
        -------
        Emitted
            Output images.
        """
        ...


class ImageHead:
    """Output an image, which is convolved with a PSF before the comparison with pixels.

    Parameters
    ----------
    setup : Setup
        Device and side of the patches.
    sigma : float
        Standard deviation of the PSF in pixels; 0 for no PSF.

    Raises
    ------
    QuietfieldError
        If the PSF is larger than the patches.
    """

    def __init__(self, setup: Setup, sigma: float = 0.0) -> None:
        self.kernel = psf_kernel(sigma).to(setup.device)
        self._layout = layout(setup.device)
        if len(self.kernel) // 2 >= setup.side:
            raise QuietfieldError(
                f"A PSF of sigma {sigma:g} px has a radius of {len(self.kernel) // 2} px; patches of "
                f"{setup.side} px are too small. Increase the patch side or reduce sigma."
            )

    def emit(self, network: Network, shown: Tensor, patches: Patches) -> Emitted:
        """Return the image, and the image convolved with the PSF."""
        images = shown[:, None]
        if patches.beside is not None:
            images = torch.cat([images, patches.beside], 1)
        output: Tensor = network(images.contiguous(memory_format=self._layout))
        sharp = output.float() * OUTPUT_SCALE
        return Emitted(signal=convolve(sharp, self.kernel)[:, 0], sharp=sharp[:, 0])


class PhotonHead(ImageHead):
    """Output of the network of Instant, in photons.

    Photons are transformed to noise of variance 1, and the output of the network is transformed back. If the
    noise of a channel is constant, no transform is applied.
    """

    def __init__(self, setup: Setup, sigma: float = 0.0) -> None:
        super().__init__(setup, sigma)
        known, device = levels(setup.stack), setup.device
        self._constant = torch.tensor([s.constant_only for s, _ in known], device=device)
        self._lift = torch.tensor([lift(s, noise) for s, noise in known], device=device)
        self._correlation = torch.tensor([noise.correlations for _, noise in known], device=device)

    def emit(self, network: Network, shown: Tensor, patches: Patches) -> Emitted:
        """Return the image, and the image convolved with the PSF."""
        constant = self._constant[patches.channel][:, None, None, None]
        level = self._lift[patches.channel].float()[:, None, None, None]

        def stabilised(light: Tensor) -> Tensor:
            return torch.where(constant, light, 2 * (light + 0.375).clamp(min=0).sqrt()) + level

        others = None if patches.beside is None else stabilised(patches.beside)
        correlation = self._correlation[patches.channel].float()
        values = network(stabilised(shown[:, None]), correlation, others, expect=False).denoised - level
        sharp = torch.where(constant, values, values.clamp(min=0).square() / 4 - 0.375)
        return Emitted(signal=convolve(sharp, self.kernel)[:, 0], sharp=sharp[:, 0])


def psf_kernel(sigma: float) -> Tensor:
    """Return a one-dimensional Gaussian truncated at 4 sigma, sum 1, float32; sigma 0 returns a single 1."""
    return torch.from_numpy(gaussian_kernel(sigma) if sigma > 0 else np.ones(1)).float()


def psf_radius(sigma: float) -> int:
    """Return the radius of the PSF in pixels."""
    return len(psf_kernel(sigma)) // 2


def convolve(images: Tensor, kernel: Tensor) -> Tensor:
    """Convolve images (N, 1, Y, X) along both axes; borders are reflected about the border pixels."""
    radius = len(kernel) // 2
    if radius == 0:
        return images * kernel
    padded = nn.functional.pad(images, (radius, radius, radius, radius), mode="reflect")
    rows = nn.functional.conv2d(padded, kernel.reshape(1, 1, -1, 1))
    return nn.functional.conv2d(rows, kernel.reshape(1, 1, 1, -1))
