"""Long work in threads, with progress, partial results and exactly one outcome."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal, Slot

from core.errors import QuietfieldError
from core.memory import ADVICE, ran_out
from core.progress import Cancelled, Context

PROGRESS_INTERVAL = 1 / 30
"""Minimum time between two progress reports to the window, in seconds."""

REST = 0.2
"""Idle time in seconds before low-priority work starts; related jobs follow each other sooner."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a job: a value, an exception, or cancelled."""

    state: Literal["succeeded", "failed", "cancelled"]
    value: Any = None
    error: BaseException | None = None
    report: str = ""
    """Traceback of a defect; empty for a `QuietfieldError`."""

    def settled(self, *, cancelled: bool) -> Outcome:
        """Return the final outcome: cancelled work is reported as cancelled, and a defect is kept."""
        if not cancelled or self.state == "cancelled":
            return self
        return Outcome("cancelled", error=self.error if self.report else None, report=self.report)


class Job:
    """Work in its own thread.

    `work` is called with the job. It reports progress through ``job.context`` and may send partial results to
    the window with `emit`. It may set `left`, the expected remaining time in seconds (NaN if unknown), where
    progress is not proportional to time.
    """

    def __init__(
        self, jobs: Jobs, label: str, work: Callable[[Job], Any], channel: str, *, quiet: bool
    ) -> None:
        self.label, self.channel, self.quiet = label, channel, quiet
        self.fraction, self.text = 0.0, ""
        self.left: float | None = None
        self.started = time.monotonic()
        self.giving_way = False
        self.on_done: Callable[[Any], None] | None = None
        self.on_partial: Callable[[Any], None] | None = None
        self.on_end: Callable[[Outcome], None] | None = None
        self._jobs, self._work = jobs, work
        self._last = 0.0
        self._partial_lock = threading.Lock()
        self._partial: Any = None
        self._partial_waiting = False
        self.context = Context(self._report)
        self.thread = threading.Thread(target=self._run, name=f"job {label}", daemon=True)

    def cancel(self) -> None:
        """Cancel the work; its outcome is "cancelled" even if it was just finishing."""
        self.context.cancel()

    def emit(self, value: Any) -> None:
        """Send a partial result from the worker thread to the window; only the newest one arrives."""
        with self._partial_lock:
            self._partial = value
            waiting, self._partial_waiting = self._partial_waiting, True
        if not waiting:
            self._jobs._send(self, "partial", None)

    def take_partial(self) -> Any:
        """Return the newest partial result (main thread)."""
        with self._partial_lock:
            self._partial_waiting = False
            return self._partial

    def _report(self, fraction: float, text: str) -> None:
        now = time.monotonic()
        if now - self._last >= PROGRESS_INTERVAL:
            self._last = now
            self._jobs._send(self, "progress", (fraction, text))

    def _run(self) -> None:
        try:
            outcome = Outcome("succeeded", self._work(self))
        except Cancelled:
            outcome = Outcome("cancelled")
        except QuietfieldError as error:
            outcome = Outcome("failed", error=error)
        except BaseException as error:
            if ran_out(error):
                words = f"There is not enough memory. {ADVICE}"
                outcome = Outcome("failed", error=QuietfieldError(words))
            else:
                outcome = Outcome("failed", error=error, report=traceback.format_exc())
        self._work = _nothing  # release the data of the work
        self._jobs._send(self, "end", outcome)


def _nothing(job: Job) -> None:
    """Replace work that has ended."""


class Jobs(QObject):
    """All jobs of the window.

    Attributes
    ----------
    changed : Signal
        A job started, ended or made progress.
    failed : Signal of (str, Outcome)
        A job without `end` failed, or any job had a defect: label and outcome.
    """

    changed = Signal()
    failed = Signal(str, object)
    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.running: list[Job] = []
        self._waiting: dict[str, Job] = {}
        self._closed: float | None = None
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    def start(
        self,
        label: str,
        work: Callable[[Job], Any],
        *,
        done: Callable[[Any], None] | None = None,
        partial: Callable[[Any], None] | None = None,
        end: Callable[[Outcome], None] | None = None,
        channel: str = "",
        quiet: bool = False,
    ) -> Job:
        """Run `work` in a thread.

        Every job has exactly one outcome, which is delivered by the event loop and never within this call. A
        job that is replaced before it starts is cancelled.

        Parameters
        ----------
        label : str
            Description for the progress bar.
        work : callable
            Called in the thread with the `Job`; its result is the value of the outcome.
        done, partial, end : callable, optional
            Called in the main thread: with the value on success, with each partial result, and
            with the `Outcome` in any case. A failure without `end`, and every defect, is emitted by `failed`.
        channel : str
            Jobs of one channel never run at the same time: a new job cancels the running one, starts after it
            has ended, and replaces a waiting one.
        quiet : bool
            Whether the job is hidden from the progress bar (previews).

        Returns
        -------
        Job
            The running or waiting job.
        """
        job = Job(self, label, work, channel, quiet=quiet)
        job.on_done, job.on_partial, job.on_end = done, partial, end
        if self._closed is not None:
            job.cancel()
        elif channel and any(j.channel == channel for j in self.running):
            self.cancel(channel)
            self._waiting[channel] = job
        else:
            self._begin(job)
        return job

    def cancel(self, channel: str) -> None:
        """Cancel the running and the waiting job of a channel."""
        waiting = self._waiting.pop(channel, None)
        if waiting is not None:
            self._drop(waiting)
        for job in self.running:
            if job.channel == channel:
                job.cancel()

    @property
    def busy(self) -> tuple[Job, ...]:
        """Running jobs that are shown to the user, oldest first."""
        return tuple(j for j in self.running if not j.quiet)

    def give_way(self, job: Job, patience: float) -> None:
        """Wait, in the thread of a job, until no other work has run for a moment.

        Parameters
        ----------
        job : Job
            Waiting job; other waiting jobs are ignored.
        patience : float
            Maximum waiting time in seconds.

        Raises
        ------
        Cancelled
            If the job is cancelled.
        """
        now = time.monotonic()
        end, busy = now + patience, now
        job.giving_way = True
        try:
            while now < end and now - busy < REST:
                time.sleep(REST / 8)
                job.context.check()
                now = time.monotonic()
                if any(not other.giving_way for other in tuple(self.running)):
                    busy = now
        finally:
            job.giving_way = False

    def shut_down(self, seconds: float = 1.0) -> bool:
        """Cancel all jobs and wait; return whether all threads ended in time.

        No callback is called afterwards, and no job can be started.

        Parameters
        ----------
        seconds : float
            Maximum waiting time, counted from the first call.
        """
        if self._closed is None:
            self._closed = time.monotonic()
        self._waiting.clear()
        for job in self.running:
            job.cancel()
        deadline = self._closed + seconds
        for job in self.running:
            job.thread.join(max(0.0, deadline - time.monotonic()))
        self.running = [j for j in self.running if j.thread.is_alive()]
        return not self.running

    def _send(self, job: Job, kind: str, payload: Any) -> None:
        """Put a message into the queue of the main thread, from any thread."""
        # If a thread outlives the window, the Qt part of this object no longer exists.
        with contextlib.suppress(RuntimeError):
            self._arrived.emit((job, kind, payload))

    def _begin(self, job: Job) -> None:
        job.thread.start()
        self.running.append(job)
        self.changed.emit()

    def _drop(self, job: Job) -> None:
        """Deliver the outcome of a job that never ran, through the queue."""
        job.cancel()
        self._send(job, "end", Outcome("cancelled"))

    @Slot(object)
    def _on_arrived(self, message: tuple[Job, str, Any]) -> None:
        job, kind, payload = message
        if self._closed is not None:
            return
        if kind == "progress":
            job.fraction, job.text = payload
            self.changed.emit()
        elif kind == "partial":
            value = job.take_partial()
            if job.on_partial is not None and not job.context.cancelled and not _is_deleted(job.on_partial):
                job.on_partial(value)
        else:
            # A cancellation may have arrived after "succeeded" was sent.
            self._on_end(job, payload.settled(cancelled=job.context.cancelled))

    def _on_end(self, job: Job, outcome: Outcome) -> None:
        if job in self.running:
            self.running.remove(job)
            following = self._waiting.pop(job.channel, None) if job.channel else None
            if following is not None and following.context.cancelled:
                self._drop(following)
            elif following is not None:
                self._begin(following)
            self.changed.emit()
        try:
            if outcome.state == "succeeded" and job.on_done is not None and not _is_deleted(job.on_done):
                job.on_done(outcome.value)
        finally:
            if job.on_end is not None and not _is_deleted(job.on_end):
                job.on_end(outcome)
            if outcome.report or (outcome.state == "failed" and job.on_end is None):
                self.failed.emit(job.label, outcome)


def _is_deleted(callback: Callable[..., Any]) -> bool:
    """Return whether a callback is a method of a widget that Qt has deleted."""
    while isinstance(callback, functools.partial):
        callback = callback.func
    owner = getattr(callback, "__self__", None)
    return isinstance(owner, QObject) and not shiboken6.isValid(owner)
