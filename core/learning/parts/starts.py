"""Initial networks of trainings."""

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
