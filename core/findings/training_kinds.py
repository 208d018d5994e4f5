"""Kinds of findings about the limits and the success of a training, with their messages."""

from __future__ import annotations

from core.findings.finding import Kind, Level

BATCH_REDUCED = Kind(
    code="batch-reduced", level=Level.CAUTION,
    words="Steps of {limit:.0f} patches would take most of the time limit of {seconds:g} s; each step uses "
    "{value:.0f}. Allow more time, or reduce width, depth or patch side.",
)  # fmt: skip
POSTERIOR_INVALID = Kind(
    code="posterior-invalid", level=Level.CAUTION,
    words="Neighbouring pixels share noise ({value:.2f} along {along}), so that this method is not valid: "
    "the surroundings of a pixel tell its noise, and combining them with its own value keeps noise as if it "
    "were signal.",
)  # fmt: skip
