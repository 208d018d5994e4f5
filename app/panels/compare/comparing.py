"""The jobs of the Compare panel: compare, fit to the reference, write a report."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from app.panels.compare.run import Run, fitted
from app.shell.jobs import Job, Jobs, Outcome
from app.widgets.common import failure

CHANNEL = "compare"


class Comparing(QObject):
    """Runs one comparison at a time, and keeps the last one.

    Attributes
    ----------
    run : Run or None
        The last comparison of the open document, running or not.
    job : Job or None
        The running job.
    changed : Signal
        A job started or ended.
    found : Signal of Comparison
        Another method is complete.
    ended : Signal of str
        The comparison ended, with a message or "".
    said : Signal of str
        An error message, or "".
    """

    changed = Signal()
    found = Signal(object)
    ended = Signal(str)
    said = Signal(str)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.run: Run | None = None
        self.job: Job | None = None

    def start(self, run: Run) -> None:
        """Start a comparison."""
        self.run = run
        self.job = self._jobs.start(
            "Comparing methods", run, partial=self.found.emit, end=partial(self._on_end, run), channel=CHANNEL
        )
        self.changed.emit()

    def forget(self) -> None:
        """Cancel what runs, and forget the comparison of a closed document."""
        self._jobs.cancel(CHANNEL)
        self.run = None

    def fit(self) -> None:
        """Fit all results to the reference, and rank them again."""
        run = self.run
        if run is None or self.job is not None:
            return
        found = run.found
        self.job = self._jobs.start(
            "Fitting scale and offset", lambda job: fitted(found, job.context),
            end=partial(self._on_fitted, run), channel=CHANNEL,
        )  # fmt: skip
        self.changed.emit()

    def _on_end(self, run: Run, outcome: Outcome) -> None:
        self.job = None
        self.changed.emit()
        if run is not self.run:  # of a closed document
            return
        complete = len(run.found.entries)
        if outcome.state == "cancelled" and complete:
            many = "1 method was" if complete == 1 else f"{complete} methods were"
            self.ended.emit(f"Cancelled; {many} complete.")
        else:
            self.ended.emit(failure(outcome, "The comparison"))

    def _on_fitted(self, run: Run, outcome: Outcome) -> None:
        self.job = None
        if run is self.run and outcome.state == "succeeded":
            run.found, run.notes = outcome.value, ()
            self.found.emit(run.found)
        self.changed.emit()
        self.said.emit(failure(outcome, "Fitting"))
