"""From intensities to colours: only the pixels that can be seen, nearest neighbour, no interpolation."""

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
    """A plane and how its intensities become colours.

    Attributes
    ----------
    pixels : ndarray
        (Y, X) real numbers of any type.
    levels : (float, float)
        Intensities of the first and last colour of the table; the first must be the lower.
    table : ndarray
        (256,) uint32 colours 0xffRRGGBB.
    minus : ndarray or None
        (Y, X) plane that is subtracted first.
    below : ndarray or None
        (Y, X) plane that the pixels are mixed with before all else, see `mixed`.
    share : float
        Share of the pixels in that mixture, 0 to 1.
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


def mixed(pixels: Pixels, below: Pixels, share: float) -> NDArray[Any]:
    """Mix `share` of `pixels` with the rest of `below`; where that is no finite number, `pixels` stay.

    Both are float32 arrays of one shape.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(np.isfinite(below), below + np.float32(share) * (pixels - below), pixels)


def colours(layer: Layer, rows: slice, columns: slice) -> Colours:
    """Colours of a part of a layer.

    Intensities at and below the lower level get the first colour, at and above the upper level the
    last; those that are no number get the first.

    Parameters
    ----------
    layer : Layer
        What to show.
    rows, columns : slice
        Which of its pixels; a step greater than 1 leaves pixels out.

    Returns
    -------
    ndarray
        (Y, X) uint32, contiguous.
    """
    part = layer.pixels[rows, columns]
    if layer.below is not None and layer.share < 1:
        part = mixed(part, layer.below[rows, columns], layer.share)
    if layer.minus is None and part.dtype.kind in "ui" and part.dtype.itemsize <= 2:
        whole = _whole_table(part.dtype.str, layer.levels, layer.table.tobytes())
        return np.take(whole, part.view(f"u{part.dtype.itemsize}"))
    minus = None if layer.minus is None else layer.minus[rows, columns]
    return np.take(layer.table, _shades(part, minus, layer))


def _shades(part: Pixels, minus: Pixels | None, layer: Layer) -> NDArray[np.uint8]:
    """Shades 0 to 255 in 256 equal steps between the levels."""
    low, high = layer.levels
    wide = np.float64 if part.dtype.kind in "ui" and part.dtype.itemsize > 2 else np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        values: NDArray[Any] = part.astype(wide)
        if minus is not None:
            values -= minus
        values -= low
        values *= 256.0 / _span(low, high)
        np.fmax(values, 0, out=values)  # a NaN becomes 0
        np.fmin(values, 255, out=values)
    return values.astype(np.uint8)


def _span(low: float, high: float) -> float:
    return max(high - low, abs(low) * 1e-6, 1e-30)


@lru_cache(maxsize=8)
def _whole_table(dtype: str, levels: Levels, table: bytes) -> Colours:
    """Colour of every value of an integer type of up to 16 bits, in the order of its bits."""
    kind = np.dtype(dtype)
    bits = np.arange(2 ** (8 * kind.itemsize)).astype(f"u{kind.itemsize}").view(kind.newbyteorder("="))
    lut = np.frombuffer(table, np.uint32)
    layer = Layer(pixels=bits[None], levels=levels, table=lut)
    whole: Colours = np.take(lut, _shades(bits, None, layer))
    return whole
