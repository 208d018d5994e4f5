"""Pixels in single precision, in which results are computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.stack import Stack, plane_regions

LARGE, SMALL = 1e30, 1e-30
"""Largest magnitude of a block above and below which sums could overflow or lose digits in float32."""

SHIFT = 2.0**40
"""Factor that brings such blocks into the middle of the range of float32; exact, as a power of two."""

_SMALLEST, _LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


def to_single(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Convert pixels to float32; values out of range become infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return pixels.astype(np.float32, copy=False)


def check_range(stack: Stack, pixels: NDArray[Any]) -> None:
    """Refuse pixels of a stack that float32 cannot represent.

    Raises
    ------
    QuietfieldError
        If finite values are too large for float32, or all values of the stack are too small for it.
    """
    if pixels.dtype.kind != "f" or pixels.dtype.itemsize <= 4:
        return
    largest = _magnitude(pixels)
    if largest > _LARGEST:
        raise QuietfieldError(
            f"{stack.meta.name} contains values up to {largest:.3g}; results are computed in single "
            "precision, up to 3.4e+38. Divide the stack by a constant."
        )
    if 0 < largest < _SMALLEST and all(
        _magnitude(stack.read(region)) < _SMALLEST for region in plane_regions(stack.shape)
    ):
        raise QuietfieldError(
            f"All values of {stack.meta.name} are below {_SMALLEST:.2g}; results are computed in single "
            "precision, in which they vanish. Multiply the stack by a constant."
        )


def safe_factor(pixels: NDArray[Any]) -> float:
    """Return a power of two to multiply pixels by, so that sums of them do not overflow; mostly 1."""
    if pixels.dtype.kind != "f":
        return 1.0
    largest = _magnitude(pixels)
    return 1 / SHIFT if largest > LARGE else SHIFT if 0 < largest < SMALL else 1.0


def check_output(pixels: NDArray[Any], label: str) -> None:
    """Refuse the output of a network that is not finite.

    Raises
    ------
    QuietfieldError
        If any value is infinite or undefined.
    """
    if not np.isfinite(pixels).all():
        raise QuietfieldError(
            f"{label} computes values that are not finite. Its weights make no sense, or the values of the "
            "stack are too far from those it was trained on. Use another network."
        )


def _magnitude(pixels: NDArray[Any]) -> float:
    """Return the largest magnitude of the finite pixels; 0 without any."""
    low = float(np.min(pixels, initial=0.0, where=np.isfinite(pixels)))
    return max(-low, float(np.max(pixels, initial=0.0, where=np.isfinite(pixels))))
