"""Progress and cancellation of long work."""

from __future__ import annotations

import threading
from collections.abc import Callable

Report = Callable[[float, str], None]
"""Receives the completed fraction, 0 to 1, and a short description of the current step."""


class Cancelled(Exception):
    """Raised inside long work after its cancellation."""


class Context:
    """Progress and cancellation of one piece of long work.

    Parameters
    ----------
    report : callable, optional
        Called with the completed fraction of all work (0 to 1) and a short description.
    """

    def __init__(self, report: Report | None = None) -> None:
        self._report = report
        self._stops: tuple[threading.Event, ...] = (threading.Event(),)
        self._start, self._span = 0.0, 1.0

    def part(self, start: float, stop: float) -> Context:
        """Return a context for a sub-task that reports the range `start` to `stop` (0 to 1) of this one."""
        child = Context(self._report)
        child._stops = self._stops
        child._start = self._start + start * self._span
        child._span = (stop - start) * self._span
        return child

    def own(self) -> Context:
        """Return a context that reports like this one and is cancelled together with it.

        Cancelling it does not cancel this context.
        """
        child = self.part(0.0, 1.0)
        child._stops = (*self._stops, threading.Event())
        return child

    def silent(self) -> Context:
        """Return a context for threads: like `own`, but it reports nothing."""
        child = self.own()
        child._report = None
        return child

    def step(self, fraction: float, text: str = "") -> None:
        """Report that `fraction` (0 to 1) of this part is done.

        Raises
        ------
        Cancelled
            If the work is cancelled.
        """
        self.check()
        if self._report is not None:
            self._report(self._start + min(max(fraction, 0.0), 1.0) * self._span, text)

    def check(self) -> None:
        """Raise `Cancelled` if the work is cancelled."""
        if self.cancelled:
            raise Cancelled

    def cancel(self) -> None:
        """Cancel the work and all its sub-tasks; safe from any thread."""
        self._stops[-1].set()

    @property
    def cancelled(self) -> bool:
        """Whether the work is cancelled."""
        return any(stop.is_set() for stop in self._stops)
