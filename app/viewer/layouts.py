"""Up to three canvases side by side with one camera."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.viewer.camera import Shape
from app.viewer.canvas import Canvas
from app.viewer.linked import LinkedCanvases
from app.viewer.picture import Picture

CANVASES = 3

_HELP = (
    "Wheel: zoom about the pointer. Drag or arrow keys: pan. Double click: show the whole plane. "
    "Ctrl or Alt and wheel, < and >: previous and next plane. Backslash: play. + and -: zoom."
)


class CanvasGroup(LinkedCanvases):
    """Canvases side by side that always show the same part of a plane."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._former: Shape | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self.link(*(Canvas(self) for _ in range(CANVASES)))
        for index, canvas in enumerate(self.canvases):
            canvas.setObjectName(f"canvas-{index + 1}")
            canvas.setWhatsThis(_HELP)  # a tooltip would cover the pixels
            canvas.setAccessibleDescription(_HELP)
            canvas.setVisible(index == 0)
            row.addWidget(canvas, 1)

    @property
    def shown(self) -> tuple[Canvas, ...]:
        """Canvases in use, from left to right."""
        return tuple(c for c in self.canvases if not c.isHidden())

    def show_pictures(self, pictures: Sequence[Picture]) -> None:
        """Display pictures of planes with the same shape.

        A fitted view stays fitted. If the user has zoomed or panned, the camera is kept unless the shape
        changes.
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

    def expect_another(self) -> None:
        """Display nothing, and emit nothing, until a plane of the newly opened document arrives.

        If the user chose the view and the shape of the plane is the same, the camera is kept, so that one
        position can be compared between files.
        """
        self._shape, self._former = None, self._shape or self._former
