"""Findings about static and moving scenes, for averaging frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, Proposal, kinds
from core.instant.constants import GRID, MEAN, around
from core.noise.motion import compare
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import CHANGED, SIDE, Survey, spread_frames
from core.recorded import Recorded
from core.stack import Pixels, Region, Stack, middle

Plane = NDArray[np.float32]


def propose_averaging(stack: Stack) -> Finding | None:
    """Propose averaging if all frames show the same scene; None if they do not."""
    if not Survey.of(stack).stands_still():
        return None
    average = Proposal(label="Average frames", params={"neighbours": MEAN})
    return Finding(kind=kinds.FRAMES_STILL, proposal=average)


def find_motion(stack: Stack) -> Finding | None:
    """Return a finding about the frame that differs most from the mean around it, beyond its noise.

    Several frames, spread over the stack, are compared in every channel, in the middle of depth.

    Returns
    -------
    Finding or None
        None if no frame differs by more than `CHANGED`.
    """
    found = []
    for channel, noise in enumerate(Survey.of(stack).noise().channels):
        for region in spread_frames(stack, channel):
            found.append((compare_with_mean(stack, region, noise)[2], region))
    return difference_finding(*max(found, key=lambda pair: pair[0]))


def compare_with_mean(stack: Stack, region: Region, noise: NoiseEstimate) -> tuple[Plane, int, float]:
    """Return the mean around the frame of a region, its number of frames, and the fraction that differs."""
    time = region[0].start
    frames = around(time, stack.shape[0])
    planes = Recorded.of(stack).measured((slice(frames.start, frames.stop), *_inner(stack, region)[1:]))
    planes = planes.reshape(len(frames), *planes.shape[-2:])
    together, count = mean(list(planes)), max(1, int(np.isfinite(planes).any((1, 2)).sum()))
    frame = planes[time - frames.start].astype(np.float64)
    change = compare(together.astype(np.float64), frame, noise, frames=count)
    return together, count, change.share


def difference_finding(share: float, region: Region) -> Finding | None:
    """Return a finding if a larger fraction of a frame than `CHANGED` differs from the mean."""
    if share <= CHANGED:
        return None
    return Finding(
        kind=kinds.FRAME_DIFFERS, value=share, limit=CHANGED, details={"frame": region[0].start},
        proposal=Proposal(label="Use no neighbours", params={"neighbours": "none"}),
    )  # fmt: skip


def _inner(stack: Stack, region: Region) -> Region:
    return (*region[:-2], *(middle(n, SIDE, GRID) for n in stack.shape[-2:]))


def mean(planes: list[Pixels]) -> Plane:
    """Return the mean of images over finite pixels; NaN where no image is finite."""
    total, count = np.zeros(planes[0].shape), np.zeros(planes[0].shape, np.int32)
    whole = planes[0].dtype.kind in "biu"
    for plane in planes:
        finite = True if whole else np.isfinite(plane)
        total += plane if whole else np.where(finite, plane, 0)
        count += finite
    return np.where(count, total / np.maximum(count, 1), np.nan).astype(np.float32)
