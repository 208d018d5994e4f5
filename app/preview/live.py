"""A method's effect on what is visible, computed in the background; the newest request wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.preview.computing import Computed, compute, covers
from app.preview.regions import visible_region
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Result
from app.shell.view_state import Preview
from core.findings import Finding
from core.methods.base import Bindable
from core.stack import Region

DEBOUNCE = 60
"""Milliseconds a request has to rest before it is computed."""

CHANNEL = "preview"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Request:
    label: str
    make: Callable[[], Bindable]
    source: Result
    key: object
    region: Region

    def same(self, other: _Request) -> bool:
        """Whether both ask for the same operation on the same result."""
        mine, theirs = (self.label, self.source.key), (other.label, other.source.key)
        return self.key is not None and (mine, self.key) == (theirs, other.key)


def _as_it_is(preview: Preview) -> Preview:
    return preview


class LivePreview(QObject):
    """Keeps the preview of the document in line with the newest request.

    What was computed last is kept: as long as it holds all that is wanted, nothing is computed again.

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
    examined : Signal of tuple of Finding
        What was found about what is shown now.
    """

    status = Signal(str)
    failed = Signal(object)
    examined = Signal(object)

    def __init__(
        self, session: Session, jobs: Jobs, parent: QObject | None = None, *, limit: int | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._limit = session, jobs, limit
        self.arrange: Callable[[Preview], Preview] = _as_it_is
        self._generation = 0
        self._wanted: _Request | None = None
        self._share: float | None = None
        self._kept: tuple[_Request, Computed] | None = None
        self._mine: Preview | None = None
        self._job: Job | None = None
        self._timer = QTimer(self, singleShot=True, interval=DEBOUNCE)
        self._timer.timeout.connect(self._start)

    def request(
        self,
        label: str,
        make: Callable[[], Bindable],
        source: Result,
        *,
        awaited: str = "",
        key: object = None,
        share: float | None = None,
    ) -> None:
        """Preview a method on the visible part of a result, soon.

        What is computed for former requests will not be shown any more. A preview of one that is still on
        the canvas is marked as unfinished until it is replaced, since to take it away would flicker.

        Parameters
        ----------
        label : str
            What the preview is called.
        make : callable
            Gives the method, in a thread.
        source : Result
            What the method works on.
        awaited : str
            What is awaited while there is no preview; by default `label`.
        key : object
            Equal for equal methods, so that what is known of one need not be computed again; None
            for one that is equal to none.
        share : float, optional
            Which share of the result is mixed with the input; None for a method that is not mixed.
        """
        wanted, former = self._request(label, make, source, key), self._wanted
        self._wanted, self._share = wanted, share
        if self._known(wanted):
            return
        if former is not None and former.same(wanted) and former.region == wanted.region:
            self._mix()  # it is being computed
            return
        self._generation += 1
        self.status.emit("updating…")
        shown = self._session.snapshot.preview
        if shown is not None and shown is self._mine and not shown.unfinished:
            self._mine = replace(shown, unfinished=True)
            self._session.set_preview(self._mine)
        elif shown is None:
            self._session.set_preview(None, awaited=awaited or label)
        self._timer.start()

    def leave(self) -> None:
        """Stop, and leave no preview behind."""
        self._generation += 1
        waited, self._wanted = self._wanted is not None, None
        self._stop()
        self._forget_closed()
        self.status.emit("")
        mine, self._mine = self._mine, None
        shown = self._session.snapshot.preview
        if (shown is None and waited) or (shown is not None and shown is mine):
            self._session.set_preview(None)

    def _stop(self) -> None:
        self._timer.stop()
        if self._job is not None:  # others have jobs in the same channel
            self._job.cancel()
            self._job = None

    def _request(self, label: str, make: Callable[[], Bindable], source: Result, key: object) -> _Request:
        snapshot = self._session.snapshot
        region = visible_region(source.stack, snapshot.position, snapshot.view, self._limit)
        return _Request(label=label, make=make, source=source, key=key, region=region)

    def _known(self, wanted: _Request) -> bool:
        """Show what was computed last, if it is what is wanted."""
        self._forget_closed()
        if self._kept is None:
            return False
        request, computed = self._kept
        if not (request.same(wanted) and covers(request.region, wanted.region)):
            return False
        self._generation += 1
        self._stop()
        self._show(computed.preview)
        self.examined.emit(computed.findings)
        self.status.emit("")
        return True

    def _forget_closed(self) -> None:
        """Let go of what was computed of a result that is gone."""
        if self._kept is not None:
            source = self._kept[0].source
            if self._session.snapshot.find(source.key) is not source:
                self._kept = None

    def _show(self, preview: Preview) -> None:
        """Show a preview, mixed with its input as is wanted now, unless that is on the screen already."""
        preview = self.arrange(replace(preview, share=1.0 if self._share is None else self._share))
        now, mine = self._session.snapshot.preview, self._mine
        if now is not None and now is mine and _look(now) == _look(preview):
            return
        self._mine = preview
        self._session.set_preview(preview)

    def _mix(self) -> None:
        """Mix what is on the screen as is wanted now."""
        if self._mine is not None and self._session.snapshot.preview is self._mine:
            self._show(self._mine)

    @Slot()
    def _start(self) -> None:
        if self._wanted is None:
            return
        old = self._wanted
        wanted = self._wanted = self._request(old.label, old.make, old.source, old.key)
        known, mixed = self._findings(wanted), self._share is not None

        def work(job: Job) -> Computed:
            stack = wanted.source.stack
            operation = wanted.make().bind(stack, job.context)
            preview = compute(
                wanted.label, stack, operation, wanted.region, job.context, job.emit, mixed=mixed
            )
            if known is not None:
                return Computed(preview=preview, findings=known)
            job.emit(preview)
            return Computed(preview=preview, findings=operation.findings(stack, wanted.region))

        self._job = self._jobs.start(
            wanted.label,
            work,
            partial=partial(self._on_part, self._generation),
            end=partial(self._on_end, self._generation, wanted),
            channel=CHANNEL,
            quiet=True,
        )

    def _findings(self, wanted: _Request) -> tuple[Finding, ...] | None:
        """Return what was found about the plane that is wanted; None if it was not examined yet."""
        if self._kept is None:
            return None
        request, computed = self._kept
        here = request.same(wanted) and request.region[:-2] == wanted.region[:-2]
        return computed.findings if here else None

    def _on_part(self, generation: int, preview: Preview) -> None:
        if generation == self._generation:
            self._show(preview)

    def _on_end(self, generation: int, wanted: _Request, outcome: Outcome) -> None:
        if generation != self._generation:
            return
        self._job = None
        if outcome.state == "cancelled":  # another took its place: the same may be asked for again
            self._wanted = None
            self.status.emit("")
        elif outcome.state == "succeeded":
            computed: Computed = outcome.value
            self._kept = wanted, computed
            self._show(computed.preview)
            self.examined.emit(computed.findings)
            self.status.emit("")
        else:
            self.leave()
            self.failed.emit(outcome.error)


def _look(preview: Preview) -> tuple[Any, ...]:
    shown = tuple((output, id(pixels)) for output, pixels in preview.outputs)
    return preview.label, preview.share, shown
