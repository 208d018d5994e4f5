"""Computation of metrics of all results, one result at a time, with low priority."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Reference, Result, Snapshot
from app.widgets.common import failure

if TYPE_CHECKING:  # these import scipy, which the first window does not need
    from core.quality.metric import Measures
    from core.quality.stacks import StackMeasures

PLANES = 100
"""Maximum number of measured planes of a stack, evenly spaced."""

PATIENCE = 15.0
"""Maximum waiting time in seconds for other work, such as the preview of a new stack."""

CHANNEL = "measures"


class Measuring(QObject):
    """Computes the metrics of every result against the reference of the session.

    Attributes
    ----------
    without_reference : bool
        Whether there are metrics to compute without a reference.
    changed : Signal
        A result was measured, or could not be measured.
    """

    changed = Signal()

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._done: dict[tuple[int, int], StackMeasures] = {}
        self._failed: dict[tuple[int, int], str] = {}
        self._busy: tuple[int, int] | None = None
        self.without_reference = False
        session.changed.connect(self._on_session)

    def find(self, result: Result) -> Measures | None:
        """Return the metrics of a result for the current reference; None if they are not computed yet."""
        made = self._done.get(_key(self._session.snapshot.reference, result))
        return made.mean if made else None

    def note(self, result: Result) -> str:
        """Return how many planes of a result were measured."""
        made = self._done.get(_key(self._session.snapshot.reference, result))
        return made.note if made else ""

    def problem(self, result: Result) -> str:
        """Return why a result could not be measured, or ""."""
        return self._failed.get(_key(self._session.snapshot.reference, result), "")

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._done.clear()
            self._failed.clear()
        if (new.results, new.reference) != (old.results, old.reference):
            self._next()

    def _next(self) -> None:
        """Measure the next result; at most one at a time."""
        snapshot = self._session.snapshot
        if snapshot.reference is None and not self.without_reference:
            return
        waiting = [
            r for r in snapshot.results if r.is_image
            and (key := _key(snapshot.reference, r)) not in self._done and key not in self._failed
        ]  # fmt: skip
        if not waiting:
            return
        result, reference = waiting[0], snapshot.reference
        key = _key(reference, result)
        if key == self._busy:
            return
        self._busy = key

        def work(job: Job) -> StackMeasures:
            self._jobs.give_way(job, PATIENCE)
            from core.quality.stacks import measure_stack

            return measure_stack(
                result.stack, reference.stack if reference else None,
                affine=reference.affine if reference else False, limit=PLANES, context=job.context,
            )  # fmt: skip

        self._jobs.start(
            f"Measuring {result.label}",
            work,
            done=partial(self._on_done, reference, result),
            end=partial(self._on_end, key),
            channel=CHANNEL,
            quiet=True,
        )

    def _on_done(self, reference: Reference | None, result: Result, made: StackMeasures) -> None:
        self._done[_key(reference, result)] = made
        if reference is not None:
            self._session.set_measures(reference.key, result.key, made.mean)

    def _on_end(self, key: tuple[int, int], outcome: Outcome) -> None:
        if self._busy == key:
            self._busy = None
        if outcome.state == "failed":
            self._failed[key] = failure(outcome, "Measuring")
        self.changed.emit()
        if self._busy is None:
            self._next()


def _key(reference: Reference | None, result: Result) -> tuple[int, int]:
    return (reference.key if reference else 0), result.key
