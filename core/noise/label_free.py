"""Whether a stack is label-free: structures brighter and darker than a grey background.

In phase contrast and brightfield, most of the image is a grey background. Cells and their halos differ from
it in both directions, and no part is without light. In fluorescence the background is the darkest part.
"""

from __future__ import annotations

from threading import RLock

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.noise.motion import mean_variance
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import Survey
from core.progress import Context
from core.recorded import Recorded
from core.stack import Stack, middle

SIDE = 4
"""Side of the squares whose means are compared, in pixels."""

LARGEST = 1024
"""Maximum side of the examined part of a plane."""

TREND = 0.25
"""Half width of the background, relative to the range of the image."""

FILLED = 0.35
"""Minimum fraction of the image that is background."""

DEEP = 0.5
"""Minimum depth of dark structures relative to the height of bright ones."""

CLEAR = 5.0
"""Depth and height in standard deviations of the noise of a mean, from which on they are structures."""

LIT = 2.5
"""Minimum mean of the background above the possible offset, relative to the depth of dark structures."""


def is_label_free(stack: Stack, context: Context | None = None) -> bool:
    """Return whether most channels of a stack seem to be label-free; False if the noise cannot be measured.

    Parameters
    ----------
    stack : Stack
        Stack; the middle plane of each channel is read, once.
    context : Context, optional
        Cancellation.
    """
    known = stack.attached(_Known, _Known)
    with known.lock:
        if known.label_free is None:
            known.label_free = _examine(stack, context or Context())
        return known.label_free


class _Known:
    """Whether a stack is label-free, found once."""

    __slots__ = ("label_free", "lock")

    def __init__(self) -> None:
        self.lock = RLock()
        self.label_free: bool | None = None


def _examine(stack: Stack, context: Context) -> bool:
    try:
        channels = Survey.of(stack).noise(context).channels
    except QuietfieldError:  # too small or too large for an estimate
        return False
    votes = [_judge(_middle(stack, at), noise) for at, noise in enumerate(channels)]
    return 2 * sum(votes) > len(votes)


def _middle(stack: Stack, channel: int) -> NDArray[np.float64]:
    at: dict[str, slice | int] = {axis: stack.sizes[axis] // 2 for axis in "TZ" if axis in stack.axes}
    at |= {axis: middle(stack.sizes[axis], LARGEST) for axis in "YX"}
    at |= {"C": channel} if "C" in stack.axes else {}
    pixels = Recorded.of(stack).measured(stack.region(**at))
    return pixels.reshape(pixels.shape[-2:]).astype(np.float64)


def _judge(plane: NDArray[np.float64], noise: NoiseEstimate) -> bool:
    """Return whether a plane has a grey background with structures on both sides."""
    rows, columns = (n // SIDE for n in plane.shape)
    if rows * columns < 64:
        return False
    means = plane[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE).mean(axis=(1, 3))
    means = means[np.isfinite(means)]
    if means.size < 64:
        return False
    low, dark, bright, high = (float(one) for one in np.quantile(means, (0.002, 0.02, 0.98, 0.998)))
    background = _mode(means, low, high)
    depth, height = background - dark, bright - background
    shared = max(mean_variance(noise.autocorrelation), 1.0)
    spread = float(np.sqrt(np.maximum(noise.model.variance(background), 0.0) * shared)) / SIDE
    if not depth > CLEAR * spread or not height > CLEAR * spread:
        return False
    near = float((np.abs(means - background) < TREND * (high - low)).mean())
    # the offset is at least the mean at which the variance vanishes, and at least 0 for counts
    zero = -noise.model.constant / noise.model.gain if noise.model.gain > 0 else min(low, 0.0)
    return near > FILLED and depth > DEEP * height and background - zero > LIT * depth


def _mode(means: NDArray[np.float64], low: float, high: float) -> float:
    """Return the most frequent mean, from a smoothed histogram."""
    counts, edges = np.histogram(means, 64, (low, high if high > low else low + 1))
    smooth = np.convolve(counts, np.ones(5) / 5, mode="same")
    at = int(smooth.argmax())
    return float(edges[at] + edges[at + 1]) / 2
