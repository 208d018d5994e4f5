"""The noise that a method is trained with, as its parts use it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import QuietfieldError
from core.learning.data import Normalisation
from core.learning.noise_knowledge import read_models
from core.learning.parts.likelihoods import Likelihood
from core.learning.parts.priors import Photons, lifts
from core.learning.parts.setup import Setup
from core.learning.training_advice import middle_plane
from core.noise.models import NoiseModel
from core.noise.survey import Survey
from core.noise.transform import Stabiliser
from core.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownNoise:
    """Noise models of the channels of a training stack.

    Attributes
    ----------
    units : Normalisation
        Normalisation from counts to photons, whose variance equals their mean; for constant noise, to its
        standard deviations.
    photons : Photons
        Transform of photons to values of unit noise.
    likelihood : Likelihood
        Likelihood of noisy pixels, in photons.
    stabilisers, lifts : tuple
        Transform of each channel to unit noise, and offset of the transformed values.
    models : tuple of NoiseModel
        Noise model of each channel.
    """

    units: Normalisation
    photons: Photons
    likelihood: Likelihood
    stabilisers: tuple[Stabiliser, ...]
    lifts: tuple[float, ...]
    models: tuple[NoiseModel, ...]


def known_noise(text: str, setup: Setup) -> KnownNoise:
    """Return the noise of a training stack from the resolved parameter ``noise_model``.

    Raises
    ------
    QuietfieldError
        If the noise cannot be measured, or the models make no sense.
    """
    channels = Survey.of(setup.stack).noise().channels
    models = read_models(text).fitting(len(channels), setup.stack.meta.name).channels
    stabilisers = [model.stabiliser() for model in models]
    units = Normalisation(
        offset=0.0, mean=tuple(s.zero for s in stabilisers), std=tuple(s.unit for s in stabilisers),
        fill=channels[0].mean,
    )  # fmt: skip
    if not all(s.unit > 0 for s in stabilisers):
        raise QuietfieldError("The noise model has no noise. Make another one.")
    offsets = lifts(stabilisers, [noise.dark for noise in channels])
    return KnownNoise(
        units=units, photons=Photons(stabilisers, offsets, setup.device),
        likelihood=Likelihood(models, units, setup.device), stabilisers=tuple(stabilisers),
        lifts=tuple(offsets), models=models,
    )  # fmt: skip


def contrast(stack: Stack) -> Normalisation:
    """Return mean and standard deviation of the middle plane of every channel."""
    means, spreads = [], []
    for channel in range(stack.sizes.get("C", 1)):
        plane = middle_plane(stack, channel)
        good = plane[np.isfinite(plane)]
        mean, spread = (float(good.mean()), float(good.std())) if good.size else (0.0, 1.0)
        means.append(mean)
        spreads.append(spread or 1.0)
    return Normalisation(offset=0.0, mean=tuple(means), std=tuple(spreads), fill=means[0])
