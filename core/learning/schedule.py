"""How the learning rate changes while training goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.learning.base import Learned

THRESHOLD = 1e-4
"""Share by which the validation error must fall to count as better."""


class Rate:
    """Learning rate of a method at every step.

    "plateau" multiplies it by ``factor`` after more than ``patience`` epochs without a better
    validation error, exactly as ``torch.optim.lr_scheduler.ReduceLROnPlateau`` does.
    """

    def __init__(self, method: Learned) -> None:
        self._method = method
        self._lowered = 1.0
        self._best = math.inf
        self._bad = 0

    @property
    def highest(self) -> float:
        """Learning rate as lowered so far, without warm-up and cosine."""
        return self._method.learning_rate * self._lowered

    def halve(self) -> None:
        """Go on at half the rate, with every schedule."""
        self._lowered *= 0.5

    def at(self, step: int, fraction: float) -> float:
        """Learning rate for a step (counted from 0), with this fraction of the training done."""
        method, rate = self._method, self.highest
        if method.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(fraction, 1.0)))
        return rate * min(1.0, (step + 1) / method.warmup) if method.warmup else rate

    def watch(self, validation: float) -> None:
        """Take note of the validation error after an epoch."""
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
        """What has to be known to go on."""
        return {"lowered": self._lowered, "best": self._best, "bad": self._bad}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Go on from a state."""
        self._lowered, self._best, self._bad = state["lowered"], state["best"], int(state["bad"])
