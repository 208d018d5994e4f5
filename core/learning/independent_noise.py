"""What methods require that combine a noise model with a prior: independent noise and large planes."""

from __future__ import annotations

from core.errors import QuietfieldError
from core.findings import Finding, training_kinds
from core.instant.network import LEAST
from core.learning.obstacles import obstacles
from core.noise.survey import Survey
from core.progress import Context
from core.stack import Stack


def check_planes(label: str, stack: Stack) -> None:
    """Raise `QuietfieldError` if the planes of a stack are too small for the network of Instant."""
    height, width = stack.shape[-2:]
    if min(height, width) < LEAST:
        raise QuietfieldError(
            f"The planes of {stack.meta.name} have {width} x {height} pixels; {label} needs at "
            f"least {LEAST} x {LEAST}. Choose Noise2Void, or use a larger field."
        )


def findings(stack: Stack, context: Context) -> tuple[Finding, ...]:
    """Return findings about correlated noise, which makes the method invalid, and about other obstacles."""
    known = obstacles(stack, context)
    correlated = [one.warning for one in Survey.of(stack).noise().channels if one.warning is not None]
    invalid = [
        Finding(
            kind=training_kinds.POSTERIOR_INVALID, value=one.value, limit=one.limit, details=one.details,
            proposal=one.proposal,
        )
        for one in correlated[:1]
    ]  # fmt: skip
    return (*invalid, *known)
