"""Methods whose network may see neighbouring planes or frames."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.instant.constants import MEAN
from core.instant.method import neighbours
from core.learning.base import Learned, Resolved
from core.progress import Context
from core.stack import AXIS_NAMES, Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeing(Learned):
    """A network that may see the planes or frames beside the one it denoises, in training and afterwards."""

    neighbours: str = neighbours(
        "It helps where planes lie close or frames change little, and may harm where they show other things."
    )

    @property
    def along(self) -> str:
        """Axis along which the network sees neighbouring planes or frames; "" for none."""
        return self.neighbours if self.neighbours in ("T", "Z") else ""

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Refuse stacks without such neighbours."""
        self.look_beside(stack)
        context.step(0.0, "Comparing neighbours")
        return Resolved(method=self, findings=self.shared(stack))

    def shared(self, stack: Stack) -> tuple[Finding, ...]:
        """Find that the neighbours the network sees share noise with what it denoises."""
        from core.noise.survey import find_shared_noise

        along = "T" if self.neighbours == MEAN else self.along
        found = find_shared_noise(stack, along, kinds.NEIGHBOURS_SHARE_NOISE)
        return () if found is None else (found,)

    def look_beside(self, stack: Stack) -> None:
        """Make sure that a stack has the neighbours the network is to see.

        Raises
        ------
        QuietfieldError
            If it has none along that axis.
        """
        along = "T" if self.neighbours == MEAN else self.along
        if along and stack.sizes.get(along, 1) < 2:
            raise QuietfieldError(
                f"{self.label} with neighbours along {AXIS_NAMES[along]} ({along}) needs at "
                f"least two planes or frames along that axis, which {stack.meta.name} does not have. Choose "
                "other neighbours, or change what its axes mean."
            )
