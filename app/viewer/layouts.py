"""Up to three canvases side by side under one camera."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPointF, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.shell.view_state import View
from app.viewer.camera import Camera, Shape, fitted
from app.viewer.canvas import Canvas
from app.viewer.picture import Face, Picture

CANVASES = 3

_HELP = (
    "Wheel: zoom about the pointer. Drag or arrow keys: move. Double click: show all. "
    "Ctrl or Alt and wheel, < and >: previous and next plane. Backslash: play. + and -: zoom."
)


class CanvasGroup(QWidget):
    """Canvases that show the same part of a plane, whatever is done in one of them.

    Attributes
    ----------
    view_changed : Signal
        Another part of the plane is visible.
    pointed : Signal of (object, object)
        Place (x, y) in the plane under the pointer and the `Face` there; None and None outside.
    stepped : Signal of int
        Go that many planes on.
    """

    view_changed = Signal()
    pointed = Signal(object, object)
    stepped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.camera = Camera()
        self._shape: Shape | None = None
        self._former: Shape | None = None
        self._fitting = True
        self._pointer: tuple[int, QPointF] | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self.canvases = tuple(Canvas(self) for _ in range(CANVASES))
        for index, canvas in enumerate(self.canvases):
            canvas.setObjectName(f"canvas-{index + 1}")
            canvas.setWhatsThis(_HELP)  # a tooltip would cover the pixels that are looked at
            canvas.setAccessibleDescription(_HELP)
            canvas.setVisible(index == 0)
            row.addWidget(canvas, 1)
            canvas.zoomed.connect(partial(self._on_zoomed, index))
            canvas.panned.connect(self._on_panned)
            canvas.fit_requested.connect(self.fit)
            canvas.stepped.connect(self.stepped)
            canvas.pointed.connect(partial(self._on_pointed, index))
            canvas.handle_moved.connect(self._on_handle)
        self.canvases[0].resized.connect(self._on_resized)
        self._settle = QTimer(self)  # a resize of the first canvas precedes those of its neighbours
        self._settle.setSingleShot(True)
        self._settle.setInterval(0)
        self._settle.timeout.connect(self._on_settled)

    @property
    def shown(self) -> tuple[Canvas, ...]:
        """Canvases in use, from left to right."""
        return tuple(c for c in self.canvases if not c.isHidden())

    def show_pictures(self, pictures: Sequence[Picture]) -> None:
        """Show pictures of planes of one shape.

        A plane that was shown whole stays whole; where the person has zoomed or moved, the camera
        stays unless the shape is another.
        """
        count = len(self.shown)
        for index, canvas in enumerate(self.canvases):
            picture = pictures[index] if index < len(pictures) else None
            canvas.set_picture(picture)
            canvas.setVisible(index < max(len(pictures), 1))
        shape = pictures[0].shape if pictures else None
        former, self._former = self._former, None
        if shape != self._shape:
            self._shape = shape
            if self._fitting or shape != former:
                self.fit()
            else:
                self.view_changed.emit()
        elif self._fitting and count != len(self.shown):
            self.fit()
        self._repoint()

    def fit(self) -> None:
        """Show the whole plane, and keep doing so when the window changes its size."""
        self._fitting = True
        layout = self.layout()
        if layout is not None:
            layout.activate()
        if self._shape is not None:
            first = self.canvases[0]
            self._set_camera(fitted(self._shape, first.width(), first.height()))

    def expect_another(self) -> None:
        """Show and tell nothing until there is a plane of the document just opened.

        The camera stays if the person had chosen it and the plane has the same shape, so that one
        place can be followed from file to file.
        """
        self._shape, self._former = None, self._shape or self._former

    def set_scale(self, scale: float) -> None:
        """Magnify to `scale` points of the screen for one pixel, about the middle."""
        self.zoom(scale / self.camera.scale)

    def zoom(self, factor: float) -> None:
        """Magnify by `factor` about the middle."""
        first = self.canvases[0]
        self._on_zoomed(0, factor, first.width() / 2, first.height() / 2)

    def view(self) -> View | None:
        """Visible part of the plane, in each canvas the same."""
        if self._shape is None:
            return None
        first = self.canvases[0]
        return self.camera.visible(first.width(), first.height(), self._shape)

    def _set_camera(self, camera: Camera) -> None:
        self.camera = camera
        for canvas in self.canvases:
            canvas.set_camera(camera)
        self.view_changed.emit()
        self._repoint()

    def _on_zoomed(self, index: int, factor: float, px: float, py: float) -> None:
        if self._shape is not None:
            canvas = self.canvases[index]
            self._fitting = False
            size = canvas.width(), canvas.height()
            self._set_camera(self.camera.zoomed(factor, px, py, *size, self._shape))

    def _on_panned(self, dx: float, dy: float) -> None:
        if self._shape is not None:
            self._fitting = False
            self._set_camera(self.camera.panned(dx, dy, self._shape))

    def _on_handle(self, at: float) -> None:
        self.canvases[0].set_handle(at)
        self._repoint()

    def _on_resized(self) -> None:
        self._settle.start()

    def _on_settled(self) -> None:
        if self._fitting:
            self.fit()
        elif self._shape is not None:
            self.view_changed.emit()

    def _on_pointed(self, index: int, at: QPointF | None) -> None:
        self._pointer = None if at is None else (index, at)
        self._repoint()

    def _repoint(self) -> None:
        """Say what lies under the pointer, and mark it in the other canvases."""
        place: tuple[float, float] | None = None
        face: Face | None = None
        own = -1
        if self._pointer is not None and self._shape is not None:
            own, at = self._pointer
            x, y = self.canvases[own].to_plane(at)
            if 0 <= x < self._shape[1] and 0 <= y < self._shape[0]:
                place, face = (x, y), self.canvases[own].face_at(at)
        for index, canvas in enumerate(self.canvases):
            canvas.set_mark(place if index != own else None)
        self.pointed.emit(place, face)
