"""What the parts of a method are made for."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from core.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """A stack, and how a training draws patches of it.

    Attributes
    ----------
    stack : Stack
        What is trained on.
    target : Stack or None
        The clean stack, for methods that learn from one.
    device : torch.device
        Where the network is trained.
    side : int
        Side of the patches in pixels.
    memory : int
        Bytes of training pixels to keep in memory.
    batch : int
        Patches of a step.
    augment : str
        Orientations of patches, a key of `core.learning.sampling.ORIENTATIONS`.
    validation : float
        Share of the stack that is held out.
    validation_patches : int
        Patches of the parts held out.
    seed : int
        Seed of the patches held out.
    by_channel : bool
        Whether every channel gets a mean and a standard deviation of its own.
    along : {"", "Z", "T"}
        Axis along which the network sees neighbouring planes or frames, if any.
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
