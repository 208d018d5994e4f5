"""A picture of the kernel of a point spread function on the pixel grid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.shell.theme import colors, current
from core.psf import Psf

GRID = 5.0
"""Smallest side of a pixel in points at which the grid is drawn."""

SHOWN = 1.1
"""Radius of the shown part, in FWHM."""

CAPTION = 16
"""Height of the captions below large pictures, in points."""


class KernelPicture(QWidget):
    """Draws the kernel as pixels, with an ellipse at half its maximum; a volume as two sections.

    Parameters
    ----------
    name : str
        Object name.
    side : int
        Height of the picture in points.
    sections : bool
        Whether a volume is also shown from the side, and sections have captions.
    """

    def __init__(self, name: str, side: int, *, sections: bool) -> None:
        super().__init__()
        self.setObjectName(name)
        self._side, self._sections = side, sections
        self._psf: Psf | None = None
        self.setFixedHeight(side + (CAPTION if sections else 0))
        self.setFixedWidth(2 * side + 8 if sections else side)
        current().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    @property
    def psf(self) -> Psf | None:
        """The PSF that is shown; None for an empty picture."""
        return self._psf

    def show_psf(self, psf: Psf | None, words: str = "") -> None:
        """Show another PSF, described by `words` for those who cannot see it."""
        self._psf = psf
        self.setAccessibleName(words or "No PSF")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter, tokens = QPainter(self), colors()
        psf = self._psf
        if psf is None:
            frame = QRectF(0.5, 0.5, self._side - 1, self._side - 1)
            painter.setPen(QPen(QColor(tokens.border), 1, Qt.PenStyle.DashLine))
            painter.drawRect(frame)
            return
        middle = [side // 2 for side in psf.kernel.shape]
        plane = psf.kernel if psf.kernel.ndim == 2 else psf.kernel[middle[0]]
        self._draw(painter, plane, "YX", psf, 0)
        if self._sections:
            self._caption(painter, "in focus (X right, Y down)", 0)
        if self._sections and psf.kernel.ndim == 3:
            self._draw(painter, psf.kernel[:, middle[1]], "ZX", psf, self._side + 8)
            self._caption(painter, "from the side (X right, Z down)", self._side + 8)

    def _caption(self, painter: QPainter, words: str, left: int) -> None:
        painter.setPen(QColor(colors().muted))
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        where = QRectF(left, self._side, self._side, CAPTION)
        painter.drawText(where, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter), words)

    def _draw(self, painter: QPainter, plane: NDArray[np.float32], axes: str, psf: Psf, left: int) -> None:
        part = central(plane, max(psf.fwhm[axis] for axis in axes))
        rows, columns = part.shape
        pixel = self._side / max(rows, columns)
        area = QRectF(0, 0, columns * pixel, rows * pixel)
        area.moveCenter(QPointF(left + self._side / 2, self._side / 2))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, on=False)
        painter.drawImage(area, _image(part))
        tokens = colors()
        if pixel >= GRID:
            line = QColor(Qt.GlobalColor.white)
            line.setAlphaF(0.22)
            painter.setPen(QPen(line, 1))
            for number in range(1, columns):
                x = area.left() + number * pixel
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            for number in range(1, rows):
                y = area.top() + number * pixel
                painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.series[1]), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        down, across = (psf.fwhm[axis] / 2 * pixel for axis in axes)
        painter.drawEllipse(area.center(), across, down)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        painter.setPen(QColor(tokens.outline))
        painter.drawRect(area.adjusted(0, 0, -1, -1))


def central(plane: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """Return the square around the centre of a kernel that shows it, padded with 0; of odd side.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Kernel with odd sides.
    width : float
        Its FWHM in pixels.
    """
    reach = max(2, math.ceil(SHOWN * width))
    padded = np.pad(plane, reach)
    row, column = (side // 2 for side in padded.shape)
    return padded[row - reach : row + reach + 1, column - reach : column + reach + 1]


def _image(part: NDArray[np.float32]) -> QImage:
    """Return the kernel, from 0 to its maximum, as grey; its square root, so that rings are visible."""
    shades = np.sqrt(np.clip(part / max(float(part.max()), 1e-30), 0, 1))
    grey = np.ascontiguousarray(np.rint(255 * shades).astype(np.uint8))
    rows, columns = grey.shape
    return QImage(grey.data, columns, rows, columns, QImage.Format.Format_Grayscale8).copy()
