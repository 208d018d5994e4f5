"""Pixels of a stack that the noise report examines: frames of one scene, and single planes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.noise.estimate import estimate_frames
from core.noise.noise_estimate import NoiseEstimate
from core.recorded import Recorded
from core.stack import Stack, middle

FRAMES = 10
"""Maximum number of frames that are compared."""

SIDE = 512
"""Side of the central region, in pixels."""

PLANES = 4
"""Maximum number of single planes, spread over the stack."""

PART = 1024
"""Side of the central region of single planes, in pixels."""

Images = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Pixels of one channel.

    Attributes
    ----------
    frames : ndarray, shape (T, Y, X), or None
        Consecutive frames of one static scene, in counts; None if there are none.
    planes : ndarray, shape (N, Y, X)
        Single planes spread over time and depth, in counts.
    origin : (int, int)
        Row and column of the first pixel of `planes` in the stack.
    """

    frames: Images | None
    planes: Images
    origin: tuple[int, int]


def read_samples(stack: Stack, channel: int, noise: NoiseEstimate) -> Samples:
    """Read the pixels of a channel that are examined.

    Parameters
    ----------
    stack : Stack
        Stack.
    channel : int
        Index of the channel; 0 without channels.
    noise : NoiseEstimate
        Noise of the channel.
    """
    at = {"C": channel} if "C" in stack.axes else {}
    lead = {axis: stack.sizes.get(axis, 1) for axis in "TZ"}
    count = lead["T"] * lead["Z"]
    numbers = sorted({round(part) for part in np.linspace(0, count - 1, min(count, PLANES))})
    inner = {axis: middle(stack.sizes[axis], PART) for axis in "YX"}
    planes = []
    for number in numbers:
        time, depth = divmod(number, lead["Z"])
        planes.append(_read(stack, {**at, **inner, "T": time, "Z": depth})[0])
    frames = _frames(stack, at) if noise.method == "frames" else None
    origin = (int(inner["Y"].start), int(inner["X"].start))
    return Samples(frames=frames, planes=np.stack(planes), origin=origin)


def scaled(samples: Samples, factor: float) -> Samples:
    """Return pixels times a factor."""
    frames = None if samples.frames is None else samples.frames * factor
    return Samples(frames=frames, planes=samples.planes * factor, origin=samples.origin)


def usable(images: Images, noise: NoiseEstimate) -> NDArray[np.bool_]:
    """Return which pixels (Y, X) of several images are finite and not saturated in all of them."""
    good = np.isfinite(images) & (images < noise.ceiling)
    return np.asarray(good.all(axis=0))


def _frames(stack: Stack, at: dict[str, int]) -> Images | None:
    """Return consecutive frames, or planes along depth, in the middle, if they show one scene."""
    for axis in "TZ":
        if stack.sizes.get(axis, 1) > 2:
            where: dict[str, slice | int] = {a: stack.sizes.get(a, 1) // 2 for a in "TZ"}
            where |= {a: middle(stack.sizes[a], SIDE) for a in "YX"}
            frames = _read(stack, {**where, **at, axis: middle(stack.sizes[axis], FRAMES)})
            if estimate_frames(frames) is not None:
                return frames
    return None


def _read(stack: Stack, where: dict[str, slice | int]) -> Images:
    """Return pixels as planes (N, Y, X), in float64; axes that the stack does not have are ignored."""
    known = {axis: part for axis, part in where.items() if axis in stack.axes}
    pixels = Recorded.of(stack).measured(stack.region(**known))
    return pixels.reshape(-1, *pixels.shape[-2:]).astype(np.float64)
