"""Axes of plots: from values to positions, with round ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A linear or logarithmic axis.

    Attributes
    ----------
    low, high : float
        Values at its ends.
    start, end : float
        Positions of its ends.
    log : bool
        Whether it is logarithmic; `low` is above 0 then.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def of(
        cls, values: Iterable[float], start: float, end: float, *, log: bool = False, margin: float = 0.05
    ) -> Scale:
        """Return the axis that contains all finite values, with a margin relative to its length."""
        known = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
        low, high = (min(known), max(known)) if known else (1.0, 2.0)
        if log:
            ratio = max(high / low, 2.0) ** margin
            return cls(low=low / ratio, high=max(high, 2 * low) * ratio, start=start, end=end, log=True)
        width = high - low or abs(high) or 1.0
        return cls(low=low - margin * width, high=high + margin * width, start=start, end=end)

    def at(self, value: float) -> float:
        """Return the position of a value, limited to the ends of the axis."""
        low, high = self.low, self.high
        value = min(max(value, low), high)
        value, low, high = (math.log(n) for n in (value, low, high)) if self.log else (value, low, high)
        part = (value - low) / (high - low)
        return self.start + part * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """Return about `count` round values with their texts."""
        if self.log:
            found = self._powers()
            if len(found) > 1:
                return [(value, number(value)) for value in found]
        step = _round_step((self.high - self.low) / count)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        values = [round(n * step, 12) + 0.0 for n in range(first, last + 1)]
        return [(value, number(value)) for value in values]

    def _powers(self) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        wide = math.log10(self.high / self.low)
        digits = (1,) if wide > 3 else (1, 3) if wide > 1.5 else (1, 2, 5)
        values = [digit * 10.0**power for power in decades for digit in digits]
        return [value for value in values if self.low <= value <= self.high]


def number(value: float) -> str:
    """Return a short text of a number, with a true minus sign and powers of ten where it is far from 1."""
    if value and not 1e-3 <= abs(value) < 1e5:
        digits, _, power = f"{value:.3e}".partition("e")
        digits = digits.rstrip("0").rstrip(".")
        raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"{digits}·10{raised}".replace("-", "−").removeprefix("1·")
    return f"{value:.6g}".replace("-", "−")


def _round_step(step: float) -> float:
    if not step > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(digit * power for digit in (1, 2, 2.5, 5, 10) if digit * power >= step * (1 - 1e-9))
