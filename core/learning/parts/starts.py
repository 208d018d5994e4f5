"""Initial networks of trainings."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from core.instant.network import InstantNetwork
from core.instant.weights import shipped_network
from core.learning.architecture import Architecture
from core.learning.network import blank, initial
from core.learning.prior_network import PriorNetwork
from core.learning.variational_network import VariationalNetwork


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """An initial network, and limits of its training.

    Attributes
    ----------
    network : Module
        Initial network.
    share : float
        Kept weights are this fraction of the way from those of `network` to the trained ones.
    steepest : float or None
        Largest norm of the gradient of a step; None for no limit.
    useful : bool
        Whether `network` already denoises, so that it is kept unless training lowers the error.
    """

    network: nn.Module
    share: float = 1.0
    steepest: float | None = None
    useful: bool = False


def fresh(architecture: Architecture, seed: int) -> Start:
    """Start with a new U-Net."""
    return Start(network=initial(architecture, seed))


def instant(kind: Literal["unet", "instant", "best"], *, neighbours: bool) -> Start:
    """Start with a network of Instant, and keep weights halfway between it and the trained ones.

    Parameters
    ----------
    kind : {"instant", "best"}
        Network of Instant.
    neighbours : bool
        Whether to train the weights of neighbouring planes or frames too.
    """
    network = copy.deepcopy(shipped_network(kind))
    # the training does not train the prediction of the error
    unused = ("doubt.",) if neighbours else ("doubt.", "beside.", "shares.")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(unused))
    return Start(network=network.train(), share=0.5, steepest=1.0, useful=True)


def prior(kind: Literal["unet", "instant", "best"], samples: int) -> Start:
    """Start with a network of Instant that also predicts its error, and perhaps samples of it.

    Parameters
    ----------
    kind : {"instant", "best"}
        Network of Instant.
    samples : int
        Number of samples of the prior; 0 for a Gaussian prior.
    """
    begun = shipped_network(kind)
    network = PriorNetwork(begun.shape, samples) if samples else InstantNetwork(begun.shape)
    network.load_state_dict(begun.state_dict(), strict=False)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(("beside.", "shares.")))
    return Start(network=network.train(), steepest=1.0, useful=True)


def variational(architecture: Architecture, seed: int) -> Start:
    """Start with a new variational autoencoder, whose encoder begins with the network of Instant."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = blank(architecture)
    assert isinstance(network, VariationalNetwork)
    network.instant.load_state_dict(shipped_network(architecture.kind).state_dict())
    return Start(network=network.train(), steepest=10.0)
