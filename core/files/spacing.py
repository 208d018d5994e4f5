"""Collects the spacing of planes, pixels and frames that a file gives, and what of it cannot be used."""

from __future__ import annotations

import math

from core.files.units import MICROMETRES, SECONDS, factor, is_no_unit, unescape
from core.findings import Finding, kinds

SMALLEST, LARGEST = 1e-6, 1000.0
"""Range of pixel sizes in micrometres that a microscope can have; others are of printers or errors."""


class Spacing:
    """Spacing along the axes of a stack, collected from a file.

    Parameters
    ----------
    axes : str
        Axes of the stack; the spacing along others is ignored.

    Attributes
    ----------
    steps : dict of str to float
        Spacing in micrometres along X, Y and Z, and in seconds along T.
    findings : list of Finding
        Lengths and times that are negative, or that cannot be used.
    """

    def __init__(self, axes: str) -> None:
        self.axes = axes
        self.steps: dict[str, float] = {}
        self.findings: list[Finding] = []

    def length(self, axis: str, value: object, unit: str) -> None:
        """Add the spacing along an axis of space; of a negative one, its absolute value."""
        found = self._number(axis, value, unit)
        if found is None:
            return
        size = abs(found) * (factor(unit, MICROMETRES) or math.nan)
        if not SMALLEST <= size <= LARGEST:
            self._unusable(axis, value, unit)
            return
        self.steps[axis] = size
        if found < 0:
            self.findings.append(
                Finding(kind=kinds.SPACING_NEGATIVE, value=-size, unit="µm", details={"axis": axis})
            )

    def time(self, axis: str, value: object, unit: str) -> None:
        """Add the spacing along an axis of time."""
        found = self._number(axis, value, unit)
        if found is None:
            return
        time = found * (factor(unit, SECONDS) or math.nan)
        if time > 0 and math.isfinite(time):
            self.steps[axis] = time
        else:
            self._unusable(axis, value, unit)

    def _number(self, axis: str, value: object, unit: str) -> float | None:
        """Return the value as a number; None if the file does not give the spacing of this axis."""
        if axis not in self.axes or value is None or value == "" or is_no_unit(unit):
            return None
        try:
            found = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            found = math.nan
        return found if found != 0 else None

    def _unusable(self, axis: str, value: object, unit: str) -> None:
        given = f"{str(value)[:40]} {unescape(unit).strip()[:40]}"
        self.findings.append(Finding(kind=kinds.SPACING_UNUSABLE, details={"axis": axis, "given": given}))
