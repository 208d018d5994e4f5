"""The widget that displays an image, with labels, a scale bar and the handle of a curtain.

Only the visible part is converted to colours, once per change of picture or camera, so the cost depends on
the size of the window and not of the plane.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.shell import theme
from app.viewer import painting
from app.viewer.camera import Camera
from app.viewer.picture import Drawn, Face, Picture, Projection, draw

GRIP = 9.0
"""Distance from the handle of a curtain, in screen points, within which the pointer grabs it."""

STILL = 4.0
"""Distance in screen points below which a press and a release are a click."""

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class Canvas(QWidget):
    """A widget that displays a `Picture` and emits the user's actions.

    Attributes
    ----------
    zoomed : Signal of (float, float, float)
        Zoom by a factor about a point.
    panned : Signal of (float, float)
        Drag by (dx, dy) screen points.
    fit_requested : Signal
        Show the whole plane.
    stepped : Signal of int
        Move forward by a number of planes.
    pointed : Signal of object
        Position of the pointer as a QPointF of this canvas; None after it left.
    handle_moved : Signal of float
        Position of the handle, 0 (left) to 1 (right).
    resized : Signal
        The size of the canvas changed.
    clicked : Signal
        The left button was pressed and released at one place.
    """

    zoomed = Signal(float, float, float)
    panned = Signal(float, float)
    fit_requested = Signal()
    stepped = Signal(int)
    pointed = Signal(object)
    handle_moved = Signal(float)
    resized = Signal()
    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture: Picture | None = None
        self.camera = Camera()
        self.handle = 0.5
        self._mark: tuple[float, float] | None = None
        self._spots: tuple[tuple[int, int], ...] = ()
        self._drawn: list[Drawn] | None = None
        self._drag: QPointF | None = None
        self._pressed: QPointF | None = None
        self._holding = False
        self._ring = False
        self._wheel = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(60, 60)

    def sizeHint(self) -> QSize:
        return QSize(420, 420)

    def set_picture(self, picture: Picture | None) -> None:
        """Display another picture."""
        self.picture, self._drawn = picture, None
        self.setAccessibleName(" | ".join(f.label for f in picture.faces) if picture else "no image")
        self.update()

    def set_camera(self, camera: Camera) -> None:
        """Display another view."""
        if camera != self.camera:
            self.camera, self._drawn = camera, None
            self.update()

    def set_handle(self, handle: float) -> None:
        """Move the handle of the curtain to 0 (left) to 1 (right)."""
        if handle != self.handle:
            self.handle, self._drawn = handle, None
            self.update()

    def set_mark(self, mark: tuple[float, float] | None) -> None:
        """Mark the position in the plane of a pointer in another canvas."""
        if mark != self._mark:
            self._mark = mark
            self.update()

    def set_spots(self, spots: Sequence[tuple[int, int]]) -> None:
        """Draw a circle around each of these pixels (row, column)."""
        if tuple(spots) != self._spots:
            self._spots = tuple(spots)
            self.update()

    def to_plane(self, point: QPointF) -> tuple[float, float]:
        """Return the position (x, y) in the plane at a point."""
        return self._projection().to_plane(point)

    def to_canvas(self, x: float, y: float) -> QPointF:
        """Return the point at a position in the plane."""
        return self._projection().to_canvas(x, y)

    def face_at(self, point: QPointF) -> Face | None:
        """Return the face that is visible at a point."""
        if self.picture is None:
            return None
        faces = self.picture.faces
        return faces[0] if len(faces) == 1 or point.x() < self._handle_x() else faces[1]

    # -- painting -----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._background())
        picture = self.picture
        if picture is None:
            return
        if self._drawn is None:
            self._drawn = draw(picture, self._projection(), self._handle_x())
        for drawn in self._drawn:
            drawn.paint(painter)
        self._paint_marks(painter, picture)

    def _paint_marks(self, painter: QPainter, picture: Picture) -> None:
        whole = QRectF(self.rect())
        size = self.camera.scale
        for row, column in self._spots:
            centre = self.to_canvas(column + 0.5, row + 0.5)
            if whole.contains(centre):
                painting.ring(painter, centre, max(6.0, 1.2 * size))
        if len(picture.faces) == 2:
            x = self._handle_x()
            painting.label(painter, picture.faces[0].label, QRectF(0, 0, x, whole.height()))
            right = QRectF(x, 0, whole.width() - x, whole.height())
            painting.label(painter, picture.faces[1].label, right, right=True)
        else:
            painting.label(painter, picture.faces[0].label, whole)
        bar = painting.scale_bar(painter, whole, self.camera.scale, picture.spacing)
        legend = picture.faces[-1].legend
        if legend is not None:
            place = whole.adjusted(self._handle_x(), 0, 0, 0) if len(picture.faces) == 2 else whole
            painting.colour_bar(painter, place, legend, bar)
        if len(picture.faces) == 2:
            painting.handle(painter, self._handle_x(), whole.height(), held=self._holding)
        if self._mark is not None:
            painting.marker(painter, self.to_canvas(*self._mark))
        if self._ring:
            painter.setPen(self.palette().color(QPalette.ColorRole.Highlight))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _projection(self) -> Projection:
        return Projection(self.camera, self.width(), self.height(), self.devicePixelRatioF())

    def _background(self) -> QColor:
        return QColor(theme.colors().canvas)

    def _handle_x(self) -> float:
        return self.handle * self.width()

    # -- gestures -----------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        delta = event.angleDelta().y() or event.angleDelta().x()  # Alt makes the wheel horizontal
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            self._wheel += delta
            notches = int(self._wheel / 120)
            if notches:
                self._wheel -= 120 * notches
                self.stepped.emit(-notches)
            return
        at = event.position()
        self.zoomed.emit(2.0 ** (delta / 360), at.x(), at.y())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            left = event.button() == Qt.MouseButton.LeftButton
            self._holding = left and self._near_handle(event.position())
            self._drag = event.position()
            self._pressed = event.position() if left and not self._holding else None
            self._show_cursor(event.position())
            self.update()
        else:
            event.ignore()  # the window opens its context menu

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._holding:
            self.handle_moved.emit(min(max(at.x() / max(self.width(), 1), 0.0), 1.0))
        elif self._drag is not None:
            moved, self._drag = at - self._drag, at
            self.panned.emit(moved.x(), moved.y())
        self._show_cursor(at)
        self.pointed.emit(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        self._drag, self._holding = None, False
        self._show_cursor(event.position())
        self.update()
        if pressed is not None and (event.position() - pressed).manhattanLength() < STILL:
            self.clicked.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._near_handle(event.position()):
            self.fit_requested.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._two and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = -0.02 if key == Qt.Key.Key_Left else 0.02
            self.handle_moved.emit(min(max(self.handle + step, 0.0), 1.0))
        elif key in _ARROWS:
            right, down = _ARROWS[key]
            self.panned.emit(-right * self.width() / 10, -down * self.height() / 10)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ring = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._ring = False
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.pointed.emit(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.pointed.emit(None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._drawn = None
        self.resized.emit()

    def changeEvent(self, event: QEvent) -> None:
        self._drawn = None
        super().changeEvent(event)

    @property
    def _two(self) -> bool:
        """Whether a handle separates two faces."""
        return self.picture is not None and len(self.picture.faces) == 2

    def _near_handle(self, at: QPointF) -> bool:
        grip = math.hypot(at.x() - self._handle_x(), at.y() - self.height() / 2) <= 16
        return self._two and (abs(at.x() - self._handle_x()) <= GRIP or grip)

    def _show_cursor(self, at: QPointF) -> None:
        if self._holding or (self._drag is None and self._near_handle(at)):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        elif self._drag is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            self.setCursor(Qt.CursorShape.CrossCursor)
