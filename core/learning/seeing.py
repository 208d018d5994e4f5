"""Methods whose network can use neighbouring planes or frames."""

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
    """A network that can use neighbouring planes or frames as additional input."""

    neighbours: str = neighbours(
        "It helps if planes are close or frames change little, and may harm if they show different content."
    )

    @property
    def along(self) -> str:
        """Axis of the neighbouring planes or frames of the network; "" for none."""
        return self.neighbours if self.neighbours in ("T", "Z") else ""

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method with findings; raise `QuietfieldError` if the stack lacks the neighbours."""
        self.look_beside(stack)
        context.step(0.0, "Comparing neighbours")
        return Resolved(method=self, findings=self.shared(stack))

    def shared(self, stack: Stack) -> tuple[Finding, ...]:
        """Return a finding if the neighbours share noise with the plane to denoise."""
        from core.noise.survey import find_shared_noise

        along = "T" if self.neighbours == MEAN else self.along
        found = find_shared_noise(stack, along, kinds.NEIGHBOURS_SHARE_NOISE)
        return () if found is None else (found,)

    def look_beside(self, stack: Stack) -> None:
        """Check that a stack has the neighbours of the network.

        Raises
        ------
        QuietfieldError
            If it has none along the axis.
        """
        along = "T" if self.neighbours == MEAN else self.along
        if along and stack.sizes.get(along, 1) < 2:
            raise QuietfieldError(
                f"{self.label} with neighbours along {AXIS_NAMES[along]} ({along}) needs at "
                f"least two planes or frames along that axis, which {stack.meta.name} does not have. Choose "
                "other neighbours, or correct the axes of the stack."
            )
