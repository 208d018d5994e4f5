"""Training and validation loss over the steps of a training, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import colors, current

POINTS = 2000
"""A curve is drawn with about this many points at most."""

Curve = Sequence[tuple[int, float]]


class LossPlot(QWidget):
    """Two curves: the loss of training as a thin line, that of validation as a thick one with dots."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip(
            "<p>Loss on the pixels trained on and on those held out: mostly the squared error of predicting "
            "noisy pixels, divided by the variance of the stack. Since the noise cannot be predicted it does "
            "not fall to 0, and hardly tells how good the image is: look at the preview.</p>"
        )
        self.plot = pg.PlotWidget()
        self.plot.setObjectName("loss-plot")
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.setLogMode(x=False, y=True)
        self.plot.setLabel("bottom", "step")
        self.plot.setLabel("left", "loss")
        self.legend = self.plot.addLegend(offset=(-6, 4), colCount=2, verSpacing=0)
        self.training = self.plot.plot(name="training")
        self.validation = self.plot.plot(name="validation")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        current().changed.connect(self.refresh_colors)
        self.refresh_colors()

    def sizeHint(self) -> QSize:
        return QSize(280, 160)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 140)

    def refresh_colors(self) -> None:
        """Take the colours of the theme."""
        tokens = colors()
        self.plot.setBackground(tokens.field)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(tokens.outline)
            axis.setTextPen(tokens.muted)
        first, second = tokens.series[:2]
        self.training.setPen(pg.mkPen(first, width=1))
        self.validation.setPen(pg.mkPen(second, width=2, style=Qt.PenStyle.SolidLine))
        self.validation.setSymbol("o")
        self.validation.setSymbolSize(4)
        self.validation.setSymbolBrush(second)
        self.validation.setSymbolPen(None)
        self.validation.scatter.setBrush(second)  # the legend reads these
        self.validation.scatter.setPen(None)
        self.legend.setLabelTextColor(tokens.text)
        for _, label in self.legend.items:
            label.setText(label.text)

    def show_curves(self, training: Curve, validation: Curve) -> None:
        """Draw the curves; losses that have no logarithm are left out."""
        for item, curve in ((self.training, training), (self.validation, validation)):
            item.setData(*_drawable(curve))


def _drawable(curve: Curve) -> tuple[Any, Any]:
    points = np.array(curve[:: max(1, len(curve) // POINTS)], np.float64).reshape(-1, 2)
    points = points[np.isfinite(points[:, 1]) & (points[:, 1] > 0)]
    return points[:, 0], points[:, 1]
