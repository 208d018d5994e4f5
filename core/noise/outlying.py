"""Frames whose intensity is far from that of all others, such as a flash or a blank frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.progress import Context
from core.recorded import Recorded
from core.stack import Stack, middle

FAR = 8.0
"""Difference of the median of a frame, in standard deviations within the other frames, that is outlying."""

MOST = 0.25
"""Largest fraction of frames that may be outlying; if more are, the stack consists of different frames."""

LONGEST = 2
"""Largest number of consecutive outlying frames; more of them are a change of the scene."""

LEAST = 4
"""Minimum number of frames for a comparison."""

SIDE, STEP = 512, 4
"""Side of the compared central part in pixels, and step between compared pixels."""

_SPREAD = 0.9
"""Quantile of the standard deviations within frames that others are compared with."""


def outlying_frames(stack: Stack, axis: str, context: Context) -> tuple[int, ...]:
    """Return the indices of frames or planes that differ from all others by far more than their structure.

    Frames in which no pixel was recorded, such as blank ones, are among them, unless fewer than two frames
    remain.

    Parameters
    ----------
    stack : Stack
        Stack to examine: in every channel, in the middle of the other axis of depth and time.
    axis : {"T", "Z"}
        Axis of the frames or planes.
    context : Context
        Cancellation.
    """
    count = stack.sizes.get(axis, 1)
    if count < LEAST:
        return ()
    found: set[int] = set()
    empty = set(range(count))
    for channel in range(stack.sizes.get("C", 1)):
        levels, spreads = np.full(count, np.nan), np.full(count, np.nan)
        for index in range(count):
            context.check()
            pixels = _sample(stack, axis, index, channel)
            if pixels.size:
                levels[index], spreads[index] = np.median(pixels), pixels.std()
                empty.discard(index)
        found |= set(_isolated(levels, spreads))
    if len(found) > MOST * count:
        found = set()
    return tuple(sorted(found | empty if len(found | empty) <= count - 2 else found))


def _isolated(levels: NDArray[np.float64], spreads: NDArray[np.float64]) -> list[int]:
    """Return the indices of far levels, in short runs between levels that are not far."""
    known = np.isfinite(levels) & np.isfinite(spreads)
    if known.sum() < LEAST:
        return []
    difference = np.abs(levels - np.median(levels[known]))
    usual = known & (difference <= np.quantile(difference[known], 1 - MOST))
    limit = FAR * float(np.quantile(spreads[usual], _SPREAD))
    if not limit > 0:  # frames without noise: nothing can be outlying
        return []
    far = known & (difference > limit)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], far, [False]]).astype(int)))
    runs = [range(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
    short = [run for run in runs if len(run) <= LONGEST]
    return [index for run in short if _jumps(run, levels, spreads) for index in run]


def _jumps(run: range, levels: NDArray[np.float64], spreads: NDArray[np.float64]) -> bool:
    """Return whether frames differ from those before and after them by far more than the structure there."""
    adjacent = [i for i in (run.start - 1, run.stop) if 0 <= i < len(levels) and np.isfinite(levels[i])]
    return all(abs(levels[i] - levels[j]) > FAR * spreads[j] for i in run for j in adjacent)


def _sample(stack: Stack, axis: str, index: int, channel: int) -> NDArray[np.float64]:
    """Return every few of the recorded pixels of a frame."""
    where: dict[str, slice | int] = {a: stack.sizes[a] // 2 for a in "TZ" if a in stack.axes}
    where |= {axis: index}
    where |= {a: middle(stack.sizes[a], SIDE) for a in "YX"} | ({"C": channel} if "C" in stack.axes else {})
    pixels = Recorded.of(stack).measured(stack.region(**where))
    pixels = pixels.reshape(pixels.shape[-2:])[::STEP, ::STEP].astype(np.float64)
    found: NDArray[np.float64] = pixels[np.isfinite(pixels)]
    return found
