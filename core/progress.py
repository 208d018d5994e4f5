"""What long work receives besides its data: a place to report to, and a way to be stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable

Report = Callable[[float, str], None]
"""Receives the fraction done, 0 to 1, and a few words on what is being done."""


class Cancelled(Exception):
    """Raised inside long work after somebody asked it to stop."""


class Context:
    """Progress and cancellation of one piece of long work.

    Parameters
    ----------
    report : callable, optional
        Called with the overall fraction done (0 to 1) and a text.
    """

    def __init__(self, report: Report | None = None) -> None:
        self._report = report
        self._stops: tuple[threading.Event, ...] = (threading.Event(),)
        self._start, self._span = 0.0, 1.0

    def part(self, start: float, stop: float) -> Context:
        """Hand the slice from `start` to `stop` (0 to 1) of this progress to a sub-task."""
        child = Context(self._report)
        child._stops = self._stops
        child._start = self._start + start * self._span
        child._span = (stop - start) * self._span
        return child

    def silent(self) -> Context:
        """Give a context for work in threads: it reports nothing and stops with this one.

        It can be cancelled by itself, which does not stop this one.
        """
        child = self.part(0.0, 1.0)
        child._report = None
        child._stops = (*self._stops, threading.Event())
        return child

    def step(self, fraction: float, text: str = "") -> None:
        """Report that `fraction` (0 to 1) of this part is done; raise `Cancelled` if asked to stop."""
        self.check()
        if self._report is not None:
            self._report(self._start + min(max(fraction, 0.0), 1.0) * self._span, text)

    def check(self) -> None:
        """Raise `Cancelled` if somebody asked this work to stop."""
        if self.cancelled:
            raise Cancelled

    def cancel(self) -> None:
        """Ask the work, with all its sub-tasks, to stop; safe from any thread."""
        self._stops[-1].set()

    @property
    def cancelled(self) -> bool:
        """Whether the work has been asked to stop."""
        return any(stop.is_set() for stop in self._stops)
