"""Interprets ImageJ's calibration function, which turns the counts in a file into calibrated values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.findings import Finding, kinds
from core.stack import Pixels, PixelSource, Region

KEYS = ("cf", "c0", "c1", "c2", "c3", "c4", "vunit", "zeroclip")
"""Keys in ImageJ's description that make up the function."""

SIGNED = {"uint8": (128, "int8"), "uint16": (32768, "int16")}
"""Number to subtract from unsigned integers, and the signed type that represents the results."""

_NAMES = (
    "straight line", "polynomial of degree 2", "polynomial of degree 3", "polynomial of degree 4",
    "exponential", "power", "logarithm", "Rodbard", "gamma variate", "logarithm with offset",
    "Rodbard (NIH Image)", "exponential with offset", "Gaussian", "exponential recovery",
)  # fmt: skip
_POLYNOMIALS, _OPTICAL_DENSITY = 4, 21
IMAGEJ_SIGNED = 32768
"""ImageJ adds this to signed 16-bit pixels when it opens them; its display ranges refer to the sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A calibration function.

    Attributes
    ----------
    name : str
        Kind of the function, such as "straight line".
    coefficients : tuple of float
        Coefficients, the lowest power first.
    unit : str
        Unit of the calibrated values.
    clips : bool
        Whether negative values become 0.
    """

    name: str
    coefficients: tuple[float, ...] = ()
    unit: str = ""
    clips: bool = False

    def offset(self) -> float | None:
        """Return the constant that the function adds to every pixel; None for other functions."""
        if self.clips or self.name not in _NAMES[:_POLYNOMIALS]:
            return None
        constant, slope, *rest = self.coefficients
        return constant if slope == 1 and not any(rest) and math.isfinite(constant) else None

    def finding(self) -> Finding:
        """Return the finding that the function is not applied."""
        terms = ", ".join(f"{c:g}" for c in self.coefficients)
        words = f"{self.name} ({terms})" if terms else self.name
        return Finding(
            kind=kinds.CALIBRATION_NOT_APPLIED, unit=self.unit or "no unit", details={"function": words}
        )


def function(about: Mapping[str, Any], dtype: np.dtype[Any]) -> Function | None:
    """Return the function that ImageJ applies to the pixels of a file; None if it applies none.

    ImageJ applies it to 8-bit and 16-bit pixels only, and only if the unit of the values is given.

    Parameters
    ----------
    about : dict
        ImageJ's description of the file.
    dtype : numpy.dtype
        Type of the pixels in the file.
    """
    if dtype.name not in ("uint8", "uint16", "int16") or "vunit" not in about:
        return None
    kind = about.get("cf", 0)
    unit, clips = str(about["vunit"]), about.get("zeroclip") is True
    if kind == _OPTICAL_DENSITY and dtype.name == "uint8":
        return Function(name="uncalibrated optical density", unit=unit)
    given = [about.get(f"c{n}") for n in range(5)]
    found = given[: given.index(None)] if None in given else given
    coefficients = tuple(float(c) for c in found if isinstance(c, int | float))
    if kind not in range(len(_NAMES)) or len(coefficients) < max(2, len(found)):
        return None
    return Function(name=_NAMES[int(kind)], coefficients=coefficients, unit=unit, clips=clips)


def signed(about: Mapping[str, Any], dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """Return the signed type that holds the calibrated values exactly; None if there is none.

    Fiji stores signed 16-bit values as unsigned ones, with 32768 added and a function that subtracts it.
    """
    found = function(about, dtype)
    shift, name = SIGNED.get(dtype.name, (0, ""))
    return np.dtype(name) if name and found is not None and found.offset() == -shift else None


def unapplied(about: Mapping[str, Any], dtype: np.dtype[Any]) -> Function | None:
    """Return the function whose values differ from the pixels as they are read; None if there is none."""
    found = function(about, dtype)
    if found is None or signed(about, dtype) is not None:
        return None
    # to signed 16-bit pixels, ImageJ first adds 32768
    return None if found.offset() == (-IMAGEJ_SIGNED if dtype.name == "int16" else 0) else found


def kept(about: Mapping[str, Any], dtype: np.dtype[Any], written: np.dtype[Any]) -> dict[str, Any]:
    """Return the entries of the function that still hold for pixels that are written.

    Computed pixels are floating-point, so that integers of the same type are those of the file.

    Parameters
    ----------
    about : dict
        ImageJ's description of the source.
    dtype, written : numpy.dtype
        Type of the pixels of the stack, and in the file to be written.
    """
    found = {key: about[key] for key in KEYS if key in about}
    if dtype.kind == "f":
        found = {} if found.keys() - {"vunit"} else found
    return found if dtype == written else {}


def display_offset(about: Mapping[str, Any], dtype: np.dtype[Any]) -> int:
    """Return the number to subtract from ImageJ's display ranges to convert them to pixel values."""
    if dtype.name == "int16":
        return IMAGEJ_SIGNED
    return SIGNED[dtype.name][0] if signed(about, dtype) is not None else 0


@dataclass(frozen=True, slots=True)
class SignedSource:
    """Signed pixels that a file stores as unsigned ones, with half their range added."""

    base: PixelSource
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.base.shape

    @property
    def missing(self) -> PixelSource | None:
        """Pixels missing from the file."""
        found: PixelSource | None = getattr(self.base, "missing", None)
        return found

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region."""
        # the highest bit distinguishes x from x - 32768 in two's complement
        pixels = self.base.read(region)
        flipped: Pixels = np.bitwise_xor(pixels, pixels.dtype.type(SIGNED[pixels.dtype.name][0]))
        return flipped.view(self.dtype)
