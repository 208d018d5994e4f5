"""Predictions of trained networks."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from core.instant.network import InstantNetwork
from core.instant.weights import shipped, shipped_network
from core.learning.adapted_prediction import AdaptedPrediction
from core.learning.architecture import Architecture
from core.learning.data import Normalisation
from core.learning.device import placed
from core.learning.network import UNet, blank
from core.learning.noise_knowledge import read_models
from core.learning.parts.posterior_prediction import PosteriorPrediction
from core.learning.parts.sampled_prediction import SampledPrediction
from core.learning.prediction import Prediction
from core.learning.variational_network import VariationalNetwork
from core.learning.volume_network import VolumeUNet
from core.learning.volume_prediction import VolumePrediction
from core.methods.base import Bindable
from core.methods.outputs import DECONVOLVED, DENOISED, Output
from core.psf import Psf


class Readout(Protocol):
    """Creates the prediction of a trained network."""

    def prediction(
        self, weights: Mapping[str, Tensor], normalisation: Normalisation, device: torch.device
    ) -> Bindable:
        """Return the prediction of a network.

        Parameters
        ----------
        weights : dict of str to Tensor
            Weights of the network, on the CPU.
        normalisation : Normalisation
            Normalisation of the pixels.
        device : torch.device
            Device of the network.

        Returns
        -------
        Bindable
            Prediction that can be applied to stacks.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoised:
    """Predict the image of a U-Net, convolved with a PSF.

    Attributes
    ----------
    architecture : Architecture
        Description of the network.
    psf : Psf or None
        PSF; None for no PSF.
    along : {"", "Z", "T"}
        Axis of the neighbouring planes or frames of the network, if any.
    """

    outputs: ClassVar[tuple[Output, ...]] = (DENOISED,)

    architecture: Architecture
    psf: Psf | None = None
    along: str = ""

    def prediction(
        self, weights: Mapping[str, Tensor], normalisation: Normalisation, device: torch.device
    ) -> Bindable:
        """Return the prediction of a network."""
        network = _network(self.architecture, weights, device)
        if isinstance(network, VolumeUNet):
            return VolumePrediction(
                network=network, device=device, normalisation=normalisation, outputs=self.outputs,
                psf=self.psf,
            )  # fmt: skip
        assert isinstance(network, UNet)
        return Prediction(
            network=network, device=device, normalisation=normalisation, outputs=self.outputs,
            psf=self.psf, along=self.along,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Deconvolved(Denoised):
    """Predict the image before the PSF too."""

    outputs: ClassVar[tuple[Output, ...]] = (DENOISED, DECONVOLVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsInstant:
    """Predict with a trained network of Instant, or with Instant itself if training changed nothing.

    Attributes
    ----------
    architecture : Architecture
        Network of Instant.
    sigma : float
        Standard deviation of the PSF after the network, in pixels; 0 for no PSF.
    along : {"", "Z", "T"}
        Axis of the neighbouring planes or frames of the network, if any.
    eightfold : bool
        Whether to average over eight orientations.
    still : bool
        Whether to denoise the means of frames.
    """

    architecture: Architecture
    sigma: float = 0.0
    along: str = ""
    eightfold: bool = False
    still: bool = False

    def prediction(
        self, weights: Mapping[str, Tensor], normalisation: Normalisation, device: torch.device  # noqa: ARG002
    ) -> Bindable:  # fmt: skip
        """Return the prediction of a network."""
        kind = self.architecture.kind
        begun = shipped_network(kind).state_dict()
        if all(torch.equal(weights[name], known) for name, known in begun.items()):
            networks, sigma = tuple(placed(copy.deepcopy(one), device) for one in shipped(kind)), 0.0
        else:
            network = _network(self.architecture, weights, device)
            assert isinstance(network, InstantNetwork)
            networks, sigma = (network,), self.sigma
        return AdaptedPrediction(
            networks=networks, eightfold=self.eightfold, along=self.along, sigma=sigma, still=self.still
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Combine the priors of a network with the values of the pixels.

    Attributes
    ----------
    architecture : Architecture
        Network of Instant, with or without samples.
    noise_model : str
        Noise models of the channels, as JSON.
    """

    architecture: Architecture
    noise_model: str

    def prediction(
        self, weights: Mapping[str, Tensor], normalisation: Normalisation, device: torch.device
    ) -> Bindable:
        """Return the prediction of a network."""
        network = _network(self.architecture, weights, device)
        assert isinstance(network, InstantNetwork)
        models = read_models(self.noise_model)
        return PosteriorPrediction(network=network, device=device, normalisation=normalisation, models=models)


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """Draw samples of possible images.

    Attributes
    ----------
    architecture : Architecture
        Variational network.
    noise_model : str
        Noise models of the channels, as JSON.
    samples, shown : int
        Number of samples for mean and deviation, and of samples that are outputs of their own.
    seed : int
        Seed of the samples.
    """

    architecture: Architecture
    noise_model: str
    samples: int
    shown: int
    seed: int

    def prediction(
        self, weights: Mapping[str, Tensor], normalisation: Normalisation, device: torch.device
    ) -> Bindable:
        """Return the prediction of a network."""
        network = _network(self.architecture, weights, device)
        assert isinstance(network, VariationalNetwork)
        models = read_models(self.noise_model)
        return SampledPrediction(
            network=network, device=device, normalisation=normalisation, models=models,
            samples=self.samples, shown=self.shown, seed=self.seed,
        )  # fmt: skip


def _network(architecture: Architecture, weights: Mapping[str, Tensor], device: torch.device) -> nn.Module:
    network = blank(architecture)
    network.load_state_dict(dict(weights))
    return placed(network, device).eval().requires_grad_(False)
