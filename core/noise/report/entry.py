"""A line of a noise report: a topic, a measured value in words, and a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.findings import Finding, Level

Light = Literal["good", "tip", "caution", "stop"]

LIGHTS: dict[Level, Light] = {
    Level.NOTE: "good", Level.HINT: "tip", Level.CAUTION: "caution", Level.OBSTACLE: "stop",
}  # fmt: skip
"""Traffic light of each level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of a noise report.

    Attributes
    ----------
    topic : str
        Name for programs, lower case with dashes; it never changes.
    title : str
        Name for users.
    text : str
        Measured value with its unit; "" for none.
    finding : Finding
        What the value means, and perhaps a proposal.
    """

    topic: str
    title: str
    text: str
    finding: Finding

    @property
    def light(self) -> Light:
        """Traffic light of the finding."""
        return LIGHTS[self.finding.level]
