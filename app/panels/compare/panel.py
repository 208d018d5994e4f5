"""The Compare panel: which method is best for the open stack."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.panels.compare.choices import CompareChoices
from app.panels.compare.ranking import RankingList
from app.panels.compare.run import SEED, Compared, Run, fitted
from app.preview.regions import visible_region
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.shell.view_state import Preview
from app.widgets.common import ProgressRow, Section, Sentence, failure
from core.learning.base import Learned
from core.stack import Region, region_shape

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.work.contenders import Contender
    from core.work.contest import Entry

CHANNEL, ASKING = "compare", "compare-methods"

CLOSED = "No stack is open. Drop a TIFF stack on the window or open the sample."


class ComparePanel(QWidget):
    """Compares methods on a region of the displayed plane, and ranks them.

    Attributes
    ----------
    changed : Signal
        Results arrived, another one was chosen, or all were discarded.
    sheet_wanted : Signal of bool
        Whether to show the contact sheet instead of the image.
    apply_wanted : Signal of Entry
        Apply this method to the whole stack.
    report_wanted : Signal of Comparison
        Write a report of this comparison.
    found : Compared or None
        The last comparison, complete or not.
    current : int or None
        Index of the chosen method in ``found.ordered``.
    """

    changed = Signal()
    sheet_wanted = Signal(bool)
    apply_wanted = Signal(object)
    report_wanted = Signal(object)

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self.found: Compared | None = None
        self.current: int | None = None
        self._source: Result | None = None
        self._asked = 0
        self._waiting = ""
        self._run: Run | None = None
        self._job: Job | None = None
        self._mine: Preview | None = None
        self._study = False
        self._build()
        self._connect()
        self._update()

    def _build(self) -> None:
        self.choices = CompareChoices()
        self.setup = Section("Methods", "compare-setup", "<p>Methods, region and time of the comparison.</p>")
        self.setup.body.addWidget(self.choices)
        self.setup.set_open(True)
        self.setup.button.setChecked(True)
        self.start = QPushButton("&Compare")
        self.start.setObjectName("compare-start")
        self.start.setProperty("class", "primary")
        self.progress = ProgressRow("comparison")
        self.progress.cancel_button.setToolTip("<p>Stop; results that are complete are kept.</p>")
        self.problem = Sentence("compare-problem")
        self.hint = Sentence("compare-hint", warning=False)
        self.verdict = QLabel()
        self.verdict.setObjectName("compare-verdict")
        self.verdict.setWordWrap(True)
        self.reference = Sentence("compare-reference-note")
        self.fit = QPushButton("&Fit scale and offset")
        self.fit.setObjectName("compare-fit")
        self.fit.setToolTip(
            "<p>Fit scale and offset of every result to the reference (least squares), and rank again. "
            "Nothing is computed again.</p>"
        )
        self.ranking = RankingList()
        self.sheet = QPushButton("Contact &sheet")
        self.sheet.setObjectName("compare-sheet")
        self.report = QPushButton("&Report…")
        self.report.setObjectName("compare-report")
        self.apply = QPushButton("&Apply to the whole stack")
        self.apply.setObjectName("compare-apply")
        self.apply.setProperty("class", "primary")
        buttons = QHBoxLayout()
        buttons.addWidget(self.sheet)
        buttons.addWidget(self.report)
        buttons.addStretch(1)
        applying = QHBoxLayout()
        applying.addStretch(1)
        applying.addWidget(self.apply)
        top = QHBoxLayout()
        top.addStretch(1)
        top.addWidget(self.start)
        fits = QHBoxLayout()
        fits.addStretch(1)
        fits.addWidget(self.fit)
        column = self._column = QVBoxLayout(self)
        column.addWidget(self.setup)
        column.addLayout(top)
        for part in (self.progress, self.hint, self.problem, self.verdict, self.reference):
            column.addWidget(part)
        column.addLayout(fits)
        column.addWidget(self.ranking)
        column.addLayout(buttons)
        column.addLayout(applying)

    def _connect(self) -> None:
        self._session.changed.connect(self._on_session)
        self._jobs.changed.connect(self.progress.refresh)
        self.choices.changed.connect(self._update)
        self.setup.button.toggled.connect(self._share_height)
        self.start.clicked.connect(self._on_start)
        self.fit.clicked.connect(self._on_fit)
        self.ranking.chosen.connect(self.choose)
        self.sheet.clicked.connect(self._on_sheet)
        self.report.clicked.connect(self._on_report)
        self.apply.clicked.connect(self._on_apply)

    # -- following the document

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._jobs.cancel(CHANNEL)
            self._forget()
            self._want()
        elif new.shown != old.shown:
            self._mark(None)
        elif new.position != old.position and self.isVisible():
            self._show_large()
        if new.reference is not old.reference:
            self.choices.show_reference(new.reference)
        if (new.view, new.position, new.reference) != (old.view, old.position, old.reference):
            self._update()

    def _forget(self) -> None:
        """Discard everything that belongs to a closed document."""
        self.found = self.current = self._run = None
        self._source, self._mine = self._session.snapshot.source, None
        self.problem.clear()
        self.setup.button.setChecked(True)
        self.sheet_wanted.emit(False)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._want()
        self._show_large()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        mine, self._mine = self._mine, None
        if mine is not None and self._session.snapshot.preview is mine:
            self._session.set_preview(None)

    def _want(self) -> None:
        """Find the methods that suit the open stack, if the panel is visible."""
        source = self._session.snapshot.source
        if source is None or not self.isVisible() or self._asked == source.key:
            self._update()
            return
        self._asked, self._waiting = source.key, "Measuring the noise, to propose methods…"
        stack = source.stack

        def work(job: Job) -> tuple[Contender, ...]:
            from core.work.contenders import contenders

            return contenders(stack, job.context)

        self._jobs.start(
            "Proposing methods", work, end=partial(self._on_contenders, source.key), channel=ASKING,
            quiet=True,
        )  # fmt: skip
        self._update()

    def _on_contenders(self, key: int, outcome: Outcome) -> None:
        source = self._session.snapshot.source
        if source is None or source.key != key:
            return
        self._waiting = ""
        self.problem.say(failure(outcome, "Measuring the noise"))
        if outcome.state == "succeeded":
            self.choices.offer(outcome.value)
            if self._study:
                self._start_study()
        else:
            self._asked = 0
        self._update()

    # -- what can be done now

    def _region(self, snapshot: Snapshot) -> Region:
        source = snapshot.source
        assert source is not None
        view = None if self.choices.whole else snapshot.view
        return visible_region(source.stack, snapshot.position, view)

    def _reason(self) -> str:
        """Return why nothing can be compared now, or ""."""
        snapshot = self._session.snapshot
        if snapshot.source is None:
            return CLOSED
        if self._job is not None:
            return "A comparison is running; wait for it or cancel it."
        if self._waiting:
            return self._waiting
        if len(self.choices.chosen()) < 2:
            return "Tick two methods or more."
        if not self.choices.reference.isChecked():
            from core.quality.judge import LEAST

            rows, columns = region_shape(self._region(snapshot))[-2:]
            if min(rows, columns) < LEAST:
                return (
                    f"The region has {rows} x {columns} pixels; errors can be estimated from {LEAST} x "
                    f"{LEAST} on. Zoom out, choose the whole plane, or use a reference."
                )
        return ""

    @Slot()
    def _update(self) -> None:
        """Update which actions are enabled, with reasons."""
        reason, found = self._reason(), self.found
        count = len(self.choices.chosen())
        networks = any(isinstance(method, Learned) for method in self.choices.chosen())
        self.start.setEnabled(not reason)
        time = f", within about {self.choices.seconds.value()} s" if networks else ""
        usual = f"Run {count} methods on the region{time}, and rank them."
        self.start.setToolTip(f"<p>{reason or usual}</p>")
        self.choices.seconds.setEnabled(networks)
        self.choices.list.setEnabled(not self._waiting)
        self.setup.button.setText(f"Methods ({count})" if count else "Methods")
        busy = self._job is not None
        self.hint.say(reason if self._session.snapshot.source is not None and not busy else "")
        chosen = self._chosen()
        self.sheet.setEnabled(found is not None and any(e.result is not None for e in found.entries))
        self.sheet.setToolTip(
            "<p>Show all results side by side, best first, with one zoom and contrast.</p>"
            if self.sheet.isEnabled() else "<p>There is no result yet. Compare methods first.</p>"
        )  # fmt: skip
        self.report.setEnabled(self.sheet.isEnabled() and not busy)
        waiting = "A comparison is running; wait for it or cancel it." if busy else "There is no result yet."
        self.report.setToolTip(
            "<p>Write a page for any browser: images, plots, verdict, noise findings, recipes and a methods "
            "text, with the table beside it.</p>" if self.report.isEnabled() else f"<p>{waiting}</p>"
        )  # fmt: skip
        self.apply.setEnabled(chosen is not None and not busy)
        self.apply.setToolTip(f"<p>{self._apply_help(chosen, busy=busy)}</p>")

    @staticmethod
    def _apply_help(chosen: Entry | None, *, busy: bool) -> str:
        if busy:
            return "A comparison is running; wait for it or cancel it."
        if chosen is None:
            return "There is no result yet. Compare methods first."
        trained = ", with the network that was trained here" if isinstance(chosen.method, Learned) else ""
        return f"Run {chosen.label} on the whole stack{trained}, and add the result."

    def _chosen(self) -> Entry | None:
        """Return the chosen method, by default the best one."""
        if self.found is None:
            return None
        entries = self.found.ordered
        at = self.current if self.current is not None else 0
        return entries[at] if at < len(entries) and entries[at].result is not None else None

    # -- comparing

    @Slot()
    def _on_start(self) -> None:
        self.compare()

    def compare(self) -> None:
        """Compare the ticked methods on the region."""
        snapshot = self._session.snapshot
        source, methods = snapshot.source, self.choices.chosen()
        if source is None or self._reason():
            return
        reference = snapshot.reference if self.choices.reference.isChecked() else None
        self._source = source
        begin = Compared(
            stack=source.stack, region=self._region(snapshot), seconds=float(self.choices.seconds.value()),
            reference=reference.stack if reference is not None else None,
            reference_name=reference.label if reference is not None else "",
            affine=reference is not None and reference.affine,
        )  # fmt: skip
        self._mark(None)
        self.found, run = None, Run(begin, methods)
        self._run = run
        self.problem.clear()
        self._job = self._jobs.start(
            "Comparing methods", run, partial=self._on_found, end=partial(self._on_end, run), channel=CHANNEL
        )
        self.progress.follow(self._job)
        self.setup.button.setChecked(False)
        self._show()

    def _on_found(self, found: Compared) -> None:
        first = self.found is None
        self._take(found)
        if first:
            self.sheet_wanted.emit(True)

    def _take(self, found: Compared) -> None:
        """Show a comparison, and keep the chosen method chosen."""
        chosen = self._chosen() if self.current is not None else None
        self.found = found
        if chosen is not None:
            ids = [id(entry.result) for entry in found.ordered]
            self.current = ids.index(id(chosen.result)) if id(chosen.result) in ids else None
        self._show()

    def _on_end(self, run: Run, outcome: Outcome) -> None:
        self._job = None
        self.progress.follow(None)
        if run is not self._run:  # of a closed document
            self._update()
            return
        if run.found.entries:
            self._take(run.found)
        else:
            self.setup.button.setChecked(True)
            self.sheet_wanted.emit(False)
            self._show()
        if outcome.state == "cancelled" and run.found.entries:
            self.problem.say(f"Cancelled; {len(run.found.entries)} methods were complete.")
        else:
            self.problem.say(failure(outcome, "The comparison"))

    @Slot()
    def _on_fit(self) -> None:
        found = self.found
        if found is None or self._job is not None:
            return
        run = self._run
        self._job = self._jobs.start(
            "Fitting scale and offset", lambda job: fitted(found, job.context),
            end=partial(self._on_fitted, run), channel=CHANNEL,
        )  # fmt: skip
        self._session.set_affine(affine=True)
        self._update()

    def _on_fitted(self, run: Run | None, outcome: Outcome) -> None:
        self._job = None
        if run is self._run and run is not None and outcome.state == "succeeded":
            run.found = outcome.value
            self._take(outcome.value)
        self.problem.say(failure(outcome, "Fitting"))
        self._update()

    # -- showing

    def _show(self) -> None:
        """Show ranking, verdict and notes of the last comparison."""
        found = self.found
        ended = found is not None and self._job is None
        self.ranking.show_compared(found, self.current)
        self.ranking.setVisible(found is not None and bool(found.entries))
        self.verdict.setText(found.verdict.text if found is not None and ended else "")
        self.verdict.setVisible(bool(self.verdict.text()))
        notes = found.notes if found is not None else ()
        self.reference.say(" ".join(finding.text for finding in notes))
        self.fit.setVisible(bool(notes) and ended)
        for part in (self.sheet, self.report, self.apply):
            part.setVisible(found is not None or self._job is not None)
        self._share_height()
        self._update()
        self.changed.emit()

    @Slot()
    def _share_height(self) -> None:
        """Give the height to the methods while they are open, and to the ranking."""
        opened = self.setup.button.isChecked()
        self._column.setStretchFactor(self.setup, 1 if opened else 0)
        self._column.setStretchFactor(self.ranking, 0 if self.ranking.isHidden() else 2)

    @Slot(int)
    def choose(self, index: int) -> None:
        """Show the result of a method large beside the source."""
        self._mark(index)
        if self._session.snapshot.layout in ("single", "difference"):
            self._session.set_layout("split")
        found = self.found
        if found is not None:
            at = dict(zip(found.stack.axes, found.region, strict=True))
            self._session.move(**{axis: at[axis].start for axis in self._session.snapshot.position})
        self.sheet_wanted.emit(False)
        self._show_large()

    def _mark(self, index: int | None) -> None:
        if index != self.current:
            self.current = index
            self._mine = None if index is None else self._mine
            self.ranking.show_compared(self.found, index)
            self._update()
            self.changed.emit()

    def _show_large(self) -> None:
        """Show the chosen result as the preview of the document, if its plane is displayed."""
        found, chosen, snapshot = self.found, self._chosen(), self._session.snapshot
        if self.current is None or found is None or chosen is None or chosen.result is None:
            return
        at = dict(zip(found.stack.axes, found.region, strict=True))
        if any(at[axis].start != index for axis, index in snapshot.position.items()):
            return
        result = chosen.result
        pixels = result.stacks[0].read()
        outputs = ((result.method.outputs[0], pixels.reshape(pixels.shape[-2:])),)
        self._mine = Preview(label=chosen.label, region=found.region, outputs=outputs)
        self._session.set_preview(self._mine)

    @Slot()
    def _on_sheet(self) -> None:
        self.sheet_wanted.emit(True)

    @Slot()
    def _on_apply(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self.sheet_wanted.emit(False)
            self.apply_wanted.emit(chosen)

    @Slot()
    def _on_report(self) -> None:
        found = self.found
        if found is None:
            return
        from datetime import datetime

        from core.report import Comparison

        self.report_wanted.emit(
            Comparison(
                stack=found.stack, region=found.region, entries=found.entries,
                when=datetime.now().astimezone(), reference=found.reference, affine=found.affine,
                seconds=found.seconds, seed=SEED, doubts=found.doubts,
            )
        )  # fmt: skip

    # -- the study

    def replay_study(self) -> None:
        """Compare the methods of the published study on the stack that was just opened."""
        self._study, self._asked = True, 0
        self._want()

    def _start_study(self) -> None:
        from core.work.contenders import study

        self._study = False
        source = self._session.snapshot.source
        if source is not None:
            self.choices.tick(study(source.stack))
            self.choices.region.setCurrentIndex(1)
            self.compare()
