"""Whether a trained network suits the pixels of a stack."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.learning.data import Normalisation
from core.stack import Stack

FACTOR = 5.0
"""Beyond this ratio of standard deviations, or this many of them between the means, stacks are unlike."""


def unlike(stack: Stack, known: Normalisation) -> str:
    """Say in a sentence that a stack is far from what a network was trained on; "" if it is not.

    Mean and standard deviation of the stack's first, middle and last planes are compared with those
    the network was trained with, channel by channel where it knows several.

    Parameters
    ----------
    stack : Stack
        What the network is to be applied to.
    known : Normalisation
        Mean and standard deviation that the network was trained with.
    """
    channels = stack.sizes.get("C", 1)
    for channel in range(channels):
        at = channel if len(known.mean) == channels else 0
        mean, std = known.mean[at] + known.offset, known.std[at]
        pixels = _sample(stack, channel)
        if not pixels.size:
            continue
        here, spread = float(pixels.mean()), float(pixels.std())
        if std / FACTOR <= spread <= std * FACTOR and abs(here - mean) <= FACTOR * std:
            continue
        which = f"channel {channel + 1} of {stack.meta.name}" if channels > 1 else stack.meta.name
        return (
            f"The network was trained on pixels of mean {mean:.4g} and standard deviation {std:.4g}; "
            f"{which} has {here:.4g} and {spread:.4g}. Look at the result with care, or train on this stack."
        )
    return ""


def _sample(stack: Stack, channel: int) -> NDArray[np.float64]:
    found = []
    for share in (0.0, 0.5, 1.0):
        position = {a: round(share * (n - 1)) for a, n in stack.sizes.items() if a in "TZ"}
        if "C" in stack.axes:
            position["C"] = channel
        plane = stack.plane(**position).astype(np.float64)
        found.append(plane[np.isfinite(plane)])
    return np.concatenate(found)
