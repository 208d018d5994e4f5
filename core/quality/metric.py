"""The description of a metric, and the values it returns."""

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
    """A plane and its reference, the input of a metric.

    Attributes
    ----------
    image : ndarray, shape (Y, X), float64
        Image, in counts; finite. Pixels that were not recorded equal those of the reference.
    reference : ndarray, shape (Y, X), float64, or None
        Reference image, in counts; finite.
    fitted : ndarray, shape (Y, X), float64, or None
        a * image + b with the least-squares fit of a and b to the reference.
    compared : ndarray, shape (Y, X), float64, or None
        `fitted` if planes are fitted before the comparison, else `image`.
    data_range : float
        Data range of the error, in counts; NaN without a reference.
    recorded : ndarray of bool, shape (Y, X), or None
        Pixels recorded in image and reference, over which metrics are computed; None for all.
    """

    image: Plane
    reference: Plane | None = None
    fitted: Plane | None = None
    compared: Plane | None = None
    data_range: float = math.nan
    recorded: NDArray[np.bool_] | None = None

    def over(self, plane: Plane) -> Plane:
        """Return the recorded pixels of a plane, (N,), or the plane if all were recorded."""
        return plane if self.recorded is None else plane[self.recorded]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric of image quality.

    Attributes
    ----------
    name : str
        Name in JSON and in code.
    label, unit : str
        Heading of its column, and its unit ("" for none).
    definition : str
        Exact definition, shown in tooltips and help.
    better : {"higher", "lower", "neither"}
        Which values are better.
    format : str
        Format specification of a value.
    needs_reference : bool
        Whether the metric needs a reference.
    compute : callable
        Takes `Planes`, with a reference if the metric needs one, and returns a float; NaN if the metric is
        undefined.
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
        """Format a value: a dash for NaN, a sign for infinity."""
        if math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        return format(value, self.format)


class Measures(Mapping[str, float]):
    """Values of all metrics by name, of one plane or averaged over several; NaN if undefined."""

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
        """Return the values for JSON, with null for NaN and infinity."""
        return {name: value if math.isfinite(value) else None for name, value in self.items()}
