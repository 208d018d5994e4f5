"""What helps to predict pixels of a stack, found out on hidden ones: planes or frames beside, a PSF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.findings import Finding, kinds
from core.instant.constants import GRID, beside
from core.instant.denoiser import lift
from core.instant.network import LEAST, InstantNetwork
from core.instant.scene import propose_averaging
from core.instant.weights import shipped_network
from core.learning.masks import draw_mask, surrounded
from core.learning.obstacles import examine_channels, noiseless
from core.learning.training_advice import levels
from core.noise.noise_estimate import BLIND_SPOT_LIMIT, NoiseEstimate
from core.noise.survey import find_shared_noise
from core.noise.transform import Stabiliser
from core.optics import convolve
from core.progress import Context
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

WORSE = 0.02
"""By how much more, in variances of the noise, convolved predictions may miss hidden pixels."""

Image = NDArray[np.float32]


def neighbours(stack: Stack, context: Context) -> tuple[str, tuple[Finding, ...]]:
    """Axis along which neighbours lower the error of the network of Instant at hidden pixels.

    The noise must be independent from plane to plane. Where neighbouring pixels share it, only pixels so far
    apart that they do not are looked at, in whose grid things move a fraction as far.

    Parameters
    ----------
    stack : Stack
        What is to be trained on.
    context : Context
        Receives progress, and can stop it.

    Returns
    -------
    axis : {"T", "Z", "none"}
        The axis.
    findings : tuple of Finding
        How much the neighbours help, and what else was found.
    """
    axes = [axis for axis in "TZ" if stack.sizes.get(axis, 1) > 1]
    if not axes or _side(stack) < LEAST or 0 in noiseless(examine_channels(stack)):
        return "none", ()
    shared = {axis: find_shared_noise(stack, axis, kinds.NEIGHBOURS_LEFT_OUT) for axis in axes}
    axes = [axis for axis in axes if shared[axis] is None]
    left_out = [finding for finding in shared.values() if finding is not None]
    if not axes:
        return "none", tuple(left_out)
    network = shipped_network("instant")
    falls = {
        axis: _fall(network, stack, axis, context.part(at / len(axes), (at + 1) / len(axes)))
        for at, axis in enumerate(axes)
    }
    best = max(falls, key=lambda axis: falls[axis])
    helps = falls[best] > CERTAIN
    finding = Finding(
        kind=kinds.NEIGHBOURS_HELP if helps else kinds.NEIGHBOURS_USELESS,
        value=falls[best], limit=CERTAIN, unit="standard errors",
        details={"axis": best, "name": AXIS_NAMES[best]},
    )  # fmt: skip
    averaging = propose_averaging(stack) if helps else None
    findings = (finding, *left_out, *([averaging] if averaging is not None else []))
    return (best if helps else "none"), findings


def bears_convolution(stack: Stack, sigma: float, context: Context) -> bool:
    """Whether hidden pixels are predicted hardly worse when the image predicted is convolved with a Gaussian.

    Parameters
    ----------
    stack : Stack
        What to look at: some planes of its first channel.
    sigma : float
        Standard deviation of the Gaussian in pixels.
    context : Context
        Receives progress, and can stop it.
    """
    if _side(stack) < LEAST:
        return False
    network = shipped_network("instant")
    axis = next((axis for axis in "TZ" if stack.sizes.get(axis, 1) > 1), "")

    def predictions(trial: _Trial) -> tuple[Image, Image]:
        predicted = trial.predicted(network, None)
        return predicted, convolve(predicted, sigma)

    return float(np.mean(_falls(stack, axis, predictions, context, together=False))) > -WORSE


def _step(noise: NoiseEstimate) -> int:
    """Distance in pixels along both axes at which noise is not shared; past what is known if always."""
    known = len(noise.autocorrelation) // 2
    shared = np.abs(noise.autocorrelation[known:, known:])
    worst = [max(shared[n, 0], shared[0, n], shared[n, n]) for n in range(1, known + 1)]
    return next((n for n, much in enumerate(worst, 1) if much <= BLIND_SPOT_LIMIT), known + 1)


def _side(stack: Stack) -> int:
    """Side of the parts that are looked at, in pixels that are looked at; 0 where planes are too small."""
    if min(stack.shape[-2:]) < LEAST:
        return 0
    return min(SIDE, min(stack.shape[-2:]) // _step(levels(stack)[0][1])) // GRID * GRID


def _fall(network: InstantNetwork, stack: Stack, axis: str, context: Context) -> float:
    """Fall of the squared error at hidden pixels with neighbours, in standard errors of its mean."""

    def predictions(trial: _Trial) -> tuple[Image, Image]:
        return trial.predicted(network, None), trial.predicted(network, trial.others)

    every = _falls(stack, axis, predictions, context, together=True)
    return float(every.mean() / max(every.std() / np.sqrt(every.size), 1e-30))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Trial:
    """A plane (Y, X) whose hidden pixels show their surroundings, those beside (N, Y, X), and its noise."""

    plane: Image
    others: Image
    stabiliser: Stabiliser
    noise: NoiseEstimate

    def predicted(self, network: InstantNetwork, others: Image | None) -> Image:
        """What the network makes of the plane, in counts, (Y, X)."""
        raised = lift(self.stabiliser, self.noise)
        shown = self.plane[None] if others is None else np.concatenate([self.plane[None], others])
        given = torch.from_numpy((self.stabiliser.forward(shown) + raised).astype(np.float32))[None]
        told = torch.tensor([self.noise.correlations], dtype=torch.float32)
        with torch.inference_mode():
            seen = None if others is None else given[:, 1:]
            values = network(given[:, :1], told, seen, expect=False).denoised[0, 0].numpy()
        return np.asarray(self.stabiliser.inverse(values - raised), np.float32)


def _falls(
    stack: Stack, axis: str, predictions: Callable[[_Trial], tuple[Image, Image]], context: Context,
    *, together: bool,
) -> NDArray[np.float64]:  # fmt: skip
    """Fall of the squared error at hidden pixels from one prediction to the other, in variances of noise."""
    (stabiliser, noise), *_ = levels(stack)
    side, step = _side(stack), _step(noise)
    if step > 1:
        noise = replace(noise, autocorrelation=np.where(noise.autocorrelation == 1, 1.0, 0.0))
    count = stack.sizes.get(axis, 1)
    at = {a: stack.sizes[a] // 2 for a in "TZ" if a in stack.axes} | ({"C": 0} if "C" in stack.axes else {})
    inner = {a: middle(stack.sizes[a], side * step, GRID) for a in "YX"}
    generator = torch.Generator().manual_seed(0)
    falls = []
    looked_at = sorted({round(part) for part in np.linspace(0, count - 1, min(count, PLANES))})
    for done, index in enumerate(looked_at):
        wanted = (index, *beside(index, count)) if together else (index,)
        places = [at | ({axis: i} if axis else {}) for i in wanted]
        shown = [stack.read(stack.region(**inner, **place)) for place in places]
        grids = [plane.reshape(side * step, -1)[::step, ::step] for plane in shown]
        planes = np.stack(grids).astype(np.float32)
        planes[~np.isfinite(planes)] = noise.mean
        for again in range(MASKS):
            context.step((done + again / MASKS) / len(looked_at), "Predicting hidden pixels")
            mask = draw_mask(1, side, BOX, 3, generator)
            hidden = surrounded(torch.from_numpy(planes[:1]), mask).numpy()[0]
            one, other = predictions(
                _Trial(plane=hidden, others=planes[1:], stabiliser=stabiliser, noise=noise)
            )
            # one variance for both, so that it does not matter which of them is brighter
            variance = np.maximum(noise.model.variance(one), 1e-30)
            before, after = (np.square(planes[0] - signal) / variance for signal in (one, other))
            fall = np.minimum(before, FAR**2) - np.minimum(after, FAR**2)
            falls.append(fall.ravel()[mask.hidden[0].numpy()])
    return np.concatenate(falls)
