"""Plots of the Details panel: the residual as a picture and by intensity, and correlation by frequency."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.shell.theme import colors, current
from app.widgets.common import pass_drops_on
from core.quality.details import Details
from core.quality.fourier import THRESHOLD

HEIGHT = 120
"""Minimum height of a plot in points."""

STRONG = 6.0
"""Structure in standard deviations of noise that is drawn in full colour."""


class DetailPlots(QWidget):
    """All plots of one result; pyqtgraph is imported when the first one is shown."""

    def __init__(self) -> None:
        super().__init__()
        self._plots: _Plots | None = None
        self.picture = StructurePicture()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        current().changed.connect(self._on_theme)
        self.hide()

    def show_details(self, details: Details) -> None:
        """Draw the plots of a result."""
        if self._plots is None:
            self._plots = _Plots(self.picture)
            for title, widget in self._plots.titled:
                column = QVBoxLayout()
                column.setSpacing(2)
                column.addWidget(title)
                column.addWidget(widget, 1)
                self._row.addLayout(column, 0 if widget is self.picture else 1)
            pass_drops_on(self)
            self._on_theme()
        self._plots.draw(details)
        self.show()

    @Slot()
    def _on_theme(self) -> None:
        if self._plots is not None:
            self._plots.refresh_colors()
        self.picture.update()


class StructurePicture(QWidget):
    """Blurred residual in standard deviations of blurred noise, in two colours."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("details-structure")
        self.setMinimumSize(HEIGHT, HEIGHT)
        self.setToolTip(
            "<p>What the method removed, slightly blurred, in standard deviations of noise: one colour "
            f"above 0, the other below, in full colour from {STRONG:g} on. Outlines of the specimen here are "
            "lost detail.</p>"
        )
        self._values: NDArray[np.float64] | None = None

    def sizeHint(self) -> QSize:
        return QSize(HEIGHT, HEIGHT)

    def show_values(self, values: NDArray[np.float64] | None) -> None:
        """Draw another residual, or nothing."""
        self._values = values
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter, tokens = QPainter(self), colors()
        painter.fillRect(self.rect(), QColor(tokens.field))
        if self._values is not None:
            ground, *ends = (_rgb(name) for name in (tokens.field, *tokens.series[:2]))
            share = np.clip(np.abs(self._values) / STRONG, 0, 1)[..., None]
            end = np.where(self._values[..., None] > 0, ends[0], ends[1])
            rgb = np.ascontiguousarray((ground + share * (end - ground)).astype(np.uint8))
            rows, columns = self._values.shape
            image = QImage(rgb.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
            scale = min(self.width() / columns, self.height() / rows)
            width, height = columns * scale, rows * scale
            place = QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, image)
        painter.setPen(QColor(tokens.outline))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class _Plots:
    """The pyqtgraph plots."""

    def __init__(self, picture: StructurePicture) -> None:
        import pyqtgraph

        self._graph, self._picture = pyqtgraph, picture
        self.mean = self._plot("details-mean", "intensity (counts)", "counts")
        self.zero = self.mean.plot()
        self.errors = pyqtgraph.ErrorBarItem(x=np.zeros(1), y=np.zeros(1), height=np.zeros(1))
        self.mean.addItem(self.errors)
        self.means = self.mean.plot()
        self.variance = self._plot("details-variance", "intensity (counts)", "counts²")
        self.expected, self.variances = self.variance.plot(), self.variance.plot()
        self.ring = self._plot("details-ring", "frequency (1/px)", "correlation")
        self.threshold, self.rings = self.ring.plot(), self.ring.plot()
        self.legend = _title("")
        self.titled = (
            (_title("Structure in the residual"), picture),
            (_title("Mean of the residual"), self.mean),
            (self.legend, self.variance),
            (_title("Fourier ring correlation"), self.ring),
        )

    def _plot(self, name: str, below: str, beside: str) -> Any:
        plot = self._graph.PlotWidget()
        plot.setObjectName(name)
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.setMinimumSize(120, HEIGHT)
        plot.setLabel("bottom", below)
        plot.setLabel("left", beside)
        for side in ("bottom", "left"):
            plot.getAxis(side).enableAutoSIPrefix(False)
        return plot

    def draw(self, details: Details) -> None:
        """Draw the statistics of a result."""
        residual = details.residual
        for plot in (self.mean, self.variance):
            plot.setVisible(residual is not None)
        self._picture.show_values(residual.structure if residual is not None else None)
        if residual is not None:
            self.means.setData(residual.intensity, residual.mean)
            self.errors.setData(x=residual.intensity, y=residual.mean, height=4 * residual.mean_error)
            self.zero.setData(residual.intensity[[0, -1]], np.zeros(2))
            self.variances.setData(residual.intensity, residual.variance)
            self.expected.setData(residual.intensity, residual.expected)
        ring = details.ring
        self.rings.setData(ring.frequency, ring.correlation)
        self.threshold.setData(ring.frequency[[0, -1]], np.full(2, THRESHOLD))
        self.ring.setLabel("bottom", f"frequency (1/{details.unit})")
        self.ring.setYRange(-0.1, 1.0, padding=0.02)

    def refresh_colors(self) -> None:
        """Apply the colours of the theme."""
        tokens, pen = colors(), self._graph.mkPen
        for plot in (self.mean, self.variance, self.ring):
            plot.setBackground(tokens.field)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(tokens.outline)
                axis.setTextPen(tokens.muted)
        first, second = tokens.series[:2]
        dashed = pen(tokens.muted, width=1, style=Qt.PenStyle.DashLine)
        self.zero.setPen(dashed)
        self.threshold.setPen(dashed)
        self.errors.setOpts(pen=pen(first, width=1))
        for points in (self.means, self.variances):
            points.setPen(None)
            points.setSymbol("o")
            points.setSymbolSize(5)
            points.setSymbolBrush(first)
            points.setSymbolPen(None)
        self.expected.setPen(pen(second, width=2))
        self.rings.setPen(pen(first, width=2))
        self.legend.setText(
            f'Variance: <span style="color:{first}">●</span> residual '
            f'<span style="color:{second}">──</span> noise'
        )


def _rgb(name: str) -> NDArray[np.float64]:
    colour = QColor(name)
    return np.array([colour.red(), colour.green(), colour.blue()], np.float64)


def _title(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("class", "muted")
    return label
