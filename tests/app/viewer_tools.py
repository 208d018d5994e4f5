"""Tools for tests of the viewer: send real events, and read pixels of the grabbed widget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.shell.session import Session
from app.shell.view_state import Preview
from app.viewer.canvas import Canvas
from app.viewer.viewer import StackViewer
from core.methods.outputs import RESULT
from core.stack import Pixels, Region, Stack
from core.work.recipe import Step

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.MouseButton.NoButton


def wheel(
    widget: QWidget,
    at: QPointF,
    notches: float = 1,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    QApplication.sendEvent(
        widget,
        QWheelEvent(
            at,
            QPointF(widget.mapToGlobal(at.toPoint())),
            QPoint(),
            QPoint(0, round(120 * notches)),
            NONE,
            keys,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


def mouse(widget: QWidget, kind: QEvent.Type, at: QPointF, button: Qt.MouseButton = LEFT) -> None:
    held = NONE if kind == QEvent.Type.MouseButtonRelease else button
    button = NONE if kind == QEvent.Type.MouseMove else button
    place = QPointF(widget.mapToGlobal(at.toPoint()))
    QApplication.sendEvent(widget, QMouseEvent(kind, at, place, button, held, Qt.KeyboardModifier.NoModifier))


def drag(widget: QWidget, start: QPointF, end: QPointF) -> None:
    mouse(widget, QEvent.Type.MouseButtonPress, start)
    for step in range(1, 6):
        mouse(widget, QEvent.Type.MouseMove, start + (end - start) * (step / 5))
    mouse(widget, QEvent.Type.MouseButtonRelease, end)


def hover(widget: QWidget, at: QPointF) -> None:
    mouse(widget, QEvent.Type.MouseMove, at, NONE)


def add_result(session: Session, pixels: Pixels, *, parent: int = 0) -> None:
    source = session.snapshot.source
    assert source is not None
    step = Step(method="gaussian", version=1, params={"sigma": 1.0})
    stack = Stack.of(pixels, source.stack.axes, source.stack.meta)
    assert session.add(parent or source.key, [step], [stack], 1.0)


def preview(session: Session, rows: slice, columns: slice, value: float) -> Preview:
    source = session.snapshot.source
    assert source is not None
    region = source.stack.region(**session.snapshot.position, Y=rows, X=columns)
    shape = rows.stop - rows.start, columns.stop - columns.start
    return Preview(label="try", region=region, outputs=((RESULT, np.full(shape, value, np.float32)),))


def seen(viewer: StackViewer, canvas: Canvas, x: float, y: float) -> tuple[int, int, int]:
    """Return the screen colour of the pixel at position (x, y) of the plane."""
    image = viewer.grab().toImage()
    at = canvas.mapTo(viewer, canvas.to_canvas(x, y).toPoint())
    color = QColor(image.pixel(at * image.devicePixelRatio()))
    return color.red(), color.green(), color.blue()


def screenshot(widget: QWidget) -> NDArray[np.uint8]:
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width(), 2::-1].copy()


@dataclass
class SlowSource:
    """Pixels that are read when the test allows it, and fail on request."""

    array: Pixels
    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    reads: list[Region] = field(default_factory=list)
    before: Callable[[], Any] = lambda: None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def read(self, region: Region) -> Pixels:
        self.reads.append(region)
        assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        return self.array[region].copy()
