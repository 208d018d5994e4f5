"""Prediction with a fine-tuned network of Instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from core.errors import QuietfieldError
from core.instant.denoiser import Denoiser
from core.instant.mean_of_frames import MeanOfFrames
from core.instant.network import InstantNetwork
from core.methods.base import Operation
from core.methods.outputs import DENOISED, Output
from core.noise.survey import Survey
from core.progress import Context
from core.stack import AXIS_NAMES, Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdaptedPrediction:
    """A trained network of Instant; the noise of a stack is estimated when it is bound.

    Attributes
    ----------
    networks : tuple of InstantNetwork
        Trained network; or all networks that Instant averages, if training changed nothing.
    eightfold : bool
        Whether to average over eight orientations.
    along : {"", "Z", "T"}
        Axis of the neighbouring planes or frames of the network, if any.
    sigma : float
        Standard deviation of the PSF after the network, in pixels; 0 for none.
    still : bool
        Whether to denoise the means of frames.
    """

    label: ClassVar[str] = "Trained network"
    outputs: ClassVar[tuple[Output, ...]] = (DENOISED,)

    networks: tuple[InstantNetwork, ...]
    eightfold: bool = False
    along: str = ""
    sigma: float = 0.0
    still: bool = False

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if a stack with these axes lacks the neighbours of the network."""
        if self._axis and self._axis not in axes:
            raise QuietfieldError(alone(self._axis))

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Estimate the noise of the stack."""
        if self._axis and stack.sizes.get(self._axis, 1) < 2:
            raise QuietfieldError(alone(self._axis))
        context.step(0.0, "Measuring the noise")
        noise = Survey.of(stack).noise(context)
        if self.still:
            noise = replace(noise, each_plane=False)
        denoiser = Denoiser(
            networks=self.networks, noise=noise, outputs=self.outputs, label=self.label,
            eightfold=self.eightfold, along=self.along, sigma=self.sigma,
        )  # fmt: skip
        return MeanOfFrames(single=denoiser) if self.still else denoiser

    @property
    def _axis(self) -> str:
        return "T" if self.still else self.along


def alone(along: str) -> str:
    """Return the message that a stack has no neighbours along an axis."""
    return (
        f"This network uses neighbours along {AXIS_NAMES[along]} ({along}); the stack has "
        "none. Use it on stacks like the one it was trained on, or train another one."
    )
