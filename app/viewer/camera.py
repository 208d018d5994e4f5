"""Where a picture is looked at from: the one view that all canvases share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from app.shell.view_state import View

MAX_SCALE = 64.0
"""Greatest magnification, in points of the screen for one pixel."""

Shape = tuple[int, int]
"""Rows and columns of a plane."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Centre of a canvas and magnification.

    Attributes
    ----------
    x, y : float
        Place in the plane, in pixels from its left and upper edge, that lies in the middle.
    scale : float
        Points of the screen for one pixel, greater than 0.
    """

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0

    def to_plane(self, px: float, py: float, width: float, height: float) -> tuple[float, float]:
        """Place in the plane under a point of a canvas of this size."""
        return self.x + (px - width / 2) / self.scale, self.y + (py - height / 2) / self.scale

    def to_canvas(self, x: float, y: float, width: float, height: float) -> tuple[float, float]:
        """Point of a canvas of this size under which a place in the plane lies."""
        return (x - self.x) * self.scale + width / 2, (y - self.y) * self.scale + height / 2

    def zoomed(
        self, factor: float, px: float, py: float, width: float, height: float, shape: Shape
    ) -> Camera:
        """Magnify by `factor`, keeping what lies under a point of the canvas where it is."""
        least = min(fitted(shape, width, height).scale / 4, 1 / 16)
        scale = min(max(self.scale * factor, least), MAX_SCALE)
        x, y = self.to_plane(px, py, width, height)
        moved = Camera(x - (px - width / 2) / scale, y - (py - height / 2) / scale, scale)
        return moved.within(shape)

    def panned(self, dx: float, dy: float, shape: Shape) -> Camera:
        """Drag the picture by (dx, dy) points of the screen."""
        return replace(self, x=self.x - dx / self.scale, y=self.y - dy / self.scale).within(shape)

    def within(self, shape: Shape) -> Camera:
        """Keep the middle of the canvas on the plane, so that it is never lost."""
        return replace(self, x=min(max(self.x, 0.0), shape[1]), y=min(max(self.y, 0.0), shape[0]))

    def visible(self, width: float, height: float, shape: Shape) -> View:
        """Rows and columns that are at least partly visible in a canvas of this size."""
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
    """Camera that shows all of a plane as large as it fits."""
    rows, columns = shape
    scale = min(max(width, 1.0) / columns, max(height, 1.0) / rows, MAX_SCALE)
    return Camera(columns / 2, rows / 2, scale)
