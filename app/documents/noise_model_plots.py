"""Plots of a noise model and of the noise that it describes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.shell.theme import colors, current

if TYPE_CHECKING:
    from app.documents.noise_models import Made
    from core.noise.model_view import Slice
    from core.noise.pairs import Levels

MARGIN = 0.08
"""Distance that a line is drawn beyond the signals, relative to their range."""


class NoiseModelPlots(QWidget):
    """Standard deviation over signal, and the distribution of the noise at three signals."""

    def __init__(self) -> None:
        super().__init__()
        import pyqtgraph

        self._graph = pyqtgraph
        self._shown: tuple[Made, int] | None = None
        self.legend = QLabel()
        self.legend.setObjectName("noise-model-legend")
        self.legend.setWordWrap(True)
        self.title = QLabel()
        self.title.setProperty("class", "muted")
        self.title.setWordWrap(True)
        self.deviation = self._plot("noise-model-deviation")
        self.deviation.setLabel("bottom", "signal (counts)")
        self.deviation.setLabel("left", "deviation (counts)")
        self.histograms = [self._plot(f"noise-model-histogram-{number}") for number in range(1, 4)]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addWidget(self.legend, 0, 0, 1, 3)
        grid.addWidget(self.deviation, 1, 0, 1, 3)
        grid.addWidget(self.title, 2, 0, 1, 3)
        for column, plot in enumerate(self.histograms):
            plot.setLabel("bottom", "noise (counts)")
            grid.addWidget(plot, 3, column)
        grid.setRowStretch(1, 3)
        grid.setRowStretch(3, 2)
        current().changed.connect(self._on_theme)
        self._on_theme()

    def _plot(self, name: str) -> Any:
        plot = self._graph.PlotWidget()
        plot.setObjectName(name)
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.setMinimumSize(110, 90)
        plot.setAcceptDrops(False)
        return plot

    def show_model(self, made: Made | None, channel: int) -> None:
        """Draw the model of a channel; nothing without a model."""
        self._shown = None if made is None else (made, channel)
        self._draw()

    @Slot()
    def _on_theme(self) -> None:
        tokens = colors()
        for plot in (self.deviation, *self.histograms):
            plot.setBackground(tokens.field)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(tokens.outline)
                axis.setTextPen(tokens.muted)
        self._draw()

    def _draw(self) -> None:
        for plot in (self.deviation, *self.histograms):
            plot.clear()
        if self._shown is None:
            self.legend.setText("")
            self.title.setText("")
            return
        from core.noise.model_view import slices

        made, channel = self._shown
        first, second = colors().series[:2]
        third = colors().series[2]
        known = made.fitted or made.stack
        words = [f'<span style="color:{second}">──</span> model']
        if np.isfinite(made.coverage[channel].low):
            words[0] += " (shaded where it was measured)"
        if made.stack is not None:
            words.append(f'<span style="color:{first}">●</span> this stack')
        if made.fitted is not None and made.fitted is not made.stack:
            words.append(f'<span style="color:{third}">■</span> calibration frames')
            self._points(made.fitted.levels[_at(made.fitted.levels, channel)], third, "s")
        if made.stack is not None:
            self._points(made.stack.levels[_at(made.stack.levels, channel)], first, "o")
        self._line(made, channel, second)
        words.append(f'<span style="color:{colors().muted}">┊</span> range of the stack')
        self.legend.setText("&nbsp;&nbsp; ".join(words))
        found: Sequence[Slice] = ()
        if known is not None:
            found = slices(made.models.of(channel), known.levels[_at(known.levels, channel)])
        self.title.setText(
            "Distribution of noisy pixels around three signals; the mean of the model is the signal."
            if found
            else ""
        )
        colour = third if made.fitted is not None and made.fitted is not made.stack else first
        for plot, one in zip(self.histograms, found, strict=False):
            self._slice(plot, one, colour, second)

    def _points(self, levels: Levels, colour: str, symbol: str) -> None:
        self.deviation.plot(
            levels.signal, np.sqrt(levels.variance), pen=None, symbol=symbol, symbolSize=6,
            symbolBrush=colour, symbolPen=None,
        )  # fmt: skip

    def _line(self, made: Made, channel: int, colour: str) -> None:
        """Draw the model over the signals of the stack; outside its range, dashed."""
        from core.noise.model_view import line

        one, model = made.coverage[channel], made.models.of(channel)
        ends = [one.dimmest, one.brightest, *(end for end in (one.low, one.high) if np.isfinite(end))]
        for known in (made.fitted, made.stack):
            if known is not None:
                signal = known.levels[_at(known.levels, channel)].signal
                ends += [float(signal[0]), float(signal[-1])]
        low, high = min(ends), max(ends)
        more = MARGIN * max(high - low, 1e-9)
        pen = self._graph.mkPen
        if np.isfinite(one.low):
            shade = QColor(colour)
            shade.setAlphaF(0.12)
            region = self._graph.LinearRegionItem(
                (one.low, one.high), movable=False, brush=shade, pen=pen(None)
            )
            region.setZValue(-10)
            self.deviation.addItem(region)
            inside = max(low, one.low), min(high, one.high)
            self.deviation.plot(
                *line(model, low - more, high + more), pen=pen(colour, width=1, style=Qt.PenStyle.DashLine)
            )
        else:
            inside = low - more, high + more
        self.deviation.plot(*line(model, *inside), pen=pen(colour, width=2))
        dots = pen(colors().muted, width=1, style=Qt.PenStyle.DotLine)
        for end in (one.dimmest, one.brightest):
            self.deviation.addItem(self._graph.InfiniteLine(end, angle=90, pen=dots))

    def _slice(self, plot: Any, one: Slice, data: str, model: str) -> None:
        step = float(one.residual[1] - one.residual[0])
        shade = QColor(data)
        shade.setAlphaF(0.45)
        plot.addItem(
            self._graph.BarGraphItem(
                x=one.residual, height=one.measured, width=step, brush=shade, pen=self._graph.mkPen(None)
            )
        )
        plot.plot(one.residual, one.modelled, pen=self._graph.mkPen(model, width=2))
        plot.setTitle(f"signal {one.signal:.4g}", color=colors().muted, size="9pt")
        plot.getAxis("left").setStyle(showValues=False)
        plot.getAxis("left").setWidth(6)


def _at(levels: Sequence[Levels], channel: int) -> int:
    """Return the index of the measurement for a channel; a calibration may have one for all."""
    return channel if len(levels) > 1 else 0
