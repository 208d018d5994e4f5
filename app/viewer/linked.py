"""Canvases that always show the same part of a plane."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPointF, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.shell.view_state import View
from app.viewer.camera import Camera, Shape, fitted
from app.viewer.canvas import Canvas
from app.viewer.picture import Face


class LinkedCanvases(QWidget):
    """Canvases of one size with one camera, and with the pointer of one marked in the others.

    Attributes
    ----------
    canvases : tuple of Canvas
        All canvases; the first one is always visible.
    view_changed : Signal
        The visible part of the plane changed.
    pointed : Signal of (object, object)
        Position (x, y) of the pointer in the plane, and the `Face` there; None and None outside.
    stepped : Signal of int
        Move forward by a number of planes.
    """

    view_changed = Signal()
    pointed = Signal(object, object)
    stepped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.camera = Camera()
        self.canvases: tuple[Canvas, ...] = ()
        self._shape: Shape | None = None
        self._fitting = True
        self._pointer: tuple[int, QPointF] | None = None
        self._settle = QTimer(self)  # resize events of the canvases arrive one by one
        self._settle.setSingleShot(True)
        self._settle.setInterval(0)
        self._settle.timeout.connect(self._on_settled)

    def link(self, *canvases: Canvas) -> None:
        """Add canvases."""
        for index, canvas in enumerate(canvases, len(self.canvases)):
            canvas.set_camera(self.camera)
            canvas.zoomed.connect(partial(self._on_zoomed, index))
            canvas.panned.connect(self._on_panned)
            canvas.fit_requested.connect(self.fit)
            canvas.stepped.connect(self.stepped)
            canvas.pointed.connect(partial(self._on_pointed, index))
            canvas.handle_moved.connect(self._on_handle)
        if not self.canvases:
            canvases[0].resized.connect(self._on_resized)
        self.canvases = (*self.canvases, *canvases)

    def fit(self) -> None:
        """Show the whole plane, also after the window is resized."""
        self._fitting = True
        layout = self.layout()
        if layout is not None:
            layout.activate()
        if self._shape is not None:
            first = self.canvases[0]
            self._set_camera(fitted(self._shape, first.width(), first.height()))

    def set_scale(self, scale: float) -> None:
        """Set the magnification to `scale` screen points per pixel, about the centre."""
        self.zoom(scale / self.camera.scale)

    def zoom(self, factor: float) -> None:
        """Magnify by `factor` about the centre."""
        first = self.canvases[0]
        self._on_zoomed(0, factor, first.width() / 2, first.height() / 2)

    def view(self) -> View | None:
        """Visible part of the plane, equal in all canvases."""
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
        """Emit what is at the pointer, and mark its position in the other canvases."""
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

    def set_spots(self, spots: Sequence[tuple[int, int]]) -> None:
        """Draw a circle around each of these pixels (row, column) in all canvases."""
        for canvas in self.canvases:
            canvas.set_spots(spots)
