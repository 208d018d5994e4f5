"""Estimated errors of all results without a reference, in the visible region of one plane."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.preview.regions import visible_region
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Result, Snapshot
from app.widgets.common import failure
from core.stack import Region, Stack

if TYPE_CHECKING:  # these import scipy, which the first window does not need
    from core.findings import Finding
    from core.quality.judge import Judge
    from core.quality.judgement import Judgement

PATIENCE = 15.0
"""Maximum waiting time in seconds for other work, such as the preview of a new stack."""

DRAWS = 2
"""Number of random draws that are averaged."""

CHANNEL = "estimates"

PLACES = {"T": "frame", "Z": "plane", "C": "channel"}


@dataclass(slots=True, eq=False)
class Place:
    """A region of one plane, and what was estimated there.

    Attributes
    ----------
    stack : Stack
        Source.
    region : tuple of slice
        Visible region of the plane when the estimation began.
    judge : Judge or None
        Judge of the region, made by the first job.
    reason : str
        Why nothing can be judged in this region; "" if it can.
    found : dict of int to Judgement
        Estimated errors by the keys of the results.
    failed : dict of int to str
        Why a result could not be judged.
    """

    stack: Stack
    region: Region
    judge: Judge | None = None
    reason: str = ""
    found: dict[int, Judgement] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The plane and the region, such as "frame 3, rows 0 to 511, columns 0 to 511"."""
        at = [
            f"{PLACES[axis]} {part.start + 1}"
            for axis, part in zip(self.stack.axes[:-2], self.region, strict=False)
            if self.stack.sizes[axis] > 1
        ]
        rows, columns = self.region[-2:]
        if (rows.stop - rows.start, columns.stop - columns.start) != self.stack.shape[-2:]:
            at.append(f"rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}")
        return ", ".join(at) or "the whole plane"


class Estimating(QObject):
    """Estimates the error of every result without a reference, one result at a time, with low priority.

    All results are judged in the same region, with the same random draws. It begins by itself with the first
    result, and stays with its region until `start_here` is called.

    Attributes
    ----------
    changed : Signal
        Estimation of a result began or ended.
    """

    changed = Signal()

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._wanted = self._stopped = False
        self.place: Place | None = None
        self.job: Job | None = None
        session.changed.connect(self._on_session)

    def find(self, result: Result) -> Judgement | None:
        """Return the estimated error of a result; None if it is not known."""
        return self.place.found.get(result.key) if self.place is not None else None

    def problem(self, result: Result) -> str:
        """Return why the error of a result cannot be estimated, or ""."""
        if self.place is None:
            return ""
        return self.place.reason or self.place.failed.get(result.key, "")

    @property
    def doubts(self) -> tuple[Finding, ...]:
        """Reasons why all estimates may be wrong."""
        judge = self.place.judge if self.place is not None else None
        return judge.findings if judge is not None else ()

    @property
    def busy(self) -> bool:
        """Whether errors are being estimated."""
        return self.job is not None

    @property
    def stopped(self) -> bool:
        """Whether the user cancelled the estimation."""
        return self._stopped

    def why_not(self, snapshot: Snapshot) -> str:
        """Return why nothing can be estimated now, or ""."""
        if snapshot.source is None:
            return "No stack is open. Drop a TIFF stack on the window or open the sample."
        if snapshot.reference is not None:
            return "A reference is chosen, so nothing has to be estimated."
        if self.job is not None:
            return "Errors are being estimated; wait for it or cancel it."
        if self.place is not None and not self._waiting(snapshot) and self.place.region == _visible(snapshot):
            return "The errors of all results are estimated in the visible region."
        return ""

    def set_wanted(self, *, wanted: bool) -> None:
        """Set whether estimates are displayed, so that new results are estimated by themselves."""
        self._wanted = wanted
        self._next()

    @Slot()
    def start_here(self) -> None:
        """Estimate the errors of all results in the visible region of the displayed plane."""
        snapshot = self._session.snapshot
        if self.why_not(snapshot) or snapshot.source is None:
            return
        region = _visible(snapshot)
        if self.place is None or self.place.region != region:
            self.place = Place(snapshot.source.stack, region)
        self._stopped = False
        self._next(wanted=True)

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source or (new.reference is not None and old.reference is None):
            self.place = None
            self._jobs.cancel(CHANNEL)
        if (new.results, new.reference) != (old.results, old.reference):
            self._stopped = False
            self._next()

    def _waiting(self, snapshot: Snapshot) -> list[Result]:
        place = self.place
        if place is None:
            return list(snapshot.results)
        if place.reason:
            return []
        return [r for r in snapshot.results if r.key not in place.found and r.key not in place.failed]

    def _next(self, *, wanted: bool = False) -> None:
        """Estimate the error of the next result; at most one at a time."""
        snapshot = self._session.snapshot
        source = snapshot.source
        if self.job is not None or source is None or snapshot.reference is not None or self._stopped:
            return
        if not (wanted or (self._wanted and len(snapshot.results) > 1)):
            return
        if self.place is None:
            self.place = Place(source.stack, _visible(snapshot))
        waiting = self._waiting(snapshot)
        if not waiting:
            return
        result, place = waiting[0], self.place
        steps = self._session.steps(result.key)
        models = dict(snapshot.models)

        def work(job: Job) -> Judgement:
            self._jobs.give_way(job, PATIENCE)
            from core.quality.judge import Judge
            from core.work.chain import chain_of
            from core.work.networks import Networks

            if place.judge is None:
                place.judge = Judge(place.stack, region=place.region, context=job.context.part(0.0, 0.1))
            if not steps:
                return place.judge.unchanged()
            method = chain_of(steps, Networks(models).prediction)
            return place.judge.judge(method, DRAWS, job.context.part(0.1, 1.0))

        self.job = self._jobs.start(
            f"Estimating the error of {result.label}", work, done=partial(self._on_done, place, result.key),
            end=partial(self._on_end, place, result.key), channel=CHANNEL, quiet=True,
        )  # fmt: skip
        self.changed.emit()

    def _on_done(self, place: Place, key: int, found: Judgement) -> None:
        place.found[key] = found

    def _on_end(self, place: Place, key: int, outcome: Outcome) -> None:
        self.job = None
        if outcome.state == "failed" and place.judge is None:
            place.reason = failure(outcome, "Estimating errors")
        elif outcome.state == "failed":
            place.failed[key] = failure(outcome, "Estimating the error")
        elif outcome.state == "cancelled" and place is self.place:
            self._stopped = True
        self._next()
        self.changed.emit()


def _visible(snapshot: Snapshot) -> Region:
    source = snapshot.source
    if source is None:
        raise ValueError("no stack is open")
    return visible_region(source.stack, snapshot.position, snapshot.view)
