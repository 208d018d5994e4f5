"""Brightness and contrast: histogram, levels, look-up table."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QIcon, QImage, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.shell import view_state
from app.shell.jobs import Job, Jobs
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.shell.view_state import LUTS
from app.viewer import luts
from app.viewer.auto import AutoLevels
from app.viewer.display import levels_of
from app.viewer.histogram import Counts, Histogram, count
from core.recorded import Recorded
from core.stack import Pixels

INTERVAL = 120
"""Minimum time between two histograms, in milliseconds."""

CHANNEL = "histogram"

_NONE = "Open a stack first."


class ContrastPanel(QWidget):
    """Shows and sets the levels of the displayed channel and the look-up table."""

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contrast-panel")
        self._session, self._jobs = session, jobs
        self._auto = AutoLevels(session, jobs)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._count)
        self.histogram = Histogram(self)
        self.histogram.setObjectName("contrast-histogram")
        self.histogram.levels_changed.connect(self._on_levels)
        self._low, self._high = self._field("minimum"), self._field("maximum")
        self._auto_button = QPushButton("Auto", self)
        self._auto_button.setObjectName("contrast-auto")
        self._auto_button.clicked.connect(self.press_auto)
        self._reset_button = QPushButton("Reset", self)
        self._reset_button.setObjectName("contrast-reset")
        self._reset_button.clicked.connect(self.reset)
        self._luts = QComboBox(self)
        self._luts.setObjectName("contrast-lut")
        self._luts.setIconSize(QSize(32, 12))
        self._luts.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._luts.setAccessibleName("Look-up table")
        self._luts.activated.connect(self._on_lut)
        self._arrange()
        session.changed.connect(self._on_changed)
        self.destroyed.connect(partial(jobs.cancel, CHANNEL))
        self._sync()

    def _field(self, name: str) -> QDoubleSpinBox:
        field = QDoubleSpinBox(self)
        field.setObjectName(f"contrast-{name}")
        field.setAccessibleName(f"{name.capitalize()} level")
        field.setRange(-1e12, 1e12)
        field.setKeyboardTracking(False)
        field.setMinimumWidth(84)
        field.valueChanged.connect(self._on_fields)
        return field

    def _arrange(self) -> None:
        fields = QHBoxLayout()
        for text, field in (("Min", self._low), ("Max", self._high)):
            name = QLabel(text, self)
            name.setBuddy(field)
            fields.addWidget(name)
            fields.addWidget(field, 1)
        name = QLabel("LUT", self)
        name.setBuddy(self._luts)
        rest = QHBoxLayout()
        rest.addWidget(name)
        rest.addWidget(self._luts, 1)
        rest.addWidget(self._auto_button)
        rest.addWidget(self._reset_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.histogram, 1)
        column.addLayout(fields)
        column.addLayout(rest)

    # -- gestures -----------------------------------------------------------------------------

    def press_auto(self) -> None:
        """Adapt the levels to the visible part of the source; each further press saturates more pixels."""
        self._auto.press()

    def reset(self) -> None:
        """Set levels that show all intensities of the plane (of the type, for 8 bits)."""
        if self.histogram.counts is not None:
            self._session.set_levels(self.histogram.counts.whole)

    def _on_levels(self, low: float, high: float) -> None:
        self._session.set_levels((low, high))

    def _on_fields(self) -> None:
        low, high = self._low.value(), self._high.value()
        if self.sender() is self._low and low >= high:
            high = view_state.apart(low, low)[1]
        elif low >= high:
            low = high - (view_state.apart(high, high)[1] - high)
        self._session.set_levels((low, high))

    def _on_lut(self) -> None:
        self._session.set_lut(self._luts.currentText())

    # -- showing ------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._count_soon()

    def _on_changed(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self.histogram.set_counts(None)
        if new.source is not old.source or new.position != old.position:
            self._count_soon()
        if any(getattr(new, n) is not getattr(old, n) for n in ("results", "position", "levels", "lut")):
            self._sync()

    def _sync(self) -> None:
        snapshot = self._session.snapshot
        source = snapshot.source
        low, high = levels_of(snapshot)
        decimals = 0
        if source is not None and source.stack.dtype.kind == "f":
            decimals = int(np.clip(3 - np.floor(np.log10(max(high - low, 1e-9))), 0, 9))
        elif low != round(low) or high != round(high):
            decimals = 1
        for field, value, word in ((self._low, low, "darkest"), (self._high, high, "brightest")):
            with QSignalBlocker(field):
                field.setDecimals(decimals)
                field.setSingleStep(max(float(f"{(high - low) / 100:.0e}"), 10.0**-decimals))
                field.setValue(value)
            field.setEnabled(source is not None)
            field.setToolTip(f"Intensity displayed in the {word} colour, in counts" if source else _NONE)
        self.histogram.set_levels((low, high))
        self.histogram.setEnabled(source is not None)
        self._sync_tips(source is not None)
        self._sync_luts(snapshot)

    def _sync_tips(self, open_: bool) -> None:
        tips = (
            (
                self._auto_button,
                "Adapt the levels to the visible part of the source, with 0.35 % of its pixels saturated; "
                "each further press saturates more (1, 2.5, 5 %)",
            ),
            (self._reset_button, "Show all intensities of the plane (of the type, for 8 bits)"),
            (self._luts, "Look-up table: the colours of the intensities from minimum to maximum"),
            (
                self.histogram,
                "Histogram of the source plane (logarithmic).\n"
                "Drag the lines, or select one with up and down and move it with left and right",
            ),
        )
        for widget, tip in tips:
            widget.setEnabled(open_)
            widget.setToolTip(tip if open_ else _NONE)

    def _sync_luts(self, snapshot: Snapshot) -> None:
        source = snapshot.source
        brought = source.stack.meta.luts if source is not None else ()
        own = snapshot.channel < len(brought)
        names = [*LUTS, luts.FROM_FILE] if own else list(LUTS)
        tables = {n: luts.table(n) for n in LUTS}
        if own:
            tables[luts.FROM_FILE] = luts.from_file(brought[snapshot.channel])
        if [self._luts.itemText(i) for i in range(self._luts.count())] != names:
            with QSignalBlocker(self._luts):
                self._luts.clear()
                for name in names:
                    self._luts.addItem(_swatch(tables[name]), name)
        if own:
            self._luts.setItemIcon(len(LUTS), _swatch(tables[luts.FROM_FILE]))
        with QSignalBlocker(self._luts):
            self._luts.setCurrentText(snapshot.lut if snapshot.lut in names else names[0])
        self.histogram.set_table(tables.get(snapshot.lut, tables["Grays"]))

    # -- counting -----------------------------------------------------------------------------

    def _count_soon(self) -> None:
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _count(self) -> None:
        """Compute the histogram of the source plane in a thread."""
        snapshot = self._session.snapshot
        source = snapshot.source
        if source is None:
            return
        position = {a: snapshot.position.get(a, 0) for a in source.stack.axes[:-2]}

        def work(job: Job) -> Counts:
            job.context.check()
            region = source.stack.region(**position)
            pixels: Pixels = Recorded.of(source.stack).values(region)
            return count(pixels, view_state.full_range(pixels))

        def done(counts: Counts) -> None:
            if self._session.snapshot.source is source:
                self.histogram.set_counts(counts)

        self._jobs.start("Counting intensities", work, done=done, channel=CHANNEL, quiet=True)


def _swatch(table: luts.Table) -> QIcon:
    row = np.ascontiguousarray(np.repeat(table[None], 12, axis=0))
    image = QImage(row.data, 256, 12, 768, QImage.Format.Format_RGB888)
    size = QSize(32, 12)
    mode = Qt.AspectRatioMode.IgnoreAspectRatio
    return QIcon(QPixmap.fromImage(image.scaled(size, mode, Qt.TransformationMode.SmoothTransformation)))
