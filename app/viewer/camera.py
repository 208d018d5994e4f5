"""Position and magnification of the view, shared by all canvases."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from app.shell.view_state import View

MAX_SCALE = 64.0
"""Largest magnification, in screen points per image pixel."""

Shape = tuple[int, int]
"""Rows and columns of a plane."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Centre and magnification of the view.

    Attributes
    ----------
    x, y : float
        Position in the plane at the centre of the canvas, in pixels from the left and upper edge.
    scale : float
        Screen points per image pixel, greater than 0.
    """

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0

    def to_plane(self, px: float, py: float, width: float, height: float) -> tuple[float, float]:
        """Return the position (x, y) in the plane at a point of a canvas of this size."""
        return self.x + (px - width / 2) / self.scale, self.y + (py - height / 2) / self.scale

    def to_canvas(self, x: float, y: float, width: float, height: float) -> tuple[float, float]:
        """Return the point of a canvas of this size at a position in the plane."""
        return (x - self.x) * self.scale + width / 2, (y - self.y) * self.scale + height / 2

    def zoomed(
        self, factor: float, px: float, py: float, width: float, height: float, shape: Shape
    ) -> Camera:
        """Return the camera magnified by `factor` about a point of the canvas."""
        least = min(fitted(shape, width, height).scale / 4, 1 / 16)
        scale = min(max(self.scale * factor, least), MAX_SCALE)
        x, y = self.to_plane(px, py, width, height)
        moved = Camera(x - (px - width / 2) / scale, y - (py - height / 2) / scale, scale)
        return moved.within(shape)

    def panned(self, dx: float, dy: float, shape: Shape) -> Camera:
        """Return the camera after dragging the image by (dx, dy) screen points."""
        return replace(self, x=self.x - dx / self.scale, y=self.y - dy / self.scale).within(shape)

    def within(self, shape: Shape) -> Camera:
        """Return the camera with its centre moved onto the plane."""
        return replace(self, x=min(max(self.x, 0.0), shape[1]), y=min(max(self.y, 0.0), shape[0]))

    def visible(self, width: float, height: float, shape: Shape) -> View:
        """Return the rows and columns that are at least partly visible in a canvas of this size."""
        left, top = self.to_plane(0, 0, width, height)
        right, bottom = self.to_plane(width, height, width, height)
        rows, columns = shape
        first_row = min(max(math.floor(top), 0), rows - 1)
        first_column = min(max(math.floor(left), 0), columns - 1)
        return View(
            top=first_row,
            bottom=max(min(math.ceil(bottom), rows), first_row + 1),
            left=first_column,
            right=max(min(math.ceil(right), columns), first_column + 1),
        )


def fitted(shape: Shape, width: float, height: float) -> Camera:
    """Return the camera that shows the whole plane at the largest magnification."""
    rows, columns = shape
    scale = min(max(width, 1.0) / columns, max(height, 1.0) / rows, MAX_SCALE)
    return Camera(columns / 2, rows / 2, scale)
