"""The Compare panel: which method is best for the open stack."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from app.panels.compare import reasons, words
from app.panels.compare.comparing import Comparing
from app.panels.compare.proposing import Proposing
from app.panels.compare.run import SEED, Run, ordered
from app.panels.compare.view import CompareView
from app.preview.regions import visible_region
from app.shell.jobs import Jobs
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.shell.view_state import Preview
from core.learning.base import Learned
from core.stack import Region, region_shape

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.report import Comparison
    from core.work.contenders import Contender
    from core.work.contest import Entry


class ComparePanel(CompareView):
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
    found : Comparison or None
        The last comparison, complete or not.
    current : int or None
        Index of the chosen method in `ordered`.
    """

    changed = Signal()
    sheet_wanted = Signal(bool)
    apply_wanted = Signal(object)
    report_wanted = Signal(object)

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self.found: Comparison | None = None
        self.current: int | None = None
        self._mine: Preview | None = None
        self._study = False
        self.comparing = Comparing(jobs, self)
        self.proposing = Proposing(jobs, self)
        self._connect()
        self._update()

    def _connect(self) -> None:
        self._session.changed.connect(self._on_session)
        self._jobs.changed.connect(self.progress.refresh)
        self.comparing.changed.connect(self._on_job)
        self.comparing.found.connect(self._on_found)
        self.comparing.ended.connect(self._on_ended)
        self.comparing.said.connect(self.problem.say)
        self.proposing.found.connect(self._on_contenders)
        self.proposing.ended.connect(self._on_proposed)
        self.choices.changed.connect(self._update)
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
            self.comparing.forget()
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
        self.found = self.current = self._mine = None
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
        if source is not None and self.isVisible():
            self.proposing.ask(source)
        self._update()

    @Slot(object)
    def _on_contenders(self, found: tuple[Contender, ...]) -> None:
        self.choices.offer(found)
        source = self._session.snapshot.source
        if self._study and source is not None:
            from core.work.contenders import study

            self._study = False
            self.choices.tick(study(source.stack))
            self.choices.region.setCurrentIndex(1)
            self.compare()

    @Slot(str)
    def _on_proposed(self, message: str) -> None:
        self.problem.say(message)
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
        return reasons.start(
            region_shape(self._region(snapshot))[-2:] if snapshot.source is not None else None,
            methods=len(self.choices.chosen()), referenced=self.choices.reference.isChecked(),
            waiting=self.proposing.waiting, busy=self.comparing.job is not None,
        )  # fmt: skip

    @Slot()
    def _update(self) -> None:
        """Update which actions are enabled, with reasons."""
        reason, found = self._reason(), self.found
        count = len(self.choices.chosen())
        networks = self._networks()
        self.start.setEnabled(not reason)
        time = f", within about {self.choices.seconds.value()} s" if networks else ""
        usual = f"Run {count} methods on the region{time}, and rank them."
        self.start.setToolTip(f"<p>{reason or usual}</p>")
        self.choices.seconds.setEnabled(networks)
        self.choices.list.setEnabled(not self.proposing.waiting)
        self.setup.button.setText(f"Methods ({count})" if count else "Methods")
        busy = self.comparing.job is not None
        self.hint.say(reason if self._session.snapshot.source is not None and not busy else "")
        chosen = self._chosen()
        any_result = found is not None and any(e.result is not None for e in found.entries)
        for button, allowed, usual in (
            (self.sheet, any_result, reasons.SHEET),
            (self.report, any_result and not busy, reasons.REPORT),
            (self.apply, chosen is not None and not busy, reasons.apply(chosen)),
        ):
            button.setEnabled(allowed)
            button.setToolTip(f"<p>{usual if allowed else reasons.RUNNING if busy else reasons.NOTHING}</p>")

    def _networks(self) -> bool:
        """Return whether a network is ticked."""
        return any(isinstance(method, Learned) for method in self.choices.chosen())

    def _chosen(self) -> Entry | None:
        """Return the chosen method, by default the best one."""
        if self.found is None:
            return None
        entries = ordered(self.found)
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
        from core.report import Comparison

        reference = snapshot.reference if self.choices.reference.isChecked() else None
        begin = Comparison(
            stack=source.stack, region=self._region(snapshot), entries=(), when=datetime.now().astimezone(),
            reference=reference.stack if reference is not None else None,
            affine=reference is not None and reference.affine,
            seconds=float(self.choices.seconds.value()) if self._networks() else 0.0, seed=SEED,
        )  # fmt: skip
        self._mark(None)
        self.found = None
        self.problem.clear()
        self.comparing.start(Run(begin, methods))
        self.setup.button.setChecked(False)
        self._show()

    @Slot()
    def _on_job(self) -> None:
        self.progress.follow(self.comparing.job)
        self._update()

    @Slot(object)
    def _on_found(self, found: Comparison) -> None:
        before = self.found
        self._take(found)
        if before is None:
            self.sheet_wanted.emit(True)
        elif found.affine and not before.affine:
            reference = self._session.snapshot.reference
            if reference is not None and reference.stack is found.reference:
                self._session.set_affine(affine=True)

    def _take(self, found: Comparison) -> None:
        """Show a comparison, and keep the chosen method chosen."""
        chosen = self._chosen() if self.current is not None else None
        self.found = found
        if chosen is not None:
            ids = [id(entry.result) for entry in ordered(found)]
            self.current = ids.index(id(chosen.result)) if id(chosen.result) in ids else None
        self._show()

    @Slot(str)
    def _on_ended(self, message: str) -> None:
        run = self.comparing.run
        if run is not None and run.found.entries:
            self._take(run.found)
        else:
            self.setup.button.setChecked(True)
            self.sheet_wanted.emit(False)
            self._show()
        self.problem.say(message)

    @Slot()
    def _on_fit(self) -> None:
        self.comparing.fit()

    # -- showing

    def _show(self) -> None:
        """Show ranking, verdict and notes of the last comparison."""
        found = self.found
        ended = found is not None and self.comparing.job is None
        self.ranking.show_compared(found, self.current)
        self.ranking.setVisible(found is not None and bool(found.entries))
        self.legend.say(words.legend(found) if found is not None and found.entries else "")
        self.verdict.setText(found.verdict.text if found is not None and ended else "")
        self.verdict.setVisible(bool(self.verdict.text()))
        notes = self.comparing.run.notes if self.comparing.run is not None else ()
        self.reference.say(" ".join(finding.text for finding in notes))
        self.fit.setVisible(bool(notes) and ended)
        for part in (self.sheet, self.report, self.apply):
            part.setVisible(found is not None or self.comparing.job is not None)
        self.share_height()
        self._update()
        self.changed.emit()

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
        if self.found is not None:
            self.report_wanted.emit(self.found)

    def replay_study(self) -> None:
        """Compare the methods of the published study on the stack that was just opened."""
        self._study = True
        source = self._session.snapshot.source
        if source is not None and not self.proposing.waiting:
            self.proposing.ask(source, again=True)
