"""A contact sheet of the results of a sweep: one column for each sigma, one row for each output."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QToolButton, QWidget

from app.panels.training.psf.sweeping import SweepRow
from app.preview.regions import visible_region
from app.shell.snapshot import Snapshot
from core.stack import Stack

SIDE = 132
"""Side of a picture in points."""

MOST = 96
"""Largest side of the shown region, in pixels."""

SATURATED = (0.3, 99.7)
"""Percentiles that are black and white, over all sigmas of one output."""


class Sheet(QWidget):
    """Pictures of the middle of the visible region, of the raw stack and of each result.

    Attributes
    ----------
    chosen : Signal of int
        The user clicked on the picture of the result with this key.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("sweep-sheet")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self._grid.setRowStretch(9, 1)  # below all rows
        self._made: list[QWidget] = []

    def show_rows(self, rows: Sequence[SweepRow], snapshot: Snapshot) -> None:
        """Show the results of a sweep at the position of a snapshot."""
        for widget in self._made:
            widget.deleteLater()
        self._made = []
        source = snapshot.source
        if source is None or not rows:
            return
        outputs = rows[0].swept.compared.method.outputs
        raw = crop(source.stack, snapshot)
        self._put(_label("Raw"), 0, 0)
        self._put(_button(raw, _levels([raw]), "sweep-raw", "The raw stack."), 1, 0)
        for column, row in enumerate(rows, start=1):
            self._put(_label(f"Sigma {row.swept.sigma:g} px"), 0, column)
        for line, output in enumerate(outputs):
            stacks = [row.swept.compared.stacks[line] for row in rows]
            pictures = [crop(stack, snapshot) for stack in stacks]
            levels = _levels(pictures)
            for column, (row, picture) in enumerate(zip(rows, pictures, strict=True), start=1):
                name = f"sweep-{output.name}-{row.swept.sigma:g}"
                words = f"{output.label}, sigma {row.swept.sigma:g} px. Click to show it in the viewer."
                button = _button(picture, levels, name, words)
                key = row.keys[line] if row.keys else 0
                button.setProperty("key", key)
                button.setEnabled(snapshot.find(key) is not None)
                button.clicked.connect(self._on_clicked)
                self._put(button, 1 + line, column)
        if len(outputs) > 1:
            self._put(_label(f"Above: {outputs[0].label}\nBelow: {outputs[1].label}"), 2, 0)

    def _put(self, widget: QWidget, row: int, column: int) -> None:
        self._made.append(widget)
        self._grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignCenter)

    @Slot()
    def _on_clicked(self) -> None:
        self.chosen.emit(self.sender().property("key"))


def crop(stack: Stack, snapshot: Snapshot) -> NDArray[np.float32]:
    """Return the middle of the visible region of the plane that is shown, at most 96 pixels a side."""
    region = visible_region(stack, snapshot.position, snapshot.view, MOST)
    pixels = np.asarray(stack.read(region), np.float32)
    return pixels.reshape(pixels.shape[-2:])


def _levels(pictures: Sequence[NDArray[np.float32]]) -> tuple[float, float]:
    """Return black and white of all pictures together."""
    values = np.concatenate([picture[np.isfinite(picture)] for picture in pictures])
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, SATURATED)
    return float(low), float(max(high, low + 1e-9))


def _button(picture: NDArray[np.float32], levels: tuple[float, float], name: str, words: str) -> QToolButton:
    low, high = levels
    shades = np.clip((np.nan_to_num(picture, nan=low) - low) / (high - low), 0, 1)
    grey = np.ascontiguousarray(np.rint(255 * shades).astype(np.uint8))
    rows, columns = grey.shape
    image = QImage(grey.data, columns, rows, columns, QImage.Format.Format_Grayscale8).copy()
    button = QToolButton()
    button.setObjectName(name)
    ratio = button.devicePixelRatioF()
    side = round(SIDE * ratio)
    pixmap = QPixmap.fromImage(image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio))
    pixmap.setDevicePixelRatio(ratio)
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Disabled)
    button.setIcon(icon)
    button.setIconSize(QSize(SIDE, SIDE))
    button.setAutoRaise(True)
    button.setToolTip(f"<p>{words}</p>")
    button.setAccessibleName(words)
    return button


def _label(words: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("class", "muted")
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    return label
