"""The network that a training begins with."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

from torch import nn

from core.instant.weights import shipped_network
from core.learning.architecture import Architecture
from core.learning.network import initial


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """A network to begin with, and how far training may change it.

    Attributes
    ----------
    network : Module
        The network.
    share : float
        Weights kept lie this share of the way from those of `network` to the trained ones.
    steepest : float or None
        Largest norm of the gradient of a step; None for no limit.
    useful : bool
        Whether `network` denoises already, so that it is kept unless training lowers the error.
    """

    network: nn.Module
    share: float = 1.0
    steepest: float | None = None
    useful: bool = False


def fresh(architecture: Architecture, seed: int) -> Start:
    """Begin with a new U-Net."""
    return Start(network=initial(architecture, seed))


def instant(kind: Literal["unet", "instant", "best"], *, neighbours: bool) -> Start:
    """Begin with the network of Instant, and keep weights halfway between it and the trained ones.

    Parameters
    ----------
    kind : {"instant", "best"}
        Which of its networks.
    neighbours : bool
        Whether the weights for neighbouring planes or frames are trained too.
    """
    network = copy.deepcopy(shipped_network(kind))
    # nothing in training tells how large errors are
    unused = ("doubt.",) if neighbours else ("doubt.", "beside.", "shares.")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(unused))
    return Start(network=network.train(), share=0.5, steepest=1.0, useful=True)
