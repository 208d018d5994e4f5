"""Converts computed pixels to the pixel type of a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.stack import Pixels

_INSTEAD = {
    "imagej": {
        "bool": "uint8", "int8": "int16", "uint32": "float32", "int32": "float32", "uint64": "float32",
        "int64": "float32", "float16": "float32", "float64": "float32",
    },
    "ome": {"bool": "uint8", "float16": "float32", "uint64": "float64", "int64": "float64"},
}  # fmt: skip
EXACT = 2**24
"""Largest number up to which single precision holds every integer."""

_EXACT = {("bool", "uint8"), ("int8", "int16"), ("float16", "float32")}


def writable(wanted: str, form: str) -> tuple[np.dtype[Any], tuple[Finding, ...]]:
    """Return the type of pixels that a format holds in place of the wanted one, and a finding if it differs.

    Parameters
    ----------
    wanted : str
        Name of a numeric type of numpy.
    form : {"imagej", "ome", "zarr", "zarr-sharded"}
        The format; OME-Zarr has the types of OME.

    Raises
    ------
    QuietfieldError
        If it is no type of real numbers.
    """
    try:
        dtype = np.dtype(wanted)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "uifb" or dtype.itemsize > 8:
        raise QuietfieldError(
            f"Pixels cannot be written as {wanted!r}. Choose uint8, uint16, int16 or float32."
        )
    instead = _INSTEAD["imagej" if form == "imagej" else "ome"].get(dtype.name, dtype.name)
    if instead == dtype.name:
        return dtype.newbyteorder("="), ()
    details = {"format": "ImageJ" if form == "imagej" else "OME", "wanted": dtype.name, "written": instead}
    if (dtype.name, instead) in _EXACT:
        return np.dtype(instead), (Finding(kind=kinds.TYPE_REPLACED, details=details),)
    digits = 15 if instead == "float64" else 7
    return np.dtype(instead), (Finding(kind=kinds.TYPE_ROUNDED, limit=digits, details=details),)


class Converter:
    """Converts pixels to another type and counts those that do not fit.

    Integers are rounded half to even and clipped to the range of the type; NaN becomes 0.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.clipped = self.undefined = self.total = 0
        self.coarse = self.infinite = 0

    def __call__(self, pixels: Pixels) -> Pixels:
        """Convert pixels to the type of the file."""
        self.total += pixels.size
        if self.dtype.kind == "f" and pixels.dtype.kind == "f":
            self.infinite += int(pixels.size - np.count_nonzero(np.isfinite(pixels)))
        if pixels.dtype == self.dtype:
            return pixels
        if self.dtype.itemsize >= 4 and pixels.dtype == np.float32:
            self.coarse += int(np.count_nonzero(np.abs(pixels) > EXACT))
        if self.dtype.kind == "f":
            return self._to_float(pixels)
        if pixels.dtype.kind == "f":
            pixels = self._rounded(pixels)
        return self._clip(pixels)

    def _to_float(self, pixels: Pixels) -> Pixels:
        with np.errstate(over="ignore"):
            out: Pixels = pixels.astype(self.dtype)
        if pixels.dtype.kind == "f" and pixels.dtype.itemsize > self.dtype.itemsize:
            lost = np.isinf(out) & np.isfinite(pixels)
            self.clipped += int(np.count_nonzero(lost))
            out[lost] = np.copysign(np.finfo(self.dtype).max, pixels[lost])
        return out

    def _rounded(self, pixels: Pixels) -> Pixels:
        # float32 holds every 16-bit integer, but not the limits of 32-bit ones
        exact = np.float64 if self.dtype.itemsize >= 4 or pixels.dtype.itemsize == 8 else np.float32
        values = np.rint(pixels.astype(exact))
        undefined = np.isnan(values)
        if undefined.any():
            self.undefined += int(np.count_nonzero(undefined))
            values[undefined] = 0
        return np.asarray(values)

    def _clip(self, pixels: Pixels) -> Pixels:
        low, high = np.iinfo(self.dtype).min, np.iinfo(self.dtype).max
        if pixels.dtype.kind in "ui":
            have = np.iinfo(pixels.dtype)
            low, high = max(low, have.min), min(high, have.max)
        elif pixels.dtype.kind == "b":
            return np.asarray(pixels, self.dtype)
        outside = np.count_nonzero(pixels < low) + np.count_nonzero(pixels > high)
        if outside:
            self.clipped += int(outside)
            pixels = np.clip(pixels, low, high)
        out: Pixels = pixels.astype(self.dtype)
        return out

    def findings(self) -> tuple[Finding, ...]:
        """Return findings on the pixels that do not fit."""
        limits = np.finfo(self.dtype) if self.dtype.kind == "f" else np.iinfo(self.dtype)
        total = {"total": self.total}
        found = (
            Finding(
                kind=kinds.PIXELS_CLIPPED, value=self.clipped,
                details={**total, "lowest": str(limits.min), "highest": str(limits.max)},
            ),
            Finding(kind=kinds.UNDEFINED_AS_ZERO, value=self.undefined, details=total),
            Finding(kind=kinds.PIXELS_INFINITE, value=self.infinite, details=total),
            Finding(kind=kinds.PIXELS_COARSE, value=self.coarse, limit=EXACT, details=total),
        )  # fmt: skip
        return tuple(finding for finding in found if finding.value)
