"""Output of a network: an image, or an image before the blur of the microscope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from core.instant.denoiser import lift
from core.learning.device import layout
from core.learning.network import OUTPUT_SCALE
from core.learning.parts.blur import Blur
from core.learning.parts.setup import Setup
from core.learning.patches import Patches
from core.learning.training_advice import levels
from core.psf import Psf
from core.psf.convolution import check_planes, check_side

Network = Callable[..., Any]
"""Computes the output of the network."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Emitted:
    """Output images of a network for patches, in the units of the patches.

    Attributes
    ----------
    signal : Tensor
        Predicted pixels, (N, Y, X), or (N, Z, Y, X) in volumes.
    sharp : Tensor
        Predicted pixels before the PSF, as `signal`; equal to it without a PSF.
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
    psf : Psf or None
        PSF; None for no PSF. For images, the plane in focus of a three-dimensional one is used.

    Raises
    ------
    QuietfieldError
        If the PSF is larger than the patches.
    """

    def __init__(self, setup: Setup, psf: Psf | None = None) -> None:
        self.blurred = Blur(psf, setup.device)
        self._layout = layout(setup.device)
        if psf is not None:
            check_side(psf, setup.side)
        if psf is not None and setup.planes and psf.kernel.ndim == 3:
            check_planes(psf, setup.planes, setup.stack.sizes["Z"])

    def emit(self, network: Network, shown: Tensor, patches: Patches) -> Emitted:
        """Return the image, and the image convolved with the PSF."""
        images = shown[:, None]
        if patches.beside is not None:
            images = torch.cat([images, patches.beside], 1)
        if images.ndim == 4:
            images = images.contiguous(memory_format=self._layout)
        output: Tensor = network(images)
        sharp = output.float() * OUTPUT_SCALE
        return Emitted(signal=self.blurred(sharp)[:, 0], sharp=sharp[:, 0])


class PhotonHead(ImageHead):
    """Output of the network of Instant, in photons.

    Photons are transformed to noise of variance 1, and the output of the network is transformed back. If the
    noise of a channel is constant, no transform is applied.
    """

    def __init__(self, setup: Setup, psf: Psf | None = None) -> None:
        super().__init__(setup, psf)
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
        return Emitted(signal=self.blurred(sharp)[:, 0], sharp=sharp[:, 0])
