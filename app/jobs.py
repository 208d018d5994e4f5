"""Long work in threads: progress, partial results, one outcome, and nothing stale."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot

from core.errors import QuietfieldError
from core.progress import Cancelled, Context

PROGRESS_INTERVAL = 1 / 30
"""Least time between two progress reports that reach the window, in seconds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended: with a value, with an exception, or cancelled."""

    state: Literal["succeeded", "failed", "cancelled"]
    value: Any = None
    error: BaseException | None = None
    report: str = ""
    """The traceback of an error that is a defect; empty where the error is a sentence for a person."""


class Job:
    """One piece of work in its own thread.

    `work` is called with the job; it reports through ``job.context`` and may hand partial
    results to the window with `emit`.
    """

    def __init__(
        self, jobs: Jobs, label: str, work: Callable[[Job], Any], channel: str, *, quiet: bool
    ) -> None:
        self.label, self.channel, self.quiet = label, channel, quiet
        self.fraction, self.text = 0.0, ""
        self.started = time.monotonic()
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
        """Ask the work to stop; its outcome will be "cancelled" even if it was just finishing."""
        self.context.cancel()

    def emit(self, value: Any) -> None:
        """Hand a partial result to the window, from the worker; only the newest waiting one arrives."""
        with self._partial_lock:
            self._partial = value
            waiting, self._partial_waiting = self._partial_waiting, True
        if not waiting:
            self._jobs._arrived.emit((self, "partial", None))

    def take_partial(self) -> Any:
        """Return the newest partial result (main thread)."""
        with self._partial_lock:
            self._partial_waiting = False
            return self._partial

    def _report(self, fraction: float, text: str) -> None:
        now = time.monotonic()
        if now - self._last >= PROGRESS_INTERVAL:
            self._last = now
            self._jobs._arrived.emit((self, "progress", (fraction, text)))

    def _run(self) -> None:
        try:
            outcome = Outcome("succeeded", self._work(self))
        except Cancelled:
            outcome = Outcome("cancelled")
        except QuietfieldError as error:
            outcome = Outcome("failed", error=error)
        except BaseException as error:
            outcome = Outcome("failed", error=error, report=traceback.format_exc())
        if self.context.cancelled and outcome.state != "failed":
            outcome = Outcome("cancelled")
        self._work = _nothing  # let go of what the work held
        self._jobs._arrived.emit((self, "end", outcome))


def _nothing(job: Job) -> None:
    """Stand in for work that is over."""


class Jobs(QObject):
    """All jobs of the window.

    Attributes
    ----------
    changed : Signal
        A job started, ended or made progress.
    failed : Signal of (str, Outcome)
        A job nobody else handles failed: its label and outcome.
    """

    changed = Signal()
    failed = Signal(str, object)
    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.running: list[Job] = []
        self._waiting: dict[str, Job] = {}
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

        Parameters
        ----------
        label : str
            What it does, for the progress bar.
        work : callable
            Called in the thread with the `Job`; its result is the value of the outcome.
        done, partial, end : callable, optional
            Called in the main thread: with the value on success, with each partial result, and
            with the `Outcome` however it ended. A failure that has no `end` goes to `failed`.
        channel : str
            Jobs of one channel never run at the same time: a newer one cancels the running one,
            takes its place when that has ended, and replaces one that is still waiting.
        quiet : bool
            Whether it stays out of the progress bar (previews).
        """
        job = Job(self, label, work, channel, quiet=quiet)
        job.on_done, job.on_partial, job.on_end = done, partial, end
        if channel and any(j.channel == channel for j in self.running):
            for other in self.running:
                if other.channel == channel:
                    other.cancel()
            self._waiting[channel] = job
        else:
            self._begin(job)
        return job

    def cancel(self, channel: str) -> None:
        """Cancel what runs or waits in a channel."""
        self._waiting.pop(channel, None)
        for job in self.running:
            if job.channel == channel:
                job.cancel()

    @property
    def busy(self) -> tuple[Job, ...]:
        """Running jobs a person should know of, the oldest first."""
        return tuple(j for j in self.running if not j.quiet)

    def shut_down(self, seconds: float = 5.0) -> bool:
        """Cancel everything and wait; return whether all threads ended in time."""
        self._waiting.clear()
        for job in self.running:
            job.cancel()
        deadline = time.monotonic() + seconds
        for job in self.running:
            job.thread.join(max(0.0, deadline - time.monotonic()))
        return not any(j.thread.is_alive() for j in self.running)

    def _begin(self, job: Job) -> None:
        self.running.append(job)
        job.thread.start()
        self.changed.emit()

    @Slot(object)
    def _on_arrived(self, message: tuple[Job, str, Any]) -> None:
        job, kind, payload = message
        if kind == "progress":
            job.fraction, job.text = payload
            self.changed.emit()
        elif kind == "partial":
            value = job.take_partial()
            if job.on_partial is not None and not job.context.cancelled:
                job.on_partial(value)
        else:
            self._on_end(job, payload)

    def _on_end(self, job: Job, outcome: Outcome) -> None:
        self.running.remove(job)
        following = self._waiting.pop(job.channel, None) if job.channel else None
        if following is not None:
            self._begin(following)
        self.changed.emit()
        if outcome.state == "succeeded" and job.on_done is not None:
            job.on_done(outcome.value)
        if job.on_end is not None:
            job.on_end(outcome)
        elif outcome.state == "failed":
            self.failed.emit(job.label, outcome)
