"""Preview of a method on the visible region, computed in the background; the newest request wins."""

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
from core.level import Level
from core.methods.base import Bindable
from core.stack import Region

DEBOUNCE = 60
"""Delay of a request in milliseconds, before it is computed."""

CHANNEL = "preview"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Request:
    label: str
    make: Callable[[], Bindable]
    source: Result
    key: object
    region: Region

    def same(self, other: _Request) -> bool:
        """Whether both request the same method on the same result."""
        mine, theirs = (self.label, self.source.key), (other.label, other.source.key)
        return self.key is not None and (mine, self.key) == (theirs, other.key)


def _as_it_is(preview: Preview) -> Preview:
    return preview


class LivePreview(QObject):
    """Updates the preview of the document according to the newest request.

    The last computed preview is kept; nothing is recomputed as long as it contains the requested region.

    Parameters
    ----------
    session, jobs : Session, Jobs
        Document, and jobs for the computation.
    parent : QObject, optional
        Parent object.
    limit : int, optional
        Maximum number of rows and columns; of a larger view the centre is used.

    Attributes
    ----------
    arrange : callable
        Modifies a preview before it is displayed; by default the identity.
    status : Signal of str
        Current state, in a word; "" when the preview is up to date.
    failed : Signal of exception
        The newest request failed; no preview is displayed.
    examined : Signal of tuple of Finding
        Findings about the displayed plane.
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
        """Request the preview of a method on the visible region of a result.

        Results of earlier requests are not displayed any more. A displayed preview of an earlier request is
        marked as unfinished until it is replaced, to avoid flicker.

        Parameters
        ----------
        label : str
            Label of the preview.
        make : callable
            Returns the method; called in a thread.
        source : Result
            Input of the method.
        awaited : str
            Name of the pending preview; by default `label`.
        key : object
            Equal for equal methods, so that results are reused; None for a method that is equal to no other.
        share : float, optional
            Weight of the result, blended with the input; None for a method without blending.
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

    @property
    def replaced(self) -> bool:
        """Whether the document shows a preview that is not of this object."""
        shown = self._session.snapshot.preview
        return shown is not None and shown is not self._mine

    def leave(self) -> None:
        """Stop, and remove the preview."""
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
        """Display the last computed preview, if it is the requested one."""
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
        """Release previews of a result that no longer exists."""
        if self._kept is not None:
            source = self._kept[0].source
            if self._session.snapshot.find(source.key) is not source:
                self._kept = None

    def _show(self, preview: Preview) -> None:
        """Display a preview with the current blending, unless it is already displayed."""
        preview = self.arrange(replace(preview, share=1.0 if self._share is None else self._share))
        now, mine = self._session.snapshot.preview, self._mine
        if now is not None and now is mine and _look(now) == _look(preview):
            return
        self._mine = preview
        self._session.set_preview(preview)

    def _mix(self) -> None:
        """Apply the current blending to the displayed preview."""
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
            seen = Level.of(stack).stack
            operation = wanted.make().bind(seen, job.context)
            preview = compute(
                wanted.label, stack, operation, wanted.region, job.context, job.emit, mixed=mixed
            )
            if known is not None:
                return Computed(preview=preview, findings=known)
            job.emit(preview)
            return Computed(preview=preview, findings=operation.findings(seen, wanted.region))

        self._job = self._jobs.start(
            wanted.label,
            work,
            partial=partial(self._on_part, self._generation),
            end=partial(self._on_end, self._generation, wanted),
            channel=CHANNEL,
            quiet=True,
        )

    def _findings(self, wanted: _Request) -> tuple[Finding, ...] | None:
        """Return the findings about the requested plane; None if it was not examined yet."""
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
