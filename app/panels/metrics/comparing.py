"""Comparison of all classic filters on the open stack, as rows of the table."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.widgets.common import failure
from core.findings import Finding
from core.methods.base import Method
from core.work.compare import Compared, compare, plan, suitable
from core.work.recipe import Step

Made = tuple[tuple[Compared, ...], tuple[Finding, ...]]
"""Compared filters, and findings about excluded ones."""


class Comparing(QObject):
    """Runs the classic filters with their defaults on the source, and adds their results as one action.

    Attributes
    ----------
    changed : Signal
        The comparison started or ended.
    compared : Signal of tuple of int
        Keys of the added results.
    said : Signal of str
        An error or a note about excluded filters, or "" at the start.
    """

    changed = Signal()
    compared = Signal(tuple)
    said = Signal(str)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self.job: Job | None = None

    def missing(self, snapshot: Snapshot) -> tuple[Method, ...]:
        """Return the filters whose results are not in the table yet."""
        source = snapshot.source
        if source is None:
            return ()
        made = [r.step for r in snapshot.results if r.step is not None and r.parent == source.key]
        return tuple(f for f in suitable(source.stack, "filter") if Step.of(f) not in made)

    def why_not(self, snapshot: Snapshot) -> str:
        """Return why there is nothing to compare now, or ""."""
        if snapshot.source is None:
            return "No stack is open. Drop a TIFF stack on the window or open the sample."
        if self.job is not None:
            return "The filters are being compared; wait for it or cancel it."
        if not self.missing(snapshot):
            return "The table already contains every classic filter with its default parameters."
        return ""

    @Slot()
    def start(self) -> None:
        """Run the missing filters; results are added after all are complete."""
        snapshot = self._session.snapshot
        source = snapshot.source
        if source is None or self.why_not(snapshot):
            return
        wanted = self.missing(snapshot)

        def work(job: Job) -> Made:
            planned = plan(source.stack, wanted)
            return tuple(compare(source.stack, planned.methods, context=job.context)), planned.findings

        self.said.emit("")
        self.job = self._jobs.start(
            "Comparing the classic filters", work, done=partial(self._on_done, source.key), end=self._on_end
        )
        self.changed.emit()

    def _on_done(self, parent: int, made: Made) -> None:
        compared, findings = made
        rows = [
            (Step.of(one.method, output=output), stack, one.seconds)
            for one in compared
            for output, stack in zip(one.method.outputs, one.stacks, strict=True)
        ]
        steps, stacks, seconds = zip(*rows, strict=True)
        if self._session.add(parent, steps, stacks, seconds):
            self.compared.emit(tuple(result.key for result in self._session.snapshot.results[-len(steps) :]))
            self.said.emit(" ".join(finding.text for finding in findings))

    def _on_end(self, outcome: Outcome) -> None:
        self.job = None
        if outcome.state == "failed":
            self.said.emit(failure(outcome, "Comparing the filters"))
        self.changed.emit()
