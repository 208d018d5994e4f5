"""Whether a trained network suits the pixels of a stack."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, kinds
from core.learning.data import Normalisation
from core.stack import Stack

FACTOR = 5.0
"""Beyond this ratio of standard deviations, or this many of them between the means, stacks are unlike."""


def unlike(stack: Stack, known: Normalisation, channel: int) -> Finding | None:
    """Find that a channel of a stack is far from what a network was trained on; None if it is not.

    Mean and standard deviation of the first, middle and last planes are compared with those that the network
    was trained with, channel by channel if it knows several.

    Parameters
    ----------
    stack : Stack
        What the network is to be applied to.
    known : Normalisation
        Mean and standard deviation that the network was trained with.
    channel : int
        Channel that is examined.
    """
    at = channel if len(known.mean) == stack.sizes.get("C", 1) else 0
    mean, std = known.mean[at] + known.offset, known.std[at]
    pixels = _sample(stack, channel)
    if not pixels.size:
        return None
    own_mean, own_std = float(pixels.mean()), float(pixels.std())
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
        plane = stack.plane(**position).astype(np.float64)
        found.append(plane[np.isfinite(plane)])
    return np.concatenate(found)
