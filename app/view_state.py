"""What the viewer shows, as values: levels, layouts, look-up tables; no widget in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.stack import Pixels, Region

Layout = Literal["single", "split", "curtain", "difference"]
LAYOUTS: Mapping[Layout, str] = {
    "single": "Single",
    "split": "Split",
    "curtain": "Curtain",
    "difference": "Difference",
}

LUTS = ("Grays", "Fire", "Ice", "Green", "Magenta", "Cyan", "viridis", "magma", "HiLo")
"""Names of the look-up tables; a stack that brings its own adds "From file"."""

SATURATED = (0.35, 1.0, 2.5, 5.0)
"""Percent of pixels that Auto saturates at its first, second, ... press."""

Levels = tuple[float, float]
"""Intensity shown as the darkest and as the brightest shade."""


@dataclass(frozen=True, slots=True)
class View:
    """Visible part of a plane in pixels: rows `top` to `bottom`, columns `left` to `right`."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preview:
    """Pixels that show what a method would do, on a part of the current plane.

    Attributes
    ----------
    label : str
        What is shown, such as "Gaussian blur (preview)".
    region : tuple of slice
        Where in the stack the pixels lie, one slice for each axis.
    pixels : ndarray
        (Y, X) float32.
    deconvolved : ndarray or None
        (Y, X) float32, for a method that also gives a deconvolved image.
    """

    label: str
    region: Region
    pixels: NDArray[np.float32]
    deconvolved: NDArray[np.float32] | None = None


def auto_levels(pixels: Pixels, saturated: float = SATURATED[0]) -> Levels:
    """Levels that saturate `saturated` percent of the finite pixels, half at each end.

    Constant or empty input gives levels one count apart, so that there is always something to show.
    """
    flat = np.asarray(pixels).ravel()
    if flat.size > 2**20:
        flat = flat[:: flat.size // 2**19]
    finite: NDArray[Any] = flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(finite, (saturated / 2, 100 - saturated / 2)))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low, low + 1.0)
