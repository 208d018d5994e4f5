"""A histogram with two draggable levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.shell.view_state import Levels, apart
from app.viewer.luts import Table
from core.stack import Pixels

BINS = 256
_SIDE = 8.0
_STRIP = 10.0
_GRIP = 8.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """Histogram of a plane.

    Attributes
    ----------
    counts : ndarray, shape (N,)
        Number of pixels in equal bins from `low` to `high`.
    low, high : float
        Smallest and largest finite intensity, or slightly more; `high` is larger.
    whole : (float, float)
        Levels that show all intensities.
    """

    counts: NDArray[np.int64]
    low: float
    high: float
    whole: Levels


def count(pixels: Pixels, whole: Levels) -> Counts:
    """Compute the histogram of the finite ones of some pixels, any shape; of many, a part is used.

    For integers, also those stored as floating point, every bin contains the same number of integers.
    Otherwise the histogram would show a comb that is not in the data.
    """
    step = max(1, int(np.sqrt(pixels.size / 2**20)))
    flat = pixels[..., ::step, ::step].ravel() if pixels.ndim > 1 else pixels[:: step * step]
    if flat.dtype.kind == "f":
        flat = flat[np.isfinite(flat)]
    if flat.size == 0:
        return Counts(counts=np.zeros(1, np.int64), low=whole[0], high=whole[1], whole=whole)
    low, high = float(flat.min()), float(flat.max())
    if flat.dtype.kind in "uib" or (max(-low, high) < 2**24 and bool((flat == np.rint(flat)).all())):
        width = max(1.0, np.ceil((high - low + 1) / BINS))
        number = max(1, int(np.ceil((high - low + 1) / width)))
        high = low + number * width
    else:
        number = BINS if high > low else 1
        low, high = apart(low, high)
    found, _ = np.histogram(flat, bins=number, range=(low, high))
    return Counts(counts=found.astype(np.int64), low=low, high=high, whole=whole)


class Histogram(QWidget):
    """Widget with a logarithmic histogram, the look-up table below it, and two handles.

    Attributes
    ----------
    levels_changed : Signal of (float, float)
        The user moved a level.
    counts : Counts or None
        The displayed histogram; None until a plane was counted.
    """

    levels_changed = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts: Counts | None = None
        self._levels: Levels = (0.0, 1.0)
        self._axis: Levels = (0.0, 1.0)
        self._table: Table | None = None
        self._held = -1
        self._chosen = 1
        self.setMinimumHeight(70)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Histogram with minimum and maximum level")

    def sizeHint(self) -> QSize:
        return QSize(240, 84)

    def set_counts(self, counts: Counts | None) -> None:
        """Display another histogram."""
        self.counts = counts
        self._fit_axis()
        self.update()

    def set_levels(self, levels: Levels) -> None:
        """Move the handles to levels."""
        self._levels = levels
        self._fit_axis()
        self.update()

    def set_table(self, table: Table) -> None:
        """Display another look-up table."""
        self._table = table
        self.update()

    def _fit_axis(self) -> None:
        """Adapt the axis to histogram and levels, but never during dragging."""
        if self._held >= 0:
            return
        low, high = self._levels
        if self.counts is not None:
            low, high = min(low, self.counts.low), max(high, self.counts.high)
        self._axis = apart(low, high)

    def x_of(self, intensity: float) -> float:
        """Return the position of an intensity, in points from the left."""
        low, high = self._axis
        return _SIDE + (intensity - low) / (high - low) * (self.width() - 2 * _SIDE)

    def intensity_at(self, x: float) -> float:
        """Return the intensity at a position, rounded to the resolution of one point."""
        low, high = self._axis
        span = max(self.width() - 2 * _SIDE, 1.0)
        value = low + min(max((x - _SIDE) / span, 0.0), 1.0) * (high - low)
        digits = int(np.clip(np.ceil(np.log10(span / (high - low))), -3, 12))
        return round(value, digits)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette = self.palette()
        bottom = self.height() - _STRIP - 10
        area = QRectF(_SIDE, 4, self.width() - 2 * _SIDE, bottom - 4)
        painter.fillRect(event.rect(), palette.color(QPalette.ColorRole.Window))
        painter.fillRect(area, palette.color(QPalette.ColorRole.Base))
        self._paint_counts(painter, area)
        low, high = (self.x_of(v) for v in self._levels)
        self._paint_table(painter, QRectF(area.left(), bottom, area.width(), _STRIP), low, high)
        ink = palette.color(QPalette.ColorRole.WindowText)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, x in enumerate((low, high)):
            painter.setPen(QPen(ink, 1.5))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, bottom + _STRIP))
            self._paint_grip(painter, x, bottom + _STRIP - 2, index)

    def _paint_counts(self, painter: QPainter, area: QRectF) -> None:
        counts = self.counts
        if counts is None or counts.counts.max(initial=0) == 0:
            return
        heights = np.log1p(counts.counts) / np.log1p(counts.counts.max())
        edges = np.linspace(self.x_of(counts.low), self.x_of(counts.high), heights.size + 1)
        outline = QPolygonF([QPointF(edges[0], area.bottom())])
        for left, right, part in zip(edges[:-1], edges[1:], heights, strict=True):
            y = area.bottom() - part * (area.height() - 2)
            outline.append(QPointF(left, y))
            outline.append(QPointF(right, y))
        outline.append(QPointF(edges[-1], area.bottom()))
        colour = QColor(self.palette().color(QPalette.ColorRole.Text))
        colour.setAlpha(120)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(outline)

    def _paint_table(self, painter: QPainter, strip: QRectF, low: float, high: float) -> None:
        """Paint the colours between the levels, and the first and last colour outside them."""
        if self._table is None:
            return
        at = np.linspace(strip.left(), strip.right(), max(int(strip.width()), 2))
        shade = np.clip((at - low) / max(high - low, 1e-9) * 256, 0, 255).astype(np.uint8)
        row = np.ascontiguousarray(self._table[shade])
        image = QImage(row.data, row.shape[0], 1, 3 * row.shape[0], QImage.Format.Format_RGB888)
        painter.drawImage(strip, image)

    def _paint_grip(self, painter: QPainter, x: float, top: float, index: int) -> None:
        """Paint half a triangle at its level, open to the left for the lower, to the right for the upper."""
        side = -1.0 if index == 0 else 1.0
        shape = QPolygonF([QPointF(x, top - 3), QPointF(x, top + 10), QPointF(x + side * 8, top + 10)])
        chosen = self.hasFocus() and index == self._chosen
        role = QPalette.ColorRole.Highlight if chosen else QPalette.ColorRole.WindowText
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Window), 1))
        painter.setBrush(self.palette().color(role))
        painter.drawPolygon(shape)

    # -- gestures -----------------------------------------------------------------------------

    def _nearest(self, x: float) -> int:
        """Return the level near a point, or -1; for equal distances, the level on that side."""
        distances = [abs(x - self.x_of(v)) for v in self._levels]
        if min(distances) > _GRIP:
            return -1
        if distances[0] == distances[1]:
            return 0 if x < self.x_of(self._levels[0]) else 1
        return int(np.argmin(distances))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.isEnabled():
            self._held = self._nearest(event.position().x())
            self._chosen = max(self._held, 0) if self._held >= 0 else self._chosen
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._held >= 0:
            self._move(self._held, self.intensity_at(x))
        near = self._held >= 0 or self._nearest(x) >= 0
        self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._held = -1
        self._fit_axis()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = (self._axis[1] - self._axis[0]) / 100
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                sign = 1 if event.key() == Qt.Key.Key_Right else -1
                self._move(self._chosen, self._levels[self._chosen] + sign * step)
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                self._chosen = 1 - self._chosen
                self.update()
            case _:
                super().keyPressEvent(event)

    def _move(self, index: int, intensity: float) -> None:
        """Move one level up to, but not beyond, the other."""
        low, high = self._levels
        least = (self._axis[1] - self._axis[0]) * 1e-3
        if index == 0:
            low = min(intensity, high - least)
        else:
            high = max(intensity, low + least)
        if (low, high) != self._levels:
            self._levels = (low, high)
            self.update()
            self.levels_changed.emit(low, high)
