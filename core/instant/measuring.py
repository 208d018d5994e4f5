"""Measure the noise of a stack before it is denoised."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.noise.between import LIMIT, shared
from core.noise.estimate import estimate
from core.noise.model import NoiseEstimate
from core.stack import Pixels, Stack, middle

PLANES = 4
"""Planes of each channel that are looked at, spread over the stack."""

ALIKE = 1.1
"""Noise of planes that differ by no more than this factor in standard deviation counts as the same."""

MIDDLE = 512
"""Side in pixels of the part of planes that are compared."""

_FACT = "instant noise"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackNoise:
    """Noise of each channel of a stack, or the decision to measure that of every plane.

    Attributes
    ----------
    channels : tuple of NoiseEstimate
        One for each channel; one if the stack has no channels.
    each_plane : bool
        Whether planes differ, so that each is to be measured by itself.
    """

    channels: tuple[NoiseEstimate, ...]
    each_plane: bool

    def averaged(self, frames: float) -> StackNoise:
        """Noise of means of so many frames of one scene."""
        return replace(self, channels=tuple(noise.averaged(frames) for noise in self.channels))


def noise_of(stack: Stack, noise: str) -> StackNoise:
    """Noise of a stack as `measure` gives it, measured once for all."""
    found = stack.fact(_FACT, lambda: measure(stack, "auto"))
    return found if noise == "auto" else replace(found, each_plane=noise == "plane")


def tell(stack: Stack, noise: StackNoise) -> None:
    """Let a stack whose noise is known already be asked for it."""
    stack.fact(_FACT, lambda: noise)


def measure(stack: Stack, noise: str) -> StackNoise:
    """Measure the noise of a stack from some of its planes.

    Parameters
    ----------
    stack : Stack
        What to measure.
    noise : {"auto", "stack", "plane"}
        Whether planes are measured one by one: "auto" looks whether they differ.

    Raises
    ------
    QuietfieldError
        If the planes are too small.
    """
    inner = tuple(middle(stack.sizes[axis], MIDDLE) for axis in "YX")
    found, differ = [], False
    for channel in range(stack.sizes.get("C", 1)):
        planes = some_planes(stack, channel)
        one = estimate(planes)
        if one.method == "frames" and shared(stack, "T") > LIMIT:
            one = estimate(planes, together=False)
        found.append(one)
        if noise == "auto" and len(planes) > 1 and not differ:
            differ = _differ([estimate(plane[inner]) for plane in planes])
    return StackNoise(channels=tuple(found), each_plane=noise == "plane" or differ)


def some_planes(stack: Stack, channel: int, most: int = PLANES) -> Pixels:
    """Planes (N, Y, X) of a channel, at most so many, spread over the other axes."""
    lead = [(axis, size) for axis, size in stack.sizes.items() if axis not in "YX"]
    free = [(axis, 1 if axis == "C" else size) for axis, size in lead]
    count = int(np.prod([size for _, size in free], dtype=np.int64))
    planes = []
    for number in sorted({round(part) for part in np.linspace(0, count - 1, min(count, most))}):
        index = np.unravel_index(number, [size for _, size in free]) if free else ()
        at = {axis: channel if axis == "C" else int(i) for (axis, _), i in zip(free, index, strict=True)}
        planes.append(stack.plane(**at))
    return np.stack(planes)


def _differ(found: list[NoiseEstimate]) -> bool:
    """Whether the noise of planes differs for certain at the intensity they have on average."""
    blank = [one.absent for one in found]
    if any(blank):
        return not all(blank)
    if not all(one.reliable for one in found):
        return False
    middle = float(np.mean([one.mean for one in found]))
    spread = np.sqrt([float(one.model.variance(middle)) for one in found])
    return bool(spread.max() > ALIKE * max(float(spread.min()), 1e-30))
