"""Prediction of PN2V: the prior of every pixel from its surroundings, combined with its own value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.instant.constants import GRID, REACH
from core.instant.network import InstantNetwork
from core.interrupting import Interruptible
from core.learning.masks import fill_hidden
from core.learning.parts.likelihoods import Likelihood
from core.learning.parts.photon_prediction import PhotonPrediction, Place
from core.learning.parts.priors import Photons, Prior, PriorHead, lifts, posterior
from core.learning.prior_network import PriorNetwork
from core.methods.outputs import DENOISED, EXPECTED_ERROR, PRIOR, Output
from core.progress import Context

PERIOD = 4
"""One pixel in every square of this side, in pixels, is hidden at a time; a divisor of `GRID`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PosteriorPrediction(PhotonPrediction):
    """A trained network that predicts priors, as an operation.

    Every pixel is hidden once, so that its prior does not depend on its own value.

    Attributes
    ----------
    network : InstantNetwork
        Network, on its device.
    outputs : tuple of Output
        Posterior mean, prior mean and posterior standard deviation.
    """

    margin: ClassVar[int] = REACH + GRID

    network: InstantNetwork
    outputs: tuple[Output, ...] = (DENOISED, PRIOR, EXPECTED_ERROR)

    @property
    def bytes_per_pixel(self) -> int:
        """Memory on the processor that a piece of a plane needs per pixel."""
        return self.network.bytes_per_pixel

    def predict(self, light: Tensor, channel: int, place: Place, context: Context) -> Tensor:  # noqa: ARG002
        """Hide every pixel once; return posterior mean, prior mean and posterior deviation, (3, Y, X)."""
        head, likelihood = self._parts(channel)
        height, width = light.shape
        results = light.new_zeros(3, height, width)
        index = torch.arange(height * width, device=light.device).reshape(height, width)
        zero = torch.zeros(1, dtype=torch.int64, device=light.device)
        for number in range(PERIOD**2):
            context.step(number / PERIOD**2, self.label)
            here = slice(number // PERIOD, None, PERIOD), slice(number % PERIOD, None, PERIOD)
            hidden = torch.zeros_like(light, dtype=torch.bool)
            hidden[here] = True
            chosen = index[here].reshape(1, -1)
            with torch.inference_mode(), Interruptible(context.check):
                prior = head.prior(self.network, fill_hidden(light[None], hidden[None]), zero, chosen)
                mean, variance = (one.flatten(1).gather(1, chosen) for one in (prior.signal, prior.variance))
                prior = Prior(signal=mean, sharp=mean, variance=variance, samples=prior.samples)
                found = posterior(prior, light[here].reshape(1, -1), likelihood, zero)
                if prior.samples is not None:
                    mean = prior.samples.mean(1)
                images = (found[0], mean, found[1].clamp(min=0).sqrt())
                for result, image in zip(results, images, strict=True):
                    result[here] = image.reshape(light[here].shape)
        return results

    def _parts(self, channel: int) -> tuple[PriorHead, Likelihood]:
        """Return head and likelihood of one channel."""
        model = self.models.of(channel)
        stabiliser = model.stabiliser()
        photons = Photons([stabiliser], lifts([stabiliser], [self.dark(channel)]), self.device)
        head = PriorHead(photons, samples=isinstance(self.network, PriorNetwork))
        return head, Likelihood([model], self.single(channel), self.device)
