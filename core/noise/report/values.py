"""Values of a noise report, and their JSON."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from core.findings import Finding
from core.findings.stored import read_finding

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A measured number with its 95 % interval.

    Attributes
    ----------
    value : float or None
        Best estimate; None if there is none.
    low, high : float or None
        Interval that contains the true value with a probability of about 95 %; None if it is unlimited.
    unit : str
        Unit.
    known : bool
        Whether the interval is narrow enough to rely on the value.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    known: bool = False

    @property
    def error(self) -> float | None:
        """Half the width of the interval; None if it is unlimited."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def scaled(self, factor: float) -> Quantity:
        """Return the quantity times a positive factor."""
        value, low, high = (None if n is None else n * factor for n in (self.value, self.low, self.high))
        return Quantity(value=value, low=low, high=high, unit=self.unit, known=self.known)


def to_json(value: object) -> Any:
    """Convert a value of frozen dataclasses, tuples, numbers and findings to what JSON can hold.

    Numbers keep 6 significant digits; null stands for numbers that are not finite.
    """
    if isinstance(value, Finding):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [to_json(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): to_json(part) for name, part in value.items()}
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def from_json(kind: Any, given: Any) -> Any:
    """Return the value that `to_json` converted, of a dataclass, tuple or simple type.

    Raises
    ------
    KeyError, TypeError, ValueError
        If `given` does not describe such a value.
    """
    if get_origin(kind) in (Union, types.UnionType):
        inner = next(one for one in get_args(kind) if one is not type(None))
        return None if given is None else from_json(inner, given)
    if kind is Finding:
        return read_finding(given)
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{f.name: from_json(hints[f.name], given[f.name]) for f in dataclasses.fields(kind)})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        if len(parts) == 2 and parts[1] is Ellipsis:
            return tuple(from_json(parts[0], part) for part in given)
        return tuple(from_json(part, one) for part, one in zip(parts, given, strict=True))
    return kind(given)
