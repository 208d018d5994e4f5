"""Training examples of methods with a noise model."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Generator, Tensor

from core.learning.data import Normalisation, Split
from core.learning.masks import surrounded
from core.learning.parts.examples import Examples, HiddenPixels, Predict, exclude_noiseless
from core.learning.parts.setup import Setup
from core.learning.patches import Patches


class BlindPixels(HiddenPixels):
    """Predict hidden pixels that are replaced by the mean of their visible neighbours.

    Prediction hides pixels in the same way, so that the network needs not learn to ignore the centre pixel.

    Parameters
    ----------
    setup : Setup
        Stack, and settings of the patches.
    box : int
        Side of the boxes with one hidden pixel each.
    normalisation : Normalisation
        Normalisation from counts to photons.
    """

    def __init__(self, setup: Setup, *, box: int, normalisation: Normalisation) -> None:
        super().__init__(setup, box=box, neighbourhood=5)
        self._known = normalisation

    def _divided(self) -> Split:
        return exclude_noiseless(super()._divided(), self._setup.stack)

    def known(self) -> Normalisation:
        """Return the normalisation from counts to photons."""
        return self._known

    def shown(self, patches: Patches, predict: Predict) -> Tensor:  # noqa: ARG002
        """Return patches with hidden pixels replaced by the mean of visible neighbours, (N, Y, X)."""
        assert patches.mask is not None
        return surrounded(patches.pixels, patches.mask)


class SampledImages(Examples):
    """Explain all pixels by latent variables, whose distance from their prior is a second term of the loss.

    Parameters
    ----------
    setup : Setup
        Stack, and settings of the patches.
    normalisation : Normalisation
        Normalisation of the pixels.
    planes : int
        Number of planes of random numbers for the latent variables.
    rise : float
        Fraction of the training during which the weight of the second term rises from 0 to 1.
    """

    def __init__(self, setup: Setup, *, normalisation: Normalisation, planes: int, rise: float) -> None:
        super().__init__(setup)
        self._known, self._planes, self._rise = normalisation, planes, rise

    def _divided(self) -> Split:
        return exclude_noiseless(super()._divided(), self._setup.stack)

    def known(self) -> Normalisation:
        """Return the normalisation of the pixels."""
        return self._known

    def draw(self, generator: Generator, fraction: float = 1.0) -> Patches:
        """Draw the patches of one step, with random numbers for the latent variables."""
        patches = super().draw(generator, fraction)
        return self._sampling(patches, generator, min(1.0, fraction / self._rise) if self._rise else 1.0)

    def held_out(self) -> Patches:
        """Return the patches of held-out regions, with random numbers that are always the same."""
        generator = torch.Generator().manual_seed(self._setup.seed + 2)
        return self._sampling(super().held_out(), generator, 1.0)

    def _sampling(self, patches: Patches, generator: Generator, weight: float) -> Patches:
        count, side = len(patches.pixels), self._setup.side
        draws = torch.randn(count, self._planes, side, side, generator=generator)
        device = patches.pixels.device
        return replace(patches, draws=draws.to(device), weight=torch.full((count,), weight, device=device))
