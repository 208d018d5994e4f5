"""The content of a canvas, and its conversion to colours, once per change of picture or camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from app.viewer import painting
from app.viewer.camera import Camera, Shape
from app.viewer.painting import Legend
from app.viewer.rendering import Colours, Layer, colours

_DIM = QColor(0, 0, 0, 110)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Face:
    """A layer with its label, a preview on top of it, and the legend of a separate scale."""

    layer: Layer
    label: str
    excerpt: Layer | None = None
    legend: Legend | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """The content of a canvas.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns of the plane.
    faces : tuple of Face
        One face, or two that share the canvas, left and right of a handle.
    spacing : float or None
        Pixel size in micrometres.
    """

    shape: Shape
    faces: tuple[Face, ...]
    spacing: float | None = None


@dataclass(frozen=True, slots=True)
class Projection:
    """Camera and size of a canvas.

    Attributes
    ----------
    camera : Camera
        Position and magnification.
    width, height : int
        Size in screen points.
    ratio : float
        Device pixels per screen point.
    """

    camera: Camera
    width: int
    height: int
    ratio: float = 1.0

    def to_plane(self, point: QPointF) -> tuple[float, float]:
        """Return the position (x, y) in the plane at a point."""
        return self.camera.to_plane(point.x(), point.y(), self.width, self.height)

    def to_canvas(self, x: float, y: float) -> QPointF:
        """Return the point at a position in the plane."""
        return QPointF(*self.camera.to_canvas(x, y, self.width, self.height))

    def box(self, left: float, top: float, width: float, height: float) -> QRectF:
        """Return the box of the canvas that shows a part of the plane."""
        return QRectF(self.to_canvas(left, top), self.to_canvas(left + width, top + height))


def draw(picture: Picture, projection: Projection, handle: float) -> list[Drawn]:
    """Convert the visible part of a picture to colours.

    Parameters
    ----------
    picture : Picture
        Content to draw.
    projection : Projection
        Camera and size of the canvas.
    handle : float
        Position of the handle between two faces, in points from the left.
    """
    width, height = projection.width, projection.height
    edges = [0, round(handle), width] if len(picture.faces) == 2 else [0, width]
    clips = [QRectF(a, 0, b - a, height) for a, b in pairwise(edges)]
    return [
        Drawn(face, clip, picture.shape, projection) for face, clip in zip(picture.faces, clips, strict=True)
    ]


class Drawn:
    """A face converted to colours: the visible part of the plane, and of the preview."""

    def __init__(self, face: Face, clip: QRectF, shape: Shape, projection: Projection) -> None:
        self._clip = clip
        self._plane = projection.box(0, 0, shape[1], shape[0]).intersected(clip)
        self._image = _Image.of(face.layer, clip, projection)
        self._excerpt: _Image | None = None
        self._box: QRectF | None = None
        if face.excerpt is not None:
            rows, columns = face.excerpt.pixels.shape
            self._box = projection.box(face.excerpt.left, face.excerpt.top, columns, rows)
            self._excerpt = _Image.of(face.excerpt, clip, projection)

    def paint(self, painter: QPainter) -> None:
        """Paint the face; the plane is dimmed around a preview, and the preview is framed."""
        painter.setClipRect(self._clip)
        if self._image is not None:
            self._image.paint(painter)
        if self._box is not None:
            self._dim_round(painter, self._box)
            if self._excerpt is not None:
                self._excerpt.paint(painter)
            if not self._box.adjusted(-1, -1, 1, 1).contains(self._plane):
                painting.frame(painter, self._box)
        painter.setClipping(False)

    def _dim_round(self, painter: QPainter, box: QRectF) -> None:
        plane = self._plane
        inside = box.intersected(plane)
        if inside.isEmpty():
            painter.fillRect(plane, _DIM)
            return
        painter.fillRect(QRectF(plane.topLeft(), QPointF(plane.right(), inside.top())), _DIM)
        painter.fillRect(QRectF(QPointF(plane.left(), inside.bottom()), plane.bottomRight()), _DIM)
        painter.fillRect(QRectF(QPointF(plane.left(), inside.top()), inside.bottomLeft()), _DIM)
        painter.fillRect(QRectF(inside.topRight(), QPointF(plane.right(), inside.bottom())), _DIM)


class _Image:
    """Colours, and the box of the canvas that they fill."""

    def __init__(self, rgb: Colours, target: QRectF) -> None:
        height, width = rgb.shape
        self._rgb = rgb  # QImage does not own its memory
        self._image = QImage(rgb.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self._target = target

    @classmethod
    def of(cls, layer: Layer, clip: QRectF, projection: Projection) -> _Image | None:
        """Return the visible part of a layer, or None; at low magnification only every n-th pixel is used."""
        scale = projection.camera.scale
        step = max(1, math.floor(1 / (scale * projection.ratio)))
        origin = projection.to_canvas(layer.left, layer.top)
        spans = []
        for size, start, end, zero in (
            (layer.pixels.shape[0], clip.top(), clip.bottom(), origin.y()),
            (layer.pixels.shape[1], clip.left(), clip.right(), origin.x()),
        ):
            first = max(math.floor((start - zero) / scale), 0) // step * step
            spans.append(slice(first, min(math.ceil((end - zero) / scale), size), step))
        if any(s.stop <= s.start for s in spans):
            return None
        rgb = colours(layer, *spans)
        rows, columns = rgb.shape
        left, top = layer.left + spans[1].start, layer.top + spans[0].start
        return cls(rgb, projection.box(left, top, columns * step, rows * step))

    def paint(self, painter: QPainter) -> None:
        """Paint with nearest-neighbour interpolation."""
        painter.drawImage(self._target, self._image)
