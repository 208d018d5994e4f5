"""Denoise a stack with a network of Instant that was trained on: as Instant does, with other weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.instant.denoiser import Denoiser
from core.instant.measuring import measure
from core.instant.network import InstantNetwork
from core.instant.reach import REACH
from core.methods.base import Block, Operation
from core.progress import Context
from core.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdaptedPrediction(Operation):
    """A trained network of Instant as an operation; the noise of each stack is measured.

    Attributes
    ----------
    network : InstantNetwork
        The network.
    eightfold : bool
        Whether to average over eight orientations.
    """

    label: ClassVar[str] = "Trained network"
    outputs: ClassVar[tuple[str, ...]] = ("denoised",)
    parallel: ClassVar[bool] = False

    network: InstantNetwork
    eightfold: bool = False

    def prepare(self, stack: Stack) -> Operation:
        """Measure the noise of the stack, once."""
        noise = stack.fact("instant noise, auto", lambda: measure(stack, "auto"))
        return Denoiser(network=self.network, noise=noise, eightfold=self.eightfold)

    def halo(self, axes: str) -> Mapping[str, int]:  # noqa: ARG002
        """Neighbours needed: what the network sees."""
        return {"Y": REACH, "X": REACH}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Denoise a block that is taken for the whole of a stack."""
        return self.prepare(Stack.of(block.pixels, block.axes)).compute(block, context)
