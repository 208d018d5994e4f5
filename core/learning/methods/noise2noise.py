"""Noise2Noise: predict one frame from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core.errors import QuietfieldError
from core.findings import kinds
from core.learning.base import Learned, Resolved
from core.learning.papers import LEHTINEN_2018
from core.methods.base import named
from core.progress import Context
from core.stack import Stack

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.parts.examples import Examples
    from core.learning.parts.setup import Setup


@named("noise2noise", label="Noise2Noise", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2Noise(Learned):
    """Predict one frame from another, for stacks whose frames all show the same scene.

    Lehtinen et al. 2018 (arXiv:1803.04189). The noise must be independent from frame to frame; within a
    frame it may be correlated. Training pairs every frame with every other one; the trained
    network uses one frame at a time.
    """

    citations: ClassVar[tuple[str, ...]] = (LEHTINEN_2018,)

    def examples(self, setup: Setup) -> Examples:
        """Return pairs of frames."""
        from core.learning.parts.examples import OtherFrames

        return OtherFrames(setup)

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method with a finding about motion; raise `QuietfieldError` without a time axis."""
        if stack.sizes.get("T", 1) < 2:
            lack = "has a single time point" if "T" in stack.axes else "has no time axis"
            raise QuietfieldError(
                f"{stack.meta.name} {lack}, and Noise2Noise needs two frames or more. If its planes are "
                "repeated frames of one scene, set their axis to T; else choose another method."
            )
        context.step(0.0, "Comparing frames")
        from core.learning.training_advice import motion  # imports scipy, not needed at start
        from core.noise.survey import find_shared_noise

        found = motion(stack), find_shared_noise(stack, "T", kinds.TARGETS_SHARE_NOISE)
        return Resolved(method=self, findings=tuple(finding for finding in found if finding is not None))
