"""A method's effect on what is visible, computed in the background; the newest request wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.jobs import Job, Jobs, Outcome
from app.regions import visible_region
from app.session import Result, Session
from app.view_state import Preview
from core.methods.apply import evaluate
from core.methods.base import Operation
from core.progress import Context
from core.stack import Region, Stack

DEBOUNCE = 60
"""Milliseconds a request has to rest before it is computed."""

CHANNEL = "preview"


def compute(label: str, stack: Stack, operation: Operation, region: Region, context: Context) -> Preview:
    """Compute an operation on a region of a single plane, for the canvas."""
    planes = [result.reshape(result.shape[-2:]) for result in evaluate(stack, operation, region, context)]
    return Preview(
        label=label, region=region, pixels=planes[0], deconvolved=planes[1] if len(planes) > 1 else None
    )


def _as_it_is(preview: Preview) -> Preview:
    return preview


class LivePreview(QObject):
    """Keeps the preview of the document in line with the newest request.

    Parameters
    ----------
    session, jobs : Session, Jobs
        The document, and where to compute.
    parent : QObject, optional
        Owner.
    limit : int, optional
        Most rows and columns to compute; of a larger view the middle is taken.

    Attributes
    ----------
    arrange : callable
        Has the last word on a preview before it is shown; by default changes nothing.
    status : Signal of str
        What is going on, in a word; "" when the preview is up to date.
    failed : Signal of exception
        The newest request could not be computed; no preview is shown.
    """

    status = Signal(str)
    failed = Signal(object)

    def __init__(
        self, session: Session, jobs: Jobs, parent: QObject | None = None, *, limit: int | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._limit = session, jobs, limit
        self.arrange: Callable[[Preview], Preview] = _as_it_is
        self._generation = 0
        self._wanted: tuple[str, Callable[[], Operation], Result] | None = None
        self._mine: Preview | None = None
        self._timer = QTimer(self, singleShot=True, interval=DEBOUNCE)
        self._timer.timeout.connect(self._start)

    def request(self, label: str, make: Callable[[], Operation], source: Result) -> None:
        """Preview an operation, which `make` gives in a thread, on the visible part of a result, soon.

        What is computed for former requests will not be shown any more. A preview of one that is
        still on the canvas is marked, until it is replaced, since to take it away would flicker.
        """
        self._generation += 1
        self._wanted = label, make, source
        self.status.emit("updating…")
        shown = self._session.snapshot.preview
        if shown is not None and shown is self._mine and not shown.label.endswith("…"):
            self._mine = replace(shown, label=f"{shown.label} …")
            self._session.set_preview(self._mine)
        self._timer.start()

    def leave(self) -> None:
        """Stop, and leave no preview behind."""
        self._generation += 1
        self._wanted = None
        self._timer.stop()
        self._jobs.cancel(CHANNEL)
        self.status.emit("")
        mine, self._mine = self._mine, None
        if mine is not None and self._session.snapshot.preview is mine:
            self._session.set_preview(None)

    @Slot()
    def _start(self) -> None:
        if self._wanted is None:
            return
        label, make, source = self._wanted
        snapshot = self._session.snapshot
        region = visible_region(source.stack, snapshot.position, snapshot.view, self._limit)

        def work(job: Job) -> Preview:
            return compute(label, source.stack, make(), region, job.context)

        end = partial(self._on_end, self._generation)
        self._jobs.start(label, work, end=end, channel=CHANNEL, quiet=True)

    def _on_end(self, generation: int, outcome: Outcome) -> None:
        if generation != self._generation or outcome.state == "cancelled":
            return
        if outcome.state == "succeeded":
            self._mine = self.arrange(outcome.value)
            self._session.set_preview(self._mine)
            self.status.emit("")
        else:
            self.leave()
            self.failed.emit(outcome.error)
