"""The pixel under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.viewer.picture import Face
from app.viewer.rendering import Layer, blend
from core.stack import Pixels, Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Hover:
    """The pixel under the pointer.

    Attributes
    ----------
    x, y : int
        Column and row, from 0.
    x_um, y_um : float or None
        Position in micrometres, if the pixel size is known.
    raw : float
        Intensity of the source.
    shown : float or None
        Intensity of the displayed result, preview or difference; None if the source is displayed.
    label : str
        Label of the displayed image.
    """

    x: int
    y: int
    x_um: float | None
    y_um: float | None
    raw: float
    shown: float | None
    label: str = ""

    @property
    def position(self) -> str:
        """Position in micrometres as text; empty without a pixel size."""
        if self.x_um is None or self.y_um is None:
            return ""
        return f"{self.x_um:.4g}, {self.y_um:.4g} µm"


def read_pixel(x: int, y: int, source: Stack, raw: Pixels, faces: Sequence[Face]) -> Hover:
    """Read the pixel at column `x`, row `y`.

    Parameters
    ----------
    x, y : int
        Column and row, inside the plane.
    source : Stack
        Source, for its pixel size.
    raw : ndarray, shape (Y, X)
        Plane of the source.
    faces : sequence of Face
        Displayed images; the first one that is not the source is used.
    """
    spacing = source.meta.spacing
    known = "X" in spacing and "Y" in spacing
    below = float(raw[y, x])
    other = next((f for f in faces if _reading(f, x, y, raw) is not None), None)
    return Hover(
        x=x,
        y=y,
        x_um=x * spacing["X"] if known else None,
        y_um=y * spacing["Y"] if known else None,
        raw=below,
        shown=_reading(other, x, y, raw) if other is not None else None,
        label=other.label if other is not None else "",
    )


def _reading(face: Face, x: int, y: int, raw: Pixels) -> float | None:
    """Return the intensity that a face displays at a pixel; None if it displays the source there."""
    layer = face.layer
    value: float | None = float(layer.pixels[y, x]) if layer.pixels is not raw else None
    if face.excerpt is not None:
        row, column = y - face.excerpt.top, x - face.excerpt.left
        if 0 <= row < face.excerpt.pixels.shape[0] and 0 <= column < face.excerpt.pixels.shape[1]:
            value = _value(face.excerpt, row, column)
    if layer.minus is None:
        return value
    return (float(raw[y, x]) if value is None else value) - float(layer.minus[y, x])


def _value(excerpt: Layer, row: int, column: int) -> float:
    here = slice(row, row + 1), slice(column, column + 1)
    pixels = excerpt.pixels[here]
    if excerpt.below is not None and excerpt.share < 1:
        pixels = blend(pixels, excerpt.below[here], excerpt.share)
    return float(pixels[0, 0])
