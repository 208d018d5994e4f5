"""Prior of every pixel given its surroundings, and posterior given its own value too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.instant.denoiser import FAR
from core.instant.network import LEVEL, Prediction
from core.learning.parts.heads import Emitted, Network
from core.learning.parts.likelihoods import Likelihood
from core.learning.patches import Patches
from core.noise.noise_estimate import LAGS
from core.noise.transform import Stabiliser


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prior(Emitted):
    """Prior of hidden pixels, in photons.

    Attributes
    ----------
    variance : Tensor
        Variance of the signal, (N, Y, X).
    samples : Tensor or None
        Samples of the signals of the selected pixels, (N, samples, pixels); None for a Gaussian prior.
    """

    variance: Tensor
    samples: Tensor | None


class Photons:
    """Transform of photons to values of unit noise, for each channel, and back.

    Parameters
    ----------
    stabilisers : sequence of Stabiliser
        Transform of each channel; only whether the noise is constant matters, as photons are their unit.
    lifts : sequence of float
        Offset of the transformed values of each channel.
    device : torch.device
        Device of the pixels.
    """

    def __init__(
        self, stabilisers: Sequence[Stabiliser], lifts: Sequence[float], device: torch.device
    ) -> None:
        self._constant = torch.tensor([s.constant_only for s in stabilisers], device=device)
        self._lift = torch.tensor(list(lifts), dtype=torch.float32, device=device)

    def values(self, photons: Tensor, channel: Tensor) -> Tensor:
        """Transform photons (N, 1, Y, X)."""
        constant, lift = self._of(channel, photons.ndim)
        return torch.where(constant, photons, 2 * (photons + 0.375).clamp(min=0).sqrt()) + lift

    def photons(self, values: Tensor, channel: Tensor) -> Tensor:
        """Return the photons of transformed values (N, ...)."""
        constant, lift = self._of(channel, values.ndim)
        values = values - lift
        return torch.where(constant, values, values.clamp(min=0).square() / 4 - 0.375)

    def variance(self, values: Tensor, squares: Tensor, channel: Tensor) -> Tensor:
        """Return the variance of photons from the variance of the transformed values."""
        constant, lift = self._of(channel, values.ndim)
        values = (values - lift).clamp(min=0)
        found = squares * (values.square() / 4 + squares / 8)
        return torch.where(constant, squares, found)

    def _of(self, channel: Tensor, axes: int) -> tuple[Tensor, Tensor]:
        shape = (-1, *(1,) * (axes - 1))
        return self._constant[channel].reshape(shape), self._lift[channel].reshape(shape)


def lifts(stabilisers: Sequence[Stabiliser], dark: Sequence[float]) -> list[float]:
    """Return the offsets of transformed values, as Instant has them, from the darkest counts of channels."""
    found, far = [], FAR * LEVEL
    for stabiliser, counts in zip(stabilisers, dark, strict=True):
        value = float(stabiliser.forward(counts))
        found.append(far - value if stabiliser.constant_only or value > far else 0.0)
    return found


class PriorHead:
    """Emit the prior of every pixel.

    Parameters
    ----------
    photons : Photons
        Transform of the pixels.
    samples : bool
        Whether the network is a `PriorNetwork`, which emits samples.
    """

    def __init__(self, photons: Photons, *, samples: bool) -> None:
        self._photons, self._samples = photons, samples

    def emit(self, network: Network, shown: Tensor, patches: Patches) -> Prior:
        """Return the prior of every pixel, with samples for the hidden ones."""
        chosen = None if patches.mask is None else patches.mask.hidden
        return self.prior(network, shown, patches.channel, chosen)

    def prior(self, network: Network, shown: Tensor, channel: Tensor, chosen: Tensor | None) -> Prior:
        """Return the prior of images in which some pixels are replaced.

        Parameters
        ----------
        network : callable
            Network of Instant, or `PriorNetwork`; in training, a function that runs it.
        shown : Tensor, shape (N, Y, X)
            Images in photons.
        channel : Tensor, shape (N,)
            Channel of each image.
        chosen : Tensor or None
            Indices of pixels in flattened images, (N, M), whose samples are returned; None for all.
        """
        light = self._photons.values(shown[:, None], channel)
        independent = shown.new_zeros(len(shown), len(LAGS))
        asked = {"chosen": chosen} if self._samples else {}
        found: Prediction = network(light, independent, **asked)
        assert found.log_variance is not None
        values, squares = found.denoised.float()[:, 0], torch.exp(found.log_variance.float()[:, 0])
        samples = None
        if found.spreads is not None:
            centre, deviation = values.flatten(1)[:, None], squares.sqrt().flatten(1)[:, None]
            if chosen is not None:
                centre, deviation = centre.gather(2, chosen[:, None]), deviation.gather(2, chosen[:, None])
            samples = self._photons.photons(centre + deviation * found.spreads.float(), channel)
        mean = self._photons.photons(values, channel)
        variance = self._photons.variance(values, squares, channel)
        return Prior(signal=mean, sharp=mean, variance=variance, samples=samples)


class PriorLikelihood:
    """Negative logarithm of the probability of hidden pixels under their prior and the noise model.

    For samples s_k of the prior it is -log mean_k p(x | s_k) (Krull et al. 2020,
    doi:10.3389/fcomp.2020.00005); for a Gaussian prior, noisy pixels are normally distributed with the sum of
    both variances (Laine et al. 2019, arXiv:1901.10277).

    Parameters
    ----------
    likelihood : Likelihood
        Noise model.
    """

    def __init__(self, likelihood: Likelihood) -> None:
        self._likelihood = likelihood

    def losses(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the loss of each patch, (N,)."""
        assert isinstance(emitted, Prior)
        assert patches.mask is not None
        hidden = patches.mask.hidden
        noisy = patches.target.flatten(1).gather(1, hidden)
        if emitted.samples is None:
            mean, variance = (one.flatten(1).gather(1, hidden) for one in (emitted.signal, emitted.variance))
            total = variance + self._likelihood.variance(mean, patches.channel)
            errors = 0.5 * ((noisy - mean).square() / total + torch.log(total))
        else:
            found = self._likelihood.log_density(noisy[:, None], emitted.samples, patches.channel)
            errors = math.log(found.shape[1]) - torch.logsumexp(found, 1)
        measured = patches.mask.counts
        if patches.valid is not None:
            measured = measured & patches.valid.flatten(1).gather(1, hidden)
        return torch.where(measured, errors, 0.0).sum(1) / measured.sum(1).clamp(min=1)


def posterior(prior: Prior, noisy: Tensor, likelihood: Likelihood, channel: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of the signals of pixels given their own values.

    Parameters
    ----------
    prior : Prior
        Prior of M pixels of each image: all attributes have M pixels along their last axis.
    noisy : Tensor, shape (N, M)
        Noisy pixels, in photons.
    likelihood : Likelihood
        Noise model.
    channel : Tensor, shape (N,)
        Channel of each image.

    Returns
    -------
    mean, variance : Tensor, shape (N, M)
        With samples s_k, the mean is sum_k p(x | s_k) s_k / sum_k p(x | s_k).
    """
    if prior.samples is None:
        noise = likelihood.variance(prior.signal, channel)
        share = prior.variance / (prior.variance + noise)
        return prior.signal + share * (noisy - prior.signal), share * noise
    weights = torch.softmax(likelihood.log_density(noisy[:, None], prior.samples, channel), 1)
    mean = (weights * prior.samples).sum(1)
    return mean, (weights * (prior.samples - mean[:, None]).square()).sum(1)
