"""Progress of a training in words, and the time that it still takes for the one who waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.shell.durations import clock
from core.learning.base import Learned

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.trainer import Report

ENOUGH = 2.0
"""Training time after which its share of the elapsed time is known, in seconds."""


class Pace:
    """Expected remaining time of a training as a clock on the wall measures it.

    The clock of a training counts its steps. Predictions for the window and held-out losses take time
    between them, so that the remaining training time is too short by their share.
    """

    def __init__(self) -> None:
        self._start: tuple[float, float] | None = None
        self._rested = 0.0

    def rest(self, seconds: float) -> None:
        """Leave out the duration of a pause."""
        self._rested += seconds

    def left(self, now: float, trained: float, remaining: float) -> float:
        """Return the expected remaining time in seconds; NaN if it is unknown.

        Parameters
        ----------
        now : float
            Reading of a clock that also runs during pauses, in seconds.
        trained, remaining : float
            Training time so far, and expected remaining training time, in seconds.
        """
        if self._start is None:
            self._start = now - self._rested, trained
        elapsed, counted = now - self._rested - self._start[0], trained - self._start[1]
        return remaining * max(1.0, elapsed / counted) if counted >= ENOUGH else remaining


def progress(report: Report, method: Learned) -> tuple[float, str]:
    """Return the completed fraction of a training, and its progress towards its limit in words."""
    if not report.step:
        return 0.0, report.doing or "Preparing…"
    by_steps = report.step / method.steps if method.steps else 0.0
    by_time = report.seconds / method.seconds if method.seconds else 0.0
    if by_time > by_steps:
        return min(by_time, 1.0), f"{clock(report.seconds)} of {clock(method.seconds)}, step {report.step}"
    return min(by_steps, 1.0), f"step {report.step} of {method.steps}"
