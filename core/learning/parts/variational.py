"""Variational autoencoders: images explained by latent variables, and the bound on their likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.learning.data import Normalisation
from core.learning.parts.heads import Emitted, Network
from core.learning.parts.likelihoods import Likelihood
from core.learning.parts.priors import Photons
from core.learning.patches import Patches
from core.learning.variational_network import Explained
from core.noise.noise_estimate import LAGS
from core.noise.transform import Stabiliser


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sampled(Emitted):
    """Signals decoded from samples of latent variables, normalised.

    Attributes
    ----------
    divergence : Tensor
        Divergence of the latent variables from their prior, (N,), in nats per patch.
    """

    divergence: Tensor


class SampleHead:
    """Emit signals decoded from samples of latent variables.

    The decoder emits values of unit noise, relative to their mean and standard deviation in each channel.

    Parameters
    ----------
    stabilisers : sequence of Stabiliser
        Transform of each channel to unit noise.
    lifts : sequence of float
        Offset of the transformed values of each channel.
    normalisation : Normalisation
        Mean and standard deviation of each channel.
    device : torch.device
        Device of the network.
    """

    def __init__(
        self,
        stabilisers: Sequence[Stabiliser],
        lifts: Sequence[float],
        normalisation: Normalisation,
        device: torch.device,
    ) -> None:
        self._photons = Photons(stabilisers, lifts, device)
        rows = []
        for channel, (one, lift) in enumerate(zip(stabilisers, lifts, strict=True)):
            mean, spread = normalisation.result(channel)
            low, value, high = (float(one.forward(mean + step * spread)) for step in (-1, 0, 1))
            rows.append(
                (value + lift, max((high - low) / 2, 1.0), spread / one.unit, (mean - one.zero) / one.unit)
            )
        self._constants = torch.tensor(rows, device=device)

    def values(self, pixels: Tensor, channel: Tensor) -> Tensor:
        """Return the input of the network, (N, 1, Y, X), for normalised pixels (N, Y, X)."""
        _, _, spread, mean = self._of(channel)
        return self._photons.values(pixels[:, None] * spread + mean, channel)

    def contrast(self, channel: Tensor) -> tuple[Tensor, Tensor]:
        """Return level and scale of the input of the network, (N, 1, 1, 1)."""
        level, scale, _, _ = self._of(channel)
        return level, scale

    def signal(self, output: Tensor, channel: Tensor) -> Tensor:
        """Return normalised signals, (N, Y, X), from decoded images (N, 1, Y, X)."""
        level, scale, spread, mean = self._of(channel)
        photons = self._photons.photons(level + scale * output.float(), channel)
        return ((photons - mean) / spread)[:, 0]

    def _of(self, channel: Tensor) -> tuple[Tensor, ...]:
        return self._constants[channel][:, :, None, None, None].unbind(1)

    def emit(self, network: Network, shown: Tensor, patches: Patches) -> Sampled:
        """Return signals decoded from one sample of the latent variables of each patch."""
        independent = shown.new_zeros(len(shown), len(LAGS))
        found: Explained = network(
            self.values(shown, patches.channel), independent, *self.contrast(patches.channel), patches.draws
        )
        signal = self.signal(found.output, patches.channel)
        return Sampled(signal=signal, sharp=signal, divergence=found.divergence.float())


class EvidenceBound:
    """Negative evidence lower bound per pixel: the loss of DivNoising.

    It is -log p(x | s) plus the divergence of the latent variables from their prior, with the noise model as
    likelihood (Prakash et al. 2021, arXiv:2006.06072).

    Parameters
    ----------
    likelihood : Likelihood
        Noise model.
    """

    def __init__(self, likelihood: Likelihood) -> None:
        self._likelihood = likelihood

    def losses(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the loss of each patch, (N,)."""
        assert isinstance(emitted, Sampled)
        found = self._likelihood.log_density(patches.target, emitted.signal, patches.channel).flatten(1)
        divergence = emitted.divergence / found.shape[1]
        if patches.weight is not None:
            divergence = patches.weight * divergence
        if patches.valid is None:
            return divergence - found.mean(1)
        measured = patches.valid.flatten(1)
        return divergence - torch.where(measured, found, 0.0).sum(1) / measured.sum(1).clamp(min=1)
