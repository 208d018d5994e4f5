"""Time of a comparison: what is left for each network, and progress in proportion to time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

LEAST = 0.25
"""Part of an even share of the time that every network gets, however long all else takes."""

_QUICK = 2.0
"""Assumed time of a method without training, in seconds, until one was timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Place of one method in a comparison.

    Attributes
    ----------
    start, applied, stop : float
        What is done of the whole time at its start, when it was trained and applied, and at its end, 0 to 1.
    training : float
        Training time of a network, in seconds; 0 for a method without training.
    """

    start: float
    applied: float
    stop: float
    training: float = 0.0


class Timetable:
    """Shares the time of a comparison among its networks.

    The time of methods without training, of predictions and of estimates is measured as it passes. Networks
    share the rest equally, so that the whole comparison takes the given time.

    Parameters
    ----------
    seconds : float
        Time of the whole comparison, in seconds.
    quick, learned : int
        Number of methods without and with training. Those without training come first.
    clock : callable, optional
        Returns the time in seconds.
    """

    def __init__(
        self, seconds: float, *, quick: int, learned: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._clock = seconds, clock
        self._quick, self._learned, self._networks = quick, learned, learned
        self._began = self._last = clock()
        self._times: list[float] = []
        self._extra: float | None = None
        self._shown = self._trained = 0.0

    def begin(self, *, learned: bool) -> Slot:
        """Return the place of the next method."""
        self._last, self._trained = self._clock(), self._training() if learned else 0.0
        own = self._trained + self._beside if learned else self._usual
        networks = self._learned * (self._training() + self._beside) if self._learned else 0.0
        whole = max(self._elapsed + self._coming + networks, 1e-9)
        start = min(1.0, max(self._shown, self._elapsed / whole))
        stop = self._shown = min(1.0, max(start, (self._elapsed + own) / whole))
        # applying a network takes about a third of what comes beside its training
        applied = (self._trained + self._beside / 3) / own if learned and own else 0.5
        return Slot(start=start, applied=start + (stop - start) * applied, stop=stop, training=self._trained)

    def end(self, *, learned: bool) -> None:
        """Take note that a method is complete."""
        took = self._clock() - self._last
        if learned:
            self._learned -= 1
            self._extra = max(0.0, took - self._trained)
        else:
            self._quick -= 1
            self._times.append(took)

    def _training(self) -> float:
        """Return the training time of the next network, in seconds; whole seconds from 5 s on."""
        even = self._seconds / max(1, self._networks)
        left = (self._seconds - self._elapsed - self._coming) / max(1, self._learned)
        share = max(left - self._beside, LEAST * even)
        return float(round(share)) if share >= 5 else round(share, 1)

    @property
    def _elapsed(self) -> float:
        return self._clock() - self._began

    @property
    def _usual(self) -> float:
        """Time of a method without training, in seconds."""
        return sum(self._times) / len(self._times) if self._times else _QUICK

    @property
    def _coming(self) -> float:
        """Time of all methods without training that are still to come, in seconds."""
        return self._quick * self._usual

    @property
    def _beside(self) -> float:
        """Time that a network needs besides its training, in seconds."""
        if self._extra is not None:
            return self._extra
        # the slowest method without training is usually a network as well
        return max(self._times, default=0.1 * self._seconds / max(1, self._networks))
