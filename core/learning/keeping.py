"""The best network of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from core.learning.optimising import copied


class Best:
    """Weights with the lowest loss on held-out parts.

    Attributes
    ----------
    weights : dict of str to Tensor, or None
        Weights; None before the first offer.
    validation : float
        Loss on held-out parts.
    step : int
        Number of updates at that time.
    """

    def __init__(self) -> None:
        self.weights: dict[str, Tensor] | None = None
        self.validation, self.step = math.inf, 0

    def offer(self, network: nn.Module, validation: float, step: int) -> None:
        """Keep a copy of the weights of a network if its loss is lower than before."""
        if validation < self.validation:
            self.weights, self.validation, self.step = copied(network.state_dict()), validation, step

    def state_dict(self) -> dict[str, Any]:
        """Return the state that is needed to resume, copied."""
        weights = None if self.weights is None else copied(self.weights)
        return {"best": weights, "best_validation": self.validation, "best_step": self.step}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state."""
        self.weights = None if state["best"] is None else copied(state["best"])
        self.validation, self.step = state["best_validation"], state.get("best_step", 0)
