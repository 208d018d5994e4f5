"""The Noise panel: what is known of the noise of the open stack, and what to do about it."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.panels.noise.camera_box import CameraBox
from app.panels.noise.plots import NoisePlots
from app.panels.noise.rows import EntryList
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.widgets.common import ProgressRow, Sentence, failure

if TYPE_CHECKING:
    from core.noise.report import NoiseReport

CHANNEL = "noise-report"


class NoisePanel(QWidget):
    """Measures the noise of the open stack while it is visible, and shows it for the displayed channel.

    Attributes
    ----------
    taken : Signal of Proposal
        The user accepted a proposal.
    noise_model_wanted : Signal
        The user wants to see or make a noise model.
    marked : Signal of tuple of (int, int)
        Rows and columns of pixels to mark in the image; empty for none.
    """

    taken = Signal(object)
    marked = Signal(object)
    noise_model_wanted = Signal()

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self.report: NoiseReport | None = None
        self._asked = self._number = 0
        self._job: Job | None = None
        self._build()
        session.changed.connect(self._on_session)
        jobs.changed.connect(self.progress.refresh)
        self._update()

    def _build(self) -> None:
        self.entries = EntryList()
        self.entries.taken.connect(self.taken)
        self.entries.marked.connect(self._on_marked)
        self.camera = CameraBox()
        self.plots = NoisePlots()
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setSpacing(10)
        column.addWidget(self.entries)
        column.addWidget(self.plots)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.problem = Sentence("noise-problem")
        self.hint = Sentence("noise-hint", warning=False)
        self.progress = ProgressRow("noise")
        self.measure = QPushButton("&Measure")
        self.measure.setObjectName("noise-measure")
        self.measure.setToolTip("<p>Measure the noise of the open stack again.</p>")
        self.measure.clicked.connect(self._on_measure)
        self.copy = QPushButton("&Copy JSON")
        self.copy.setObjectName("noise-copy")
        self.copy.setToolTip("<p>Copy the report: the same as 'quietfield noise STACK --json'.</p>")
        self.copy.clicked.connect(self._on_copy)
        self.model = QPushButton("Noise m&odel…")
        self.model.setObjectName("noise-model-open")
        self.model.setToolTip("<p>See and make noise models, for training PN2V and DivNoising.</p>")
        self.model.clicked.connect(self.noise_model_wanted)
        self.everything = QCheckBox("&Explain all")
        self.everything.setObjectName("noise-explain")
        self.everything.setToolTip("<p>Show a sentence for the lines without problems too.</p>")
        self.everything.toggled.connect(self.entries.explain)
        buttons = QHBoxLayout()
        buttons.addWidget(self.everything)
        buttons.addStretch(1)
        buttons.addWidget(self.measure)
        buttons.addWidget(self.model)
        buttons.addWidget(self.copy)
        bottom = QVBoxLayout()
        margins = column.contentsMargins()
        bottom.setContentsMargins(margins.left(), 0, margins.right(), margins.bottom())
        bottom.addWidget(self.camera)
        for part in (self.hint, self.problem, self.progress):
            bottom.addWidget(part)
        bottom.addLayout(buttons)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll, 1)
        whole.addLayout(bottom)

    # -- following the document

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._jobs.cancel(CHANNEL)
            self.report, self._asked = None, 0
            self.problem.clear()
            self._clear_marks()
            if self.isVisible():
                self.refresh_cameras()
            self._want()
        elif new.channel != old.channel:
            self._clear_marks()
            self._update()

    def _clear_marks(self) -> None:
        """Remove the marks on the image together with the box that shows them."""
        self.entries.show_entries((), markable=False)
        self.marked.emit(())

    @Slot()
    def refresh_cameras(self) -> None:
        """List the saved cameras again."""
        source = self._session.snapshot.source
        self.camera.refresh(source.stack if source is not None else None)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh_cameras()
        self._want()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._job is not None:
            self._asked = 0  # measured when it is visible again
        self._jobs.cancel(CHANNEL)

    def _want(self) -> None:
        """Measure the open stack if the panel is visible, unless it was measured or cancelled."""
        source = self._session.snapshot.source
        if source is not None and self.isVisible() and self._asked != source.key:
            self._start()
        self._update()

    def _start(self) -> None:
        source = self._session.snapshot.source
        if source is None:
            return
        self._asked = source.key
        stack = source.stack
        self.problem.clear()

        def work(job: Job) -> NoiseReport:
            from core.noise.report import report_noise

            return report_noise(stack, job.context)

        self._number += 1
        end = partial(self._on_end, self._number)
        self._job = self._jobs.start("Measuring the noise", work, end=end, channel=CHANNEL)
        self.progress.follow(self._job)
        self._update()

    def _on_end(self, number: int, outcome: Outcome) -> None:
        if number != self._number:  # another measurement has begun
            return
        self._job = None
        self.progress.follow(None)
        if outcome.state == "succeeded":
            self.report = outcome.value
        self.problem.say(failure(outcome, "Measuring the noise"))
        self._update()

    def _update(self) -> None:
        """Show the report of the displayed channel."""
        source, report = self._session.snapshot.source, self.report
        why = (
            "No stack is open. Drop a TIFF stack on the window or open the sample." if source is None else ""
        )
        self.hint.say(why)
        self.measure.setEnabled(source is not None and self._job is None)
        self.measure.setVisible(source is not None and report is None and self._job is None)
        self.model.setEnabled(source is not None)
        self.copy.setEnabled(report is not None)
        self.everything.setEnabled(report is not None)
        self.entries.setVisible(report is not None)
        if report is None:
            self.plots.hide()
            return
        channel = min(self._session.snapshot.channel, len(report.channels) - 1)
        shown = report.channels[channel]
        self.entries.show_entries(report.lines(channel), markable=shown.defects.count > 0)
        self.plots.show_report(shown)

    # -- actions

    @Slot()
    def _on_measure(self) -> None:
        self._start()

    @Slot(bool)
    def _on_marked(self, wanted: bool) -> None:
        if self.report is None or not wanted:
            self.marked.emit(())
            return
        channel = min(self._session.snapshot.channel, len(self.report.channels) - 1)
        defects = self.report.channels[channel].defects
        self.marked.emit((*defects.hot, *defects.dead))

    @Slot()
    def _on_copy(self) -> None:
        if self.report is not None:
            QGuiApplication.clipboard().setText(json.dumps(self.report.to_dict(), indent=1))
