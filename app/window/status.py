"""The status bar: pixel under the cursor, running job, memory in use."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget

from app.shell import theme
from app.shell.durations import clock_left
from app.shell.jobs import Job, Jobs
from app.viewer.viewer import Hover
from core.machine import private_memory

MEMORY_INTERVAL = 2000
"""Interval between two measurements of the memory in use, in milliseconds."""


class StatusBar(QStatusBar):
    """Pixel readout on the left, running job in the middle, memory on the right."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.readout = QLabel()
        self.readout.setObjectName("readout")
        self.readout.setToolTip("Pixel under the cursor: column x, row y, position in µm, source → result")
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.readout.setContentsMargins(8, 0, 8, 0)
        self.job = JobStatus(jobs)
        self.memory = QLabel()
        self.memory.setObjectName("memory")
        self.memory.setToolTip("Memory used by this program, without files that are mapped into memory")
        self.memory.setContentsMargins(8, 0, 8, 0)
        self.addWidget(self.readout, 1)
        self.addPermanentWidget(self.job)
        self.addPermanentWidget(self.memory)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh_memory)
        self._timer.start(MEMORY_INTERVAL)

    def refresh_memory(self) -> None:
        """Show the memory in use."""
        self.memory.setText(f"{private_memory() / 1e9:.1f} GB")


class JobStatus(QWidget):
    """The oldest running job: name, progress, remaining time, and a cancel button."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.setObjectName("job-status")
        self._jobs = jobs
        self._job: Job | None = None
        self.label = QLabel()
        self.label.setObjectName("job-label")
        self.bar = QProgressBar()
        self.bar.setObjectName("job-progress")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.left = QLabel()
        self.left.setObjectName("job-left")
        self.left.setMinimumWidth(self.left.fontMetrics().horizontalAdvance("00:00 left"))
        self.button = QToolButton()
        self.button.setObjectName("job-cancel")
        self.button.setAutoRaise(True)
        self.button.setAccessibleName("Cancel")
        self.button.clicked.connect(self._on_cancel)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        for widget in (self.label, self.bar, self.left, self.button):
            line.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        self.refresh_icons()
        self.hide()
        jobs.changed.connect(self._on_changed)

    def refresh_icons(self) -> None:
        """Redraw the icon in the colours of the theme."""
        self.button.setIcon(theme.icon("close"))

    def _on_changed(self) -> None:
        busy = self._jobs.busy
        self._job = busy[0] if busy else None
        if self._job is None:
            self.hide()
            return
        job = self._job
        more = f"  (+{len(busy) - 1} more)" if len(busy) > 1 else ""
        text = "Stopping…" if job.context.cancelled else job.label
        metrics = self.label.fontMetrics()
        self.label.setText(metrics.elidedText(text + more, Qt.TextElideMode.ElideMiddle, 320))
        self.label.setToolTip(f"{job.label}: {job.text}" if job.text else job.label)
        self.bar.setValue(round(1000 * job.fraction))
        self.bar.setToolTip(f"{100 * job.fraction:.0f} % done")
        self.left.setText(remaining(job))
        self.button.setEnabled(not job.context.cancelled)
        self.button.setToolTip(f"Cancel: {job.label}. Nothing is changed")
        self.show()

    def _on_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._on_changed()


def readout(hover: Hover) -> str:
    """Return the readout of the pixel under the pointer."""
    place = f" ({hover.position})" if hover.position else ""
    words = f"x {hover.x}  y {hover.y}{place}"
    if hover.raw is not None:
        words += f"    raw {hover.raw:.6g}"
    if hover.shown is not None:
        words += f" → {hover.shown:.6g}" + (f"  {hover.label}" if hover.label else "")
    return words


def remaining(job: Job) -> str:
    """Return the remaining time of a job: what its work says, or else by its progress so far."""
    if job.left is None:
        return time_left(job.fraction, time.monotonic() - job.started)
    return clock_left(job.left)


def time_left(fraction: float, seconds: float) -> str:
    """Return the remaining time, such as "0:42 left"; "" while it is unknown."""
    if not 0.02 <= fraction < 1.0 or seconds < 1.0:
        return ""
    return clock_left(seconds * (1 - fraction) / fraction)
