"""The Metrics panel: metrics of all results against a chosen reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.metrics.comparing import Comparing
from app.panels.metrics.measuring import PATIENCE, Measuring
from app.panels.metrics.reference_chooser import ReferenceChooser
from app.panels.metrics.references import frames_in
from app.panels.metrics.table import MetricsTable, Row, as_text
from app.shell import file_kinds
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.widgets.common import ProgressRow, Sentence, failure

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.quality.metric import Metric


class MetricsPanel(QWidget):
    """Table of results and metrics, with the choice of the reference.

    Attributes
    ----------
    ask_save : callable
        Asks for a file name, given a suggestion; "" for none.
    """

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._metrics: Sequence[Metric] = ()
        self._asked = False
        self.ask_save: Callable[[str], str] = self._ask_save
        self.comparing = Comparing(session, jobs, self)
        self.reference = ReferenceChooser(session, jobs)
        self._build()
        self.measuring = Measuring(session, jobs, self)
        self.measuring.changed.connect(self._refresh)
        self.comparing.changed.connect(self._on_comparing)
        self.comparing.said.connect(self.problem.say)
        self.reference.said.connect(self.problem.say)
        jobs.changed.connect(self.progress.refresh)
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
        self.progress = ProgressRow("compare")
        top = QHBoxLayout()
        top.addWidget(self.compare)
        top.addWidget(self.reference)
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

    @Slot()
    def _refresh(self) -> None:
        snapshot = self._session.snapshot
        if snapshot.results and not self._asked:
            self._asked = True
            self._jobs.start("Loading measures", self._load_metrics, done=self._on_metrics, quiet=True)
        self.about.setText(self._words(snapshot))
        if self._metrics:
            self.table.set_rows(self._metrics, self.rows(), snapshot.shown)
        ready = bool(self._metrics and snapshot.results)
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
        self._metrics = metrics
        self.table.set_metrics(metrics)
        self._refresh()

    def _words(self, snapshot: Snapshot) -> str:
        """Return what is measured against what, with hints for the interpretation."""
        reference = snapshot.reference
        if snapshot.source is None:
            return "Open a stack to see the metrics of all results here."
        if reference is None:
            return "Without a reference, few metrics can be computed. Choose a clean stack as reference."
        words = ["Metrics are computed for each plane and averaged."]
        words.append("Range: maximum minus minimum of the reference, plane by plane.")
        if reference.kind == "frames":
            words.append("Averaging over time increases the metrics: see “Frames in”.")
        words += tuple(f.text for f in reference.stack.meta.findings) if reference.kind == "frames" else ()
        problems = {self.measuring.problem(r): None for r in snapshot.results if self.measuring.problem(r)}
        return " ".join([*words, *problems])

    def rows(self) -> list[Row]:
        """Return the rows of the table, in the order of the results."""
        return [self._row(result) for result in self._session.snapshot.results]

    def _row(self, result: Result) -> Row:
        snapshot = self._session.snapshot
        measures, reason = self.measuring.find(result), self.measuring.problem(result)
        values: tuple[float, ...] | None = None
        if measures is not None:
            values = tuple(measures[m.name] for m in self._metrics)
        elif reason:
            values = (math.nan,) * len(self._metrics)
        elif not result.is_image:
            values = (math.nan,) * len(self._metrics)
            reason = "This result is not an image of the specimen."
        if snapshot.reference is not None and result.stack is snapshot.reference.stack and values:
            own = zip(self._metrics, values, strict=True)
            values = tuple(math.nan if m.needs_reference else v for m, v in own)
            reason = "This result is the reference."
        return Row(
            key=result.key, label=result.label, details=result.step.parameters if result.step else "",
            frames=frames_in(snapshot, result.key), values=values, seconds=result.seconds,
            note=self.measuring.note(result), reason=reason,
        )  # fmt: skip

    # -- user actions

    def _text(self, separator: str) -> str:
        reference = self._session.snapshot.reference
        about = (
            reference.label if reference else "none",
            "scale and offset" if reference and reference.affine else "none",
        )
        rows = {row.key: row for row in self.rows()}
        return as_text(self._metrics, [rows[key] for key in self.table.order()], about, separator)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text("\t"))

    @Slot()
    def export_csv(self) -> None:
        """Save the table in its current order, under a name that the user chooses."""
        source = self._session.snapshot.source
        if source is None or not self._metrics:
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
