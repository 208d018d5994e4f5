"""The plots of a noise report: variance over mean, correlation by distance, brightness over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.shell.theme import colors, current
from app.widgets.common import pass_drops_on, pass_wheel_on
from core.noise.report import ChannelReport
from core.noise.report.course import Course
from core.noise.report.curve import Curve
from core.noise.report.pattern import LAGS, Pattern

HEIGHT = 150
"""Height of a plot in points."""

STEADY = 0.02
"""Smallest half height of the brightness plot, relative to the brightness."""


class NoisePlots(QWidget):
    """All plots of one channel; pyqtgraph is imported when the first report is shown."""

    def __init__(self) -> None:
        super().__init__()
        self._plots: _Plots | None = None
        self.picture = CorrelationPicture()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        current().changed.connect(self._on_theme)
        self.hide()

    def show_report(self, report: ChannelReport) -> None:
        """Draw the plots of a channel."""
        if self._plots is None:
            self._plots = _Plots(self.picture)
            for title, widget in self._plots.titled:
                self._column.addWidget(title)
                self._column.addWidget(widget)
            pass_drops_on(self)
            self._on_theme()
        self._plots.show_curve(report.curve)
        self._plots.show_pattern(report.pattern)
        self._plots.show_course(report.course)
        self.show()

    @Slot()
    def _on_theme(self) -> None:
        if self._plots is not None:
            self._plots.refresh_colors()
        self.picture.update()


class CorrelationPicture(QWidget):
    """Correlation of the noise at each distance along X and Y, as squares."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("noise-picture")
        self.setFixedSize(HEIGHT - 32, HEIGHT - 32)
        self.setToolTip(
            "<p>Correlation of the noise of two pixels by their distance, -4 to 4 along X and Y. The centre "
            "is 1; independent noise leaves all others empty.</p>"
        )
        self._values = np.zeros((1, 1))

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def show_values(self, pattern: Pattern) -> None:
        """Draw another pattern."""
        self._values = np.array(pattern.picture)
        along = f"{pattern.along_x[0]:.2f} along rows, {pattern.along_y[0]:.2f} along columns"
        self.setAccessibleName(f"Correlation of neighbouring pixels: {along}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter, tokens = QPainter(self), colors()
        positive, negative = (QColor(name) for name in tokens.series[:2])
        painter.fillRect(self.rect(), QColor(tokens.field))
        rows, columns = self._values.shape
        side = min(self.width() / columns, self.height() / rows)
        for (y, x), value in np.ndenumerate(self._values):
            colour = QColor(positive if value >= 0 else negative)
            colour.setAlphaF(float(min(abs(value), 1.0)) ** 0.5)
            painter.fillRect(QRectF(x * side, y * side, side - 1, side - 1), colour)
        painter.setPen(QColor(tokens.outline))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class _Plots:
    """The pyqtgraph plots."""

    def __init__(self, picture: CorrelationPicture) -> None:
        import pyqtgraph

        self._graph = pyqtgraph
        self._picture = picture
        self.curve = self._plot("noise-curve", "mean (counts)", "variance (counts²)")
        self.low, self.high = self.curve.plot(), self.curve.plot()
        self.band = pyqtgraph.FillBetweenItem(self.low, self.high)
        self.curve.addItem(self.band)
        self.line = self.curve.plot()
        self.errors = pyqtgraph.ErrorBarItem(x=np.zeros(1), y=np.zeros(1), height=np.zeros(1))
        self.curve.addItem(self.errors)
        self.points = self.curve.plot()
        self.lags = self._plot("noise-lags", "distance (pixels)", "correlation")
        self.zero = self.lags.plot()
        self.along_x, self.along_y = self.lags.plot(), self.lags.plot()
        self.time = self._plot("noise-course", "frame", "mean (counts)")
        self.course = self.time.plot()
        self.course_title = _title("Brightness of the frames")
        self.legend = _title("")
        pair = QWidget()
        row = QHBoxLayout(pair)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.lags, 1)
        self.titled = (
            (_title("Noise variance over mean, line and 95 % band"), self.curve), (self.legend, pair),
            (self.course_title, self.time),
        )  # fmt: skip

    def _plot(self, name: str, below: str, beside: str) -> Any:
        plot = self._graph.PlotWidget()
        plot.setObjectName(name)
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        pass_wheel_on(plot)
        plot.setFixedHeight(HEIGHT)
        plot.setMinimumWidth(120)
        plot.setLabel("bottom", below)
        plot.setLabel("left", beside)
        return plot

    def show_curve(self, curve: Curve) -> None:
        """Draw variance over mean."""
        means, variances = np.array(curve.means), np.array(curve.variances)
        line = curve.slope * means + curve.constant
        self.points.setData(means, variances)
        self.line.setData(means, line)
        self.low.setData(means, np.array(curve.low))
        self.high.setData(means, np.array(curve.high))
        self.errors.setData(x=means, y=variances, height=2 * np.array(curve.errors))
        self.curve.setVisible(len(means) > 0)

    def show_pattern(self, pattern: Pattern) -> None:
        """Draw the correlation."""
        self._picture.show_values(pattern)
        distance = np.arange(LAGS + 1)
        self.along_x.setData(distance, np.array([1.0, *pattern.along_x]))
        self.along_y.setData(distance, np.array([1.0, *pattern.along_y]))
        self.zero.setData(distance[[0, -1]], np.zeros(2))
        self.lags.setXRange(0, LAGS, padding=0.05)
        self.lags.setYRange(min(-0.1, *pattern.along_x, *pattern.along_y), 1.0, padding=0.05)

    def show_course(self, course: Course | None) -> None:
        """Draw the brightness over time; nothing for a stack without time."""
        shown = course is not None
        self.course_title.setVisible(shown)
        self.time.setVisible(shown)
        if course is not None:
            level = np.array(course.brightness)
            self.course.setData(np.array(course.frames) + 1, level)
            # changes far below a percent fill no plot
            middle = float(level.max() + level.min()) / 2
            half = max(float(np.ptp(level)) / 2, STEADY * abs(middle), 1e-12)
            self.time.setYRange(middle - half, middle + half, padding=0.05)

    def refresh_colors(self) -> None:
        """Apply the colours of the theme."""
        tokens, pen = colors(), self._graph.mkPen
        for plot in (self.curve, self.lags, self.time):
            plot.setBackground(tokens.field)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(tokens.outline)
                axis.setTextPen(tokens.muted)
        first, second = tokens.series[:2]
        shade = QColor(second)
        shade.setAlphaF(0.3)
        self.band.setBrush(shade)
        for edge in (self.low, self.high):
            edge.setPen(None)
        self.line.setPen(pen(second, width=2))
        self.errors.setOpts(pen=pen(first, width=1))
        for curve, colour, symbol in (
            (self.points, first, "o"),
            (self.along_x, first, "o"),
            (self.along_y, second, "s"),
        ):
            curve.setSymbol(symbol)
            curve.setSymbolSize(5)
            curve.setSymbolBrush(colour)
            curve.setSymbolPen(None)
            curve.setPen(None if curve is self.points else pen(colour, width=2))
        self.zero.setPen(pen(tokens.outline, width=1, style=Qt.PenStyle.DashLine))
        self.course.setPen(pen(first, width=2))
        self.legend.setText(
            f'Correlation of the noise:<br><span style="color:{first}">─●─</span> along rows (X), '
            f'<span style="color:{second}">─■─</span> along columns (Y)'
        )


def _title(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("class", "muted")
    label.setWordWrap(True)
    return label
