"""What a metric is, and the measures it gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planes:
    """A plane and its reference, as a metric receives them.

    Attributes
    ----------
    image : ndarray, shape (Y, X), float64
        Image to measure, in counts; finite.
    reference : ndarray, shape (Y, X), float64, or None
        What the image should be; finite.
    fitted : ndarray, shape (Y, X), float64, or None
        a * image + b with the a and b that fit the reference best (least squares).
    compared : ndarray, shape (Y, X), float64, or None
        `image`, or `fitted` where planes are fitted before they are compared.
    data_range : float
        Range that errors refer to, in counts; NaN without a reference.
    """

    image: Plane
    reference: Plane | None = None
    fitted: Plane | None = None
    compared: Plane | None = None
    data_range: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A measure of the quality of an image.

    Attributes
    ----------
    name : str
        Name in JSON and programs.
    label, unit : str
        Heading of its column, and its unit ("" for none).
    definition : str
        The exact definition, for a tooltip.
    better : {"higher", "lower", "neither"}
        Which of two values is the better one.
    format : str
        How a value is written, as for `format`.
    needs_reference : bool
        Whether it can be given only against a reference.
    compute : callable
        Takes `Planes`, which hold a reference if it needs one, and returns a float; NaN where the metric
        is not defined.
    """

    name: str
    label: str
    unit: str = ""
    definition: str
    better: Literal["higher", "lower", "neither"] = "higher"
    format: str = ".4g"
    needs_reference: bool = True
    compute: Callable[[Planes], float]

    @property
    def heading(self) -> str:
        """Label with the unit in parentheses."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def show(self, value: float) -> str:
        """Write a value: a dash for NaN, a sign for infinity."""
        if math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        return format(value, self.format)


class Measures(Mapping[str, float]):
    """Values of all metrics by name, of one plane or averaged over several; NaN where there is none."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Measures({self._values})"

    def to_dict(self) -> dict[str, float | None]:
        """Return the values for JSON; null stands for NaN and infinity."""
        return {name: value if math.isfinite(value) else None for name, value in self.items()}
