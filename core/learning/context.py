"""Whether the planes or frames beside help to predict pixels of a stack, found out on hidden pixels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from core.instant.denoiser import lift
from core.instant.network import LEAST, InstantNetwork
from core.instant.reach import GRID, beside
from core.instant.weights import load_network
from core.learning.evidence import levels
from core.learning.masks import draw_mask, surrounded
from core.noise.model import NoiseEstimate
from core.noise.transform import Stabiliser
from core.stack import AXIS_NAMES, Stack, middle

SIDE = 256
"""Side in pixels of the parts that are looked at, in the middle of planes."""

PLANES = 8
"""Planes that are looked at, spread over the axis."""

BOX = 4
"""One pixel in every box of this side is hidden."""

MASKS = 2
"""How often each plane is looked at, with other pixels hidden."""

FAR = 6.0
"""Errors beyond this many standard deviations of the noise count no more than these: pixels out of order,
such as those that are saturated in all planes, say nothing of what they show."""

CERTAIN = 3.0
"""Standard errors by which the squared error at hidden pixels has to fall."""


def neighbours(stack: Stack) -> tuple[str, str]:
    """Axis along which neighbours lower the error of the network of Instant at hidden pixels.

    The noise must be independent from pixel to pixel, and from plane to plane.

    Returns
    -------
    tuple of two str
        "T", "Z", or "none"; and what was found, as a sentence, or "".
    """
    axes = [axis for axis in "TZ" if stack.sizes.get(axis, 1) > 1]
    side = min(SIDE, *stack.shape[-2:]) // GRID * GRID
    if not axes or side < LEAST:
        return "none", ""
    network, _ = load_network()
    found = {axis: _fall(network, stack, axis, side) for axis in axes}
    best = max(found, key=lambda axis: found[axis])
    if found[best] > CERTAIN:
        return best, f"Neighbours along {_axis(best)} help to predict hidden pixels: they are used."
    return "none", "Neighbouring planes or frames do not help to predict hidden pixels: they are not used."


def _axis(letter: str) -> str:
    return f"{AXIS_NAMES[letter]} ({letter})"


def _fall(network: InstantNetwork, stack: Stack, axis: str, side: int) -> float:
    """Fall of the squared error at hidden pixels of the first channel, in standard errors of its mean."""
    (stabiliser, noise), *_ = levels(stack)
    count = stack.sizes[axis]
    at = {a: stack.sizes[a] // 2 for a in "TZ" if a in stack.axes} | ({"C": 0} if "C" in stack.axes else {})
    inner = {a: middle(stack.sizes[a], side, GRID) for a in "YX"}
    generator = torch.Generator().manual_seed(0)
    falls = []
    for index in sorted({round(part) for part in np.linspace(0, count - 1, min(count, PLANES))}):
        shown = [stack.read(stack.region(**inner, **{**at, axis: i})) for i in (index, *beside(index, count))]
        planes = np.stack([plane.reshape(side, side) for plane in shown]).astype(np.float32)
        planes[~np.isfinite(planes)] = noise.mean
        falls += [_falls(network, planes, stabiliser, noise, generator) for _ in range(MASKS)]
    every = np.concatenate(falls)
    return float(every.mean() / max(every.std() / np.sqrt(every.size), 1e-30))


def _falls(
    network: InstantNetwork, planes: NDArray[np.float32], stabiliser: Stabiliser, noise: NoiseEstimate,
    generator: torch.Generator,
) -> NDArray[np.float64]:  # fmt: skip
    """Fall of the squared error, in variances of the noise, at each hidden pixel of the first plane."""
    mask = draw_mask(1, planes.shape[-1], BOX, 3, generator)
    hidden = surrounded(torch.from_numpy(planes[:1]), mask).numpy()
    raised = lift(stabiliser, noise)
    uniform = stabiliser.forward(np.concatenate([hidden, planes[1:]])) + raised
    given = torch.from_numpy(uniform.astype(np.float32))[None]
    told = torch.tensor([noise.correlations], dtype=torch.float32)
    signals = []
    for others in (None, given[:, 1:]):
        with torch.inference_mode():
            values = network(given[:, :1], told, others, expect=False).denoised[0, 0].numpy()
        signals.append(stabiliser.inverse(values - raised))
    without, with_them = signals
    # one variance for both, so that it does not matter which of them is brighter
    variance = np.maximum(noise.variance(without), 1e-30)
    alone, together = (np.square(planes[0] - signal) / variance for signal in (without, with_them))
    fall = np.minimum(alone, FAR**2) - np.minimum(together, FAR**2)
    found: NDArray[np.float64] = fall.ravel()[mask.hidden[0].numpy()]
    return found
