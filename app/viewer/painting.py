"""Overlays that are legible on any image: bright marks on a dark, half-transparent background."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QLinearGradient, QPainter, QPen, QPolygonF

from app.shell.view_state import length_text, nice_length
from app.viewer.luts import Table

MARGIN = 10.0
"""Distance of labels and scale bar from the edge of a canvas, in screen points."""

_GROUND = QColor(16, 17, 20, 178)
_INK = QColor(245, 246, 248)
_DARK = QColor(0, 0, 0, 200)
_SPOT = QColor(255, 176, 32)


def label(painter: QPainter, text: str, canvas: QRectF, *, right: bool = False) -> QRectF:
    """Draw a label in an upper corner, shortened to fit; return its box."""
    painter.save()
    font = QFont(painter.font())
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    room = max(canvas.width() - 2 * MARGIN - 16, 0.0)
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
    width, height = metrics.horizontalAdvance(text) + 16, metrics.height() + 6
    left = canvas.right() - MARGIN - width if right else canvas.left() + MARGIN
    box = QRectF(left, canvas.top() + MARGIN, width, height)
    _ground(painter, box)
    painter.setPen(_INK)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return box


def scale_bar(painter: QPainter, canvas: QRectF, scale: float, spacing: float | None) -> QRectF:
    """Draw a scale bar of a round length at the lower right; return its box, which is empty for no bar.

    Parameters
    ----------
    painter : QPainter
        Painter.
    canvas : QRectF
        Area of the canvas.
    scale : float
        Screen points per image pixel.
    spacing : float or None
        Pixel size in micrometres; without it, the length is in pixels.
    """
    unit, size = ("µm", spacing) if spacing else ("px", 1.0)
    limit = min(canvas.width() / 4, 160.0) / scale * size
    if canvas.width() < 90 or limit <= 0:
        return QRectF()
    length = nice_length(limit)
    if unit == "px" and length < 1:
        return QRectF()
    metrics = QFontMetricsF(painter.font())
    text = length_text(length, unit)
    bar = length / size * scale
    width = max(bar, metrics.horizontalAdvance(text)) + 16
    height = metrics.height() + 14
    box = QRectF(canvas.right() - MARGIN - width, canvas.bottom() - MARGIN - height, width, height)
    painter.save()
    _ground(painter, box)
    painter.setPen(_INK)
    painter.drawText(box.adjusted(0, 3, 0, -9), Qt.AlignmentFlag.AlignCenter, text)
    painter.fillRect(QRectF(box.center().x() - bar / 2, box.bottom() - 8, bar, 3), _INK)
    painter.restore()
    return box


@dataclass(frozen=True, slots=True, eq=False)
class Legend:
    """Colours of a scale, with labels of its start, middle and end."""

    table: Table
    texts: tuple[str, str, str]


def colour_bar(painter: QPainter, canvas: QRectF, legend: Legend, beside: QRectF) -> None:
    """Draw a colour bar with its labels at the lower left, above `beside` if they overlap."""
    metrics = QFontMetricsF(painter.font())
    lut, texts = legend.table, legend.texts
    width = max(3.2 * max(metrics.horizontalAdvance(t) for t in texts), 150.0) + 20
    height = metrics.height() + 20
    box = QRectF(canvas.left() + MARGIN, canvas.bottom() - MARGIN - height, width, height)
    if box.intersects(beside):
        box.moveBottom(beside.top() - MARGIN / 2)
    if box.right() > canvas.right() or box.top() < canvas.top():
        return
    painter.save()
    _ground(painter, box)
    strip = QRectF(box.left() + 10, box.bottom() - 15, box.width() - 20, 8)
    gradient = QLinearGradient(strip.topLeft(), strip.topRight())
    for i in range(0, 256, 15):
        gradient.setColorAt(i / 255, QColor(*(int(v) for v in lut[i])))
    painter.fillRect(strip, gradient)
    painter.setPen(_INK)
    line = QRectF(strip.left(), box.top() + 3, strip.width(), metrics.height())
    sides = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
    for text, side in zip(texts, sides, strict=True):
        painter.drawText(line, side, text)
    painter.drawLine(
        QPointF(strip.center().x(), strip.top() - 2), QPointF(strip.center().x(), strip.bottom())
    )
    painter.restore()


def frame(painter: QPainter, box: QRectF) -> None:
    """Draw a thin frame of bright dashes on a dark line."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_DARK, 1))
    painter.drawRect(box)
    dashes = QPen(_INK, 1)
    dashes.setDashPattern([4.0, 4.0])
    painter.setPen(dashes)
    painter.drawRect(box)
    painter.restore()


def marker(painter: QPainter, at: QPointF) -> None:
    """Draw a small cross with an open centre, at the position of a pointer in another canvas."""
    painter.save()
    for colour, width in ((_DARK, 3.0), (_INK, 1.0)):
        painter.setPen(QPen(colour, width))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(at + QPointF(3 * dx, 3 * dy), at + QPointF(9 * dx, 9 * dy))
    painter.restore()


def ring(painter: QPainter, centre: QPointF, radius: float) -> None:
    """Draw a circle around a pixel."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, width in ((_DARK, 3.0), (_SPOT, 1.5)):
        painter.setPen(QPen(colour, width))
        painter.drawEllipse(centre, radius, radius)
    painter.restore()


def handle(painter: QPainter, x: float, height: float, *, held: bool) -> None:
    """Draw the handle of a curtain: a vertical line with a grip."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, width in ((_DARK, 4.0), (_INK, 2.0)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(QPointF(x, 0), QPointF(x, height))
    grip = QPointF(x, height / 2)
    painter.setPen(QPen(_INK, 2.0))
    painter.setBrush(QColor(60, 64, 72) if held else QColor(24, 26, 30))
    painter.drawEllipse(grip, 15, 15)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_INK)
    for side in (-1, 1):
        points = [QPointF(side * 10, 0), QPointF(side * 4, -5), QPointF(side * 4, 5)]
        painter.drawPolygon(QPolygonF([grip + p for p in points]))
    painter.restore()


def _ground(painter: QPainter, box: QRectF) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_GROUND)
    painter.drawRoundedRect(box, 5, 5)
