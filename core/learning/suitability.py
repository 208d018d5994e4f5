"""Comparison of a stack with the training stack of a network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, kinds
from core.learning.data import Normalisation
from core.level import level_of
from core.recorded import Recorded
from core.stack import Stack

FACTOR = 5.0
"""Ratio of standard deviations, or difference of means in standard deviations, above which stacks differ."""


def unlike(stack: Stack, known: Normalisation, channel: int) -> Finding | None:
    """Return a finding if a channel of a stack differs strongly from the training stack of a network.

    Mean and standard deviation of the first, middle and last planes are compared with those of the training
    stack, channel by channel if the network distinguishes channels.

    Parameters
    ----------
    stack : Stack
        Stack that the network is applied to.
    known : Normalisation
        Mean and standard deviation of the training stack.
    channel : int
        Channel to examine.

    Returns
    -------
    Finding or None
        None if the stacks are similar.
    """
    at = channel if len(known.mean) == stack.sizes.get("C", 1) else 0
    mean, std = known.mean[at] + known.offset, known.std[at]
    pixels = _sample(stack, channel)
    if not pixels.size:
        return None
    own_mean, own_std = float(pixels.mean()) + level_of(stack), float(pixels.std())
    if std / FACTOR <= own_std <= std * FACTOR and abs(own_mean - mean) <= FACTOR * std:
        return None
    where = f"channel {channel + 1} of {stack.meta.name}" if stack.sizes.get("C", 1) > 1 else stack.meta.name
    return Finding(
        kind=kinds.UNLIKE_TRAINING,
        details={"where": where, "mean": mean, "std": std, "own_mean": own_mean, "own_std": own_std},
    )


def _sample(stack: Stack, channel: int) -> NDArray[np.float64]:
    found = []
    for share in (0.0, 0.5, 1.0):
        position = {a: round(share * (n - 1)) for a, n in stack.sizes.items() if a in "TZ"}
        if "C" in stack.axes:
            position["C"] = channel
        plane = Recorded.of(stack).measured(stack.region(**position)).astype(np.float64)
        found.append(plane[np.isfinite(plane)])
    return np.concatenate(found)
