"""Conversion of intensities to colours: visible pixels only, nearest neighbour, no interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.shell.view_state import Levels
from core.stack import Pixels

Colours = NDArray[np.uint32]
"""Opaque colours 0xffRRGGBB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """A plane, and the mapping of its intensities to colours.

    Attributes
    ----------
    pixels : ndarray, shape (Y, X)
        Real numbers of any type.
    levels : (float, float)
        Intensities of the first and last colour of the table; the first must be lower.
    table : ndarray, shape (256,), uint32
        Colours 0xffRRGGBB.
    minus : ndarray or None
        (Y, X) plane that is subtracted.
    below : ndarray or None
        (Y, X) plane that is blended with the pixels before the subtraction, see `blend`.
    share : float
        Weight of the pixels in this blend, 0 to 1.
    top, left : int
        Row and column of the first pixel in the picture.
    """

    pixels: Pixels
    levels: Levels
    table: Colours
    minus: Pixels | None = None
    below: Pixels | None = None
    share: float = 1.0
    top: int = 0
    left: int = 0


def blend(pixels: Pixels, below: Pixels, share: float) -> NDArray[Any]:
    """Return `share` * `pixels` + (1 - `share`) * `below`; where this is not finite, return `pixels`.

    Both are float32 arrays of the same shape.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(np.isfinite(below), below + np.float32(share) * (pixels - below), pixels)


def colours(layer: Layer, rows: slice, columns: slice) -> Colours:
    """Return the colours of a part of a layer.

    Intensities at or below the lower level get the first colour, at or above the upper level the last
    colour; NaN gets the first colour.

    Parameters
    ----------
    layer : Layer
        Layer to convert.
    rows, columns : slice
        Part of its pixels; a step above 1 skips pixels.

    Returns
    -------
    ndarray, shape (Y, X), uint32
        Contiguous.
    """
    part = layer.pixels[rows, columns]
    if layer.below is not None and layer.share < 1:
        part = blend(part, layer.below[rows, columns], layer.share)
    if layer.minus is None and part.dtype.kind in "ui" and part.dtype.itemsize <= 2:
        whole = _whole_table(part.dtype.str, layer.levels, layer.table.tobytes())
        return np.take(whole, part.view(f"u{part.dtype.itemsize}"))
    minus = None if layer.minus is None else layer.minus[rows, columns]
    return np.take(layer.table, _shades(part, minus, layer))


def _shades(part: Pixels, minus: Pixels | None, layer: Layer) -> NDArray[np.uint8]:
    """Return grey levels 0 to 255 in 256 equal steps between the contrast levels."""
    low, high = layer.levels
    wide = np.float64 if part.dtype.kind in "ui" and part.dtype.itemsize > 2 else np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        values: NDArray[Any] = part.astype(wide)
        if minus is not None:
            values -= minus
        values -= low
        values *= 256.0 / _span(low, high)
        np.fmax(values, 0, out=values)  # NaN becomes 0
        np.fmin(values, 255, out=values)
    return values.astype(np.uint8)


def _span(low: float, high: float) -> float:
    return max(high - low, abs(low) * 1e-6, 1e-30)


@lru_cache(maxsize=8)
def _whole_table(dtype: str, levels: Levels, table: bytes) -> Colours:
    """Return the colour of every value of an integer type of up to 16 bits, in the order of its bits."""
    kind = np.dtype(dtype)
    bits = np.arange(2 ** (8 * kind.itemsize)).astype(f"u{kind.itemsize}").view(kind.newbyteorder("="))
    lut = np.frombuffer(table, np.uint32)
    layer = Layer(pixels=bits[None], levels=levels, table=lut)
    whole: Colours = np.take(lut, _shades(bits, None, layer))
    return whole
