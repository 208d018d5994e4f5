"""Plot of training and validation loss over the training steps, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.shell.theme import colors, current
from app.widgets.common import pass_drops_on, pass_wheel_on

POINTS = 2000
"""Approximate maximum number of points of a curve."""

TREND = 30
"""The trend of the training loss is smoothed over about one in this many of its points."""

Curve = Sequence[tuple[int, float]]


class LossPlot(QWidget):
    """Training loss as thin line with its trend, validation loss with dots, and the level of Instant."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip(
            "<p>Loss on training pixels and on held-out pixels: mostly the squared error of predicted noisy "
            "pixels, divided by the variance of the stack. Noise cannot be predicted, so the loss does not "
            "fall to 0, and it says little about the image quality: check the preview. The dashed line is "
            "the loss of Instant on held-out pixels, where it can be compared.</p>"
        )
        self._curves: _Curves | None = None
        self._instant = False
        self.legend = QLabel()  # above the plot, where it does not hide the curves
        self.legend.setObjectName("loss-legend")
        self.legend.setAlignment(Qt.AlignmentFlag.AlignRight)
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.legend)
        current().changed.connect(self.refresh_colors)
        self.refresh_colors()

    @property
    def curves(self) -> _Curves:
        """The plot, created at first use."""
        if self._curves is None:
            self._curves = _Curves()
            self._column.addWidget(self._curves.widget)
            pass_drops_on(self)
            self.refresh_colors()
        return self._curves

    @Slot()
    def prepare(self) -> None:
        """Create the plot in advance, as this takes a moment."""
        _ = self.curves

    def sizeHint(self) -> QSize:
        return QSize(280, 160)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 140)

    def refresh_colors(self) -> None:
        """Apply the colours of the theme."""
        first, second, third = colors().series[:3]
        if self._curves is not None:
            self._curves.refresh_colors()
        self.legend.setText(
            f'<span style="color:{first}">━━</span> training&nbsp; '
            f'<span style="color:{second}">─●─</span> held out'
            + (f'&nbsp; <span style="color:{third}">╌╌</span> Instant' if self._instant else "")
        )

    def show_curves(self, training: Curve, validation: Curve, instant: float | None = None) -> None:
        """Draw the curves; losses without a logarithm are omitted.

        Parameters
        ----------
        training, validation : sequence of (int, float)
            Step and loss.
        instant : float, optional
            Loss of Instant on held-out pixels; None if it is not known.
        """
        curves = self.curves
        curves.training.setData(*_drawable(training))
        curves.trend.setData(*_drawable(trend(training)))
        curves.validation.setData(*_drawable(validation))
        known = instant is not None and math.isfinite(instant) and instant > 0
        curves.instant.setVisible(known)
        if known and instant is not None:
            curves.instant.setValue(math.log10(instant))
            curves.instant.setToolTip(f"Instant: {instant:.4g}")
        if known != self._instant:
            self._instant = known
            self.refresh_colors()


class _Curves:
    """A pyqtgraph plot; pyqtgraph is imported at first use, which takes as long as opening the window."""

    def __init__(self) -> None:
        import pyqtgraph

        self._pen = pyqtgraph.mkPen
        self.widget = plot = pyqtgraph.PlotWidget()
        plot.setObjectName("loss-plot")
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.setLogMode(x=False, y=True)
        plot.setLabel("bottom", "step")
        pass_wheel_on(plot)
        self.training, self.trend, self.validation = plot.plot(), plot.plot(), plot.plot()
        self.instant = pyqtgraph.InfiniteLine(angle=0, movable=False)
        self.instant.hide()
        plot.addItem(self.instant)
        plot.getViewBox().sigYRangeChanged.connect(self._on_range)
        self._on_range(None, plot.getViewBox().viewRange()[1])

    def refresh_colors(self) -> None:
        """Apply the colours of the theme."""
        tokens = colors()
        self.widget.setBackground(tokens.field)
        for side in ("left", "bottom"):
            axis = self.widget.getAxis(side)
            axis.setPen(tokens.outline)
            axis.setTextPen(tokens.muted)
        first, second, third = tokens.series[:3]
        faint = QColor(first)
        faint.setAlphaF(0.4)
        self.training.setPen(self._pen(faint, width=1))
        self.trend.setPen(self._pen(first, width=2))
        self.instant.setPen(self._pen(third, width=2, style=Qt.PenStyle.DashLine))
        self.validation.setPen(self._pen(second, width=2, style=Qt.PenStyle.SolidLine))
        self.validation.setSymbol("o")
        self.validation.setSymbolSize(4)
        self.validation.setSymbolBrush(second)
        self.validation.setSymbolPen(None)

    def _on_range(self, _: object, shown: tuple[float, float]) -> None:
        self.widget.getAxis("left").setTicks([ticks(*shown)])


def trend(curve: Curve) -> list[tuple[int, float]]:
    """Return the running mean of a curve over past points; nothing for a few points."""
    losses = np.array([loss for _, loss in curve], np.float64)
    width = max(3, len(losses) // TREND)
    if len(losses) < 2 * width:
        return []
    sums = np.concatenate([[0.0], np.cumsum(losses)])
    first = np.maximum(np.arange(1, len(losses) + 1) - width, 0)
    last = np.arange(1, len(losses) + 1)
    means = (sums[last] - sums[first]) / (last - first)
    return [(step, float(mean)) for (step, _), mean in zip(curve, means, strict=True)]


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return the ticks of a logarithmic axis between two powers of ten: position and text."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return []
    if span > 0.9:  # 1, 2, 5, 10, ...; for many powers of ten a part of them
        steps = (1, 2, 5) if span < 2.5 else (1,)
        powers = range(math.floor(low), math.ceil(high) + 1, max(1, round(span / 4)))
        values = [step * 10.0**power for power in powers for step in steps]
    else:
        bottom, top = 10.0**low, 10.0**high
        rough = (top - bottom) / 4
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough)
        values = [n * step for n in range(math.ceil(bottom / step), math.floor(top / step) + 1)]
    return [(math.log10(v), f"{v:.4g}") for v in values if low <= math.log10(v) <= high]


def _drawable(curve: Curve) -> tuple[Any, Any]:
    points = np.array(curve[:: max(1, len(curve) // POINTS)], np.float64).reshape(-1, 2)
    points = points[np.isfinite(points[:, 1]) & (points[:, 1] > 0)]
    return points[:, 0], points[:, 1]
