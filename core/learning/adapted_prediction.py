"""Denoise a stack with a network of Instant that was trained on: as Instant does, with other weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.instant.denoiser import Denoiser
from core.instant.measuring import noise_of
from core.instant.network import InstantNetwork
from core.instant.reach import DEPTH, GRID, REACH, SPAN
from core.instant.still import Still
from core.methods.base import Block, Operation
from core.methods.outputs import DENOISED, Output
from core.progress import Context
from core.stack import AXIS_NAMES, Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdaptedPrediction(Operation):
    """A trained network of Instant as an operation; the noise of each stack is measured.

    Attributes
    ----------
    networks : tuple of InstantNetwork
        The trained network; and where it was left as it is, all that Instant takes the mean of.
    eightfold : bool
        Whether to average over eight orientations.
    along : {"", "Z", "T"}
        Axis along which it sees neighbouring planes or frames, if any.
    sigma : float
        Standard deviation in pixels of the PSF it ends in; 0 for none.
    still : bool
        Whether it denoises the means of frames.
    """

    label: ClassVar[str] = "Trained network"
    possible: ClassVar[tuple[Output, ...]] = (DENOISED,)
    parallel: ClassVar[bool] = False

    networks: tuple[InstantNetwork, ...]
    eightfold: bool = False
    along: str = ""
    sigma: float = 0.0
    still: bool = False

    def prepare(self, stack: Stack) -> Operation:
        """Measure the noise of the stack, once."""
        along = self._axis
        if along and stack.sizes.get(along, 1) < 2:
            raise QuietfieldError(alone(along))
        noise = noise_of(stack, "stack" if self.still else "auto")
        denoiser = Denoiser(
            networks=self.networks, noise=noise, eightfold=self.eightfold, along=self.along, sigma=self.sigma
        )
        return Still(single=denoiser) if self.still else denoiser

    @property
    def _axis(self) -> str:
        return "T" if self.still else self.along

    def halo(self, axes: str) -> Mapping[str, int]:
        """Neighbours needed: what the network sees.

        Raises
        ------
        QuietfieldError
            If the stack has no such neighbours.
        """
        along = self._axis
        if along and along not in axes:
            raise QuietfieldError(alone(along))
        reach = REACH + (GRID if self.sigma else 0)
        return {"Y": reach, "X": reach} | ({along: SPAN if self.still else DEPTH} if along else {})

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Denoise a block that is taken for the whole of a stack."""
        return self.prepare(Stack.of(block.pixels, block.axes)).compute(block, context)


def alone(along: str) -> str:
    """Say that a stack has no neighbours along an axis."""
    return (
        f"This network uses neighbours along {AXIS_NAMES[along]} ({along}); the stack has "
        "none. Use it on stacks like the one it was trained on, or train another one."
    )
