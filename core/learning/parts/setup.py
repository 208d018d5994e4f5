"""Input of the parts of a learned method."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from core.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """A stack, and settings of its training patches.

    Attributes
    ----------
    stack : Stack
        Training stack.
    target : Stack or None
        Clean stack, for methods that need one.
    device : torch.device
        Device of the network.
    side : int
        Side of the patches in pixels.
    memory : int
        Maximum memory of training pixels in bytes.
    batch : int
        Number of patches per step.
    augment : str
        Orientations of patches, a key of `core.learning.sampling.ORIENTATIONS`.
    validation : float
        Fraction of the stack that is held out.
    validation_patches : int
        Number of held-out patches.
    seed : int
        Seed of the held-out patches.
    by_channel : bool
        Whether every channel has a separate mean and standard deviation.
    along : {"", "Z", "T"}
        Axis of the neighbouring planes or frames of the network, if any.
    planes : int
        Number of planes of a patch of a network for volumes; 0 for patches of single planes.
    """

    stack: Stack
    target: Stack | None
    device: torch.device
    side: int
    memory: int
    batch: int
    augment: str
    validation: float
    validation_patches: int
    seed: int
    by_channel: bool
    along: str
    planes: int = 0
