"""The Metrics panel: metrics of all results against a chosen reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.metrics.columns import DOUBT, Column, as_text
from app.panels.metrics.comparing import Comparing
from app.panels.metrics.content import Content
from app.panels.metrics.estimating import Estimating
from app.panels.metrics.measuring import PATIENCE, Measuring
from app.panels.metrics.reference_chooser import ReferenceChooser
from app.panels.metrics.table import MetricsTable
from app.shell import file_kinds
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.widgets.common import ProgressRow, Sentence, failure

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.quality.metric import Metric


class MetricsPanel(QWidget):
    """Table of results with metrics against a reference, or with estimated errors without one.

    Attributes
    ----------
    ask_save : callable
        Asks for a file name, given a suggestion; "" for none.
    """

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._asked = False
        self._columns: tuple[Column, ...] = ()
        self._compared: tuple[int, ...] = ()
        self.ask_save: Callable[[str], str] = self._ask_save
        self.comparing = Comparing(session, jobs, self)
        self.reference = ReferenceChooser(session, jobs)
        self.measuring = Measuring(session, jobs, self)
        self.estimating = Estimating(session, jobs, self)
        self.content = Content(session, self.measuring, self.estimating)
        self._build()
        self.measuring.changed.connect(self._refresh)
        self.estimating.changed.connect(self._on_estimating)
        self.comparing.compared.connect(self._on_compared)
        self.comparing.changed.connect(self._on_comparing)
        self.comparing.said.connect(self.problem.say)
        self.reference.said.connect(self.problem.say)
        for row in (self.progress, self.estimate_progress):
            jobs.changed.connect(row.refresh)
        session.changed.connect(self._on_session)
        self._refresh()

    def _build(self) -> None:
        self.copy = QPushButton("Cop&y")
        self.copy.setObjectName("metrics-copy")
        self.copy.clicked.connect(self._on_copy)
        self.export = QPushButton("&Export CSV…")
        self.export.setObjectName("metrics-export")
        self.export.clicked.connect(self.export_csv)
        self.compare = QPushButton("&Compare classic filters")
        self.compare.setObjectName("metrics-compare")
        self.compare.setProperty("class", "primary")
        self.compare.clicked.connect(self.comparing.start)
        self.estimate = QPushButton("E&stimate here")
        self.estimate.setObjectName("metrics-estimate")
        self.estimate.clicked.connect(self.estimating.start_here)
        self.progress, self.estimate_progress = ProgressRow("compare"), ProgressRow("estimate")
        top = QHBoxLayout()
        top.addWidget(self.compare)
        top.addWidget(self.reference)
        top.addWidget(self.estimate)
        top.addStretch(1)
        top.addWidget(self.copy)
        top.addWidget(self.export)
        self.about = QLabel()
        self.about.setObjectName("metrics-about")
        self.about.setProperty("class", "muted")
        self.about.setWordWrap(True)
        self.problem = Sentence("metrics-problem")
        self.table = MetricsTable()
        self.table.chosen.connect(self._session.show)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.progress)
        layout.addWidget(self.estimate_progress)
        layout.addWidget(self.about)
        layout.addWidget(self.problem)
        layout.addWidget(self.table, 1)

    # -- display

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self.problem.clear()
        if (new.results, new.reference, new.measures, new.shown) != (
            old.results, old.reference, old.measures, old.shown,
        ):  # fmt: skip
            self._refresh()
        elif (new.view, new.position) != (old.view, old.position):
            self._allow_estimate(new)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.estimating.set_wanted(wanted=True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.estimating.set_wanted(wanted=False)

    @Slot()
    def _refresh(self) -> None:
        snapshot = self._session.snapshot
        if snapshot.results and not self._asked:
            self._asked = True
            self._jobs.start("Loading measures", self._load_metrics, done=self._on_metrics, quiet=True)
        self.about.setText(self._words(snapshot))
        if self.content.metrics:
            columns = self.content.columns
            if columns != self._columns:
                self._columns = columns
                self.table.set_columns(columns)
            self.table.set_rows(columns, self.content.rows(), snapshot.shown)
            self._show_best(snapshot)
        self._allow_estimate(snapshot)
        ready = bool(self.content.metrics and snapshot.results)
        for button, help in (
            (self.copy, "Copy the table for a spreadsheet."),
            (self.export, "Save the table as comma-separated values."),
        ):
            button.setEnabled(ready)
            button.setToolTip(f"<p>{help if ready else 'No stack is open; the table is empty.'}</p>")

        reason = self.comparing.why_not(snapshot)
        count = len(self.comparing.missing(snapshot))
        self.compare.setEnabled(not reason)
        self.compare.setToolTip(
            f"<p>{reason}</p>"
            if reason
            else f"<p>Run {count} filter{'s' if count > 1 else ''} with default parameters on the whole "
            "stack, and add the results as rows; one Undo removes all of them.</p>"
        )

    @Slot()
    def _on_comparing(self) -> None:
        self.progress.follow(self.comparing.job)
        self._refresh()

    def _on_metrics(self, metrics: Sequence[Metric]) -> None:
        self.content.metrics = metrics
        self.measuring.without_reference = any(
            not metric.needs_reference and metric.better != "neither" for metric in metrics
        )
        self._refresh()

    @Slot()
    def _on_estimating(self) -> None:
        job = self.estimating.job
        self.estimate_progress.follow(job)
        self.about.setVisible(job is None)
        self._refresh()

    @Slot(tuple)
    def _on_compared(self, keys: tuple[int, ...]) -> None:
        self._compared = keys
        self._refresh()

    def _show_best(self, snapshot: Snapshot) -> None:
        """Show the best of the compared filters when all are measured, unless another result was chosen."""
        if self._compared and snapshot.shown != self._compared[0]:
            self._compared = ()
        best = self.content.best_of(self._compared) if self._compared else None
        if best is not None:
            self._compared = ()
            self._session.show(best)

    def _allow_estimate(self, snapshot: Snapshot) -> None:
        reason = self.estimating.why_not(snapshot)
        self.estimate.setVisible(snapshot.reference is None)
        self.estimate.setEnabled(not reason)
        usual = (
            "Estimate the error of every result in the visible region of this plane (its central 512 × 512 "
            "pixels), without a reference."
        )
        self.estimate.setToolTip(f"<p>{reason or usual}</p>")

    def _words(self, snapshot: Snapshot) -> str:
        """Return what is measured against what, with hints for the interpretation."""
        reference = snapshot.reference
        if snapshot.source is None:
            return "Open a stack to see the metrics of all results here."
        if reference is None:
            return self._estimated_words()
        words = ["Metrics are computed for each plane and averaged."]
        words.append("Range: maximum minus minimum of the reference, plane by plane.")
        if reference.kind == "frames":
            words.append("Averaging over time increases the metrics: see “Frames in”.")
        words += tuple(f.text for f in reference.stack.meta.findings) if reference.kind == "frames" else ()
        problems = {self.measuring.problem(r): None for r in snapshot.results if self.measuring.problem(r)}
        return " ".join([*words, *problems])

    def _estimated_words(self) -> str:
        place, doubts = self.estimating.place, self.estimating.doubts
        if place is None:
            return (
                "Without a reference, the errors of all results are estimated from the noise of the image. "
                "With a clean stack as reference, they are measured."
            )
        if place.reason:
            return place.reason
        words = [f"Estimated without a reference on {place.words}."]
        if self.estimating.stopped:
            words.append("The estimation was cancelled.")
        words += [f"{DOUBT} May be wrong: {finding.text}" for finding in doubts]
        return " ".join(words)

    # -- user actions

    def _text(self, separator: str) -> str:
        reference = self._session.snapshot.reference
        about = (
            reference.label if reference else "none",
            "scale and offset" if reference and reference.affine else "none",
        )
        rows = {row.key: row for row in self.content.rows()}
        return as_text(self.content.columns, [rows[key] for key in self.table.order()], about, separator)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text("\t"))

    @Slot()
    def export_csv(self) -> None:
        """Save the table in its current order, under a name that the user chooses."""
        source = self._session.snapshot.source
        if source is None or not self.content.metrics:
            return
        meta = source.stack.meta
        folder = meta.path.parent if meta.path else Path()
        path = self.ask_save(str(folder / f"{meta.name.split('.')[0]}_metrics.csv"))
        if not path:
            return
        text = self._text(",")

        def work(_: Job) -> None:
            from core.files.atomic import write_text

            write_text(Path(path), text)

        def end(outcome: Outcome) -> None:
            self.problem.say(failure(outcome, "Saving the table"))

        self._jobs.start("Saving the table", work, end=end)

    def _load_metrics(self, job: Job) -> Sequence[Metric]:
        self._jobs.give_way(job, PATIENCE)
        from core.quality.metrics import metrics

        return metrics()

    def _ask_save(self, suggested: str) -> str:
        return QFileDialog.getSaveFileName(self, "Export metrics", suggested, file_kinds.TABLES)[0]
