"""Learning rate schedules."""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.learning.base import Learned

THRESHOLD = 1e-4
"""Relative decrease of the validation loss that counts as an improvement."""


class Rate:
    """Learning rate of a method at every step.

    "plateau" multiplies the learning rate by ``factor`` after more than ``patience`` epochs without
    improvement of the validation loss, exactly as ``torch.optim.lr_scheduler.ReduceLROnPlateau``.
    """

    def __init__(self, method: Learned) -> None:
        self._method = method
        self._lowered = 1.0
        self._best = math.inf
        self._bad = 0

    @property
    def highest(self) -> float:
        """Current base learning rate, without warm-up and cosine."""
        return self._method.learning_rate * self._lowered

    def halve(self) -> None:
        """Halve the learning rate of every schedule."""
        self._lowered *= 0.5

    def at(self, step: int, fraction: float) -> float:
        """Return the learning rate of a step (counted from 0), at this completed fraction of the training."""
        method, rate = self._method, self.highest
        if method.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(fraction, 1.0)))
        return rate * min(1.0, (step + 1) / method.warmup) if method.warmup else rate

    def watch(self, validation: float) -> None:
        """Record the validation loss after an epoch."""
        if self._method.schedule != "plateau":
            return
        if validation < self._best * (1 - THRESHOLD):
            self._best, self._bad = validation, 0
        else:
            self._bad += 1
        if self._bad > self._method.patience:
            self._lowered *= self._method.factor
            self._bad = 0

    def state_dict(self) -> dict[str, float]:
        """Return the state that is needed to resume."""
        return {"lowered": self._lowered, "best": self._best, "bad": self._bad}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Restore a state."""
        self._lowered, self._best, self._bad = state["lowered"], state["best"], int(state["bad"])
