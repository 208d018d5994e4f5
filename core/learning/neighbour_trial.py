"""Trials on hidden pixels of a stack: whether neighbouring planes or frames, or a PSF, lower the error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.findings import Finding, kinds
from core.instant.constants import GRID, beside
from core.instant.denoiser import lift, replace_unrecorded
from core.instant.network import LEAST, InstantNetwork
from core.instant.scene import propose_averaging
from core.instant.weights import shipped_network
from core.learning.masks import draw_mask, surrounded
from core.learning.obstacles import examine_channels, noiseless
from core.learning.training_advice import levels
from core.noise.noise_estimate import BLIND_SPOT_LIMIT, NoiseEstimate
from core.noise.survey import Survey, find_shared_noise
from core.noise.transform import Stabiliser
from core.noise.unit import unit_of
from core.optics import convolve
from core.progress import Context
from core.recorded import Recorded, smooth_fill
from core.stack import AXIS_NAMES, Stack, middle

SIDE = 256
"""Side of the examined central part of planes, in pixels."""

PLANES = 8
"""Number of examined planes, spread over the axis."""

BOX = 4
"""One pixel in every box of this side is hidden."""

MASKS = 2
"""Number of masks per plane."""

FAR = 6.0
"""Errors are clipped to this many noise standard deviations, because defective pixels, such as those
saturated in all planes, say nothing about the planes.
"""

CERTAIN = 3.0
"""Number of standard errors by which the squared error at hidden pixels must decrease."""

WORSE = 0.02
"""Allowed increase of the squared error at hidden pixels by the convolution, in noise variances."""

Image = NDArray[np.float32]


def neighbours(stack: Stack, context: Context) -> tuple[str, tuple[Finding, ...]]:
    """Return the axis along which neighbours reduce the error of the network of Instant at hidden pixels.

    The noise must be independent from plane to plane. If it is correlated between pixels, only pixels at
    larger distances are examined; in this coarser grid, motion is smaller.

    Parameters
    ----------
    stack : Stack
        Training stack.
    context : Context
        Progress and cancellation.

    Returns
    -------
    axis : {"T", "Z", "none"}
        Axis of the neighbours.
    findings : tuple of Finding
        Effect of the neighbours, and other findings.
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
    """Return whether hidden pixels are predicted hardly worse after a convolution with a Gaussian.

    Parameters
    ----------
    stack : Stack
        Stack; some planes of its first channel are examined.
    sigma : float
        Standard deviation of the Gaussian in pixels.
    context : Context
        Progress and cancellation.
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
    """Return the distance in pixels at which noise is independent; beyond the known lags if it never is."""
    known = len(noise.autocorrelation) // 2
    shared = np.abs(noise.autocorrelation[known:, known:])
    worst = [max(shared[n, 0], shared[0, n], shared[n, n]) for n in range(1, known + 1)]
    return next((n for n, much in enumerate(worst, 1) if much <= BLIND_SPOT_LIMIT), known + 1)


def _side(stack: Stack) -> int:
    """Return the side of the examined parts in examined pixels; 0 if planes are too small."""
    if min(stack.shape[-2:]) < LEAST:
        return 0
    return min(SIDE, min(stack.shape[-2:]) // _step(levels(stack)[0][1])) // GRID * GRID


def _fall(network: InstantNetwork, stack: Stack, axis: str, context: Context) -> float:
    """Return the decrease of the squared error at hidden pixels by neighbours, in standard errors."""

    def predictions(trial: _Trial) -> tuple[Image, Image]:
        return trial.predicted(network, None), trial.predicted(network, trial.others)

    every = _falls(stack, axis, predictions, context, together=True)
    return float(every.mean() / max(every.std() / np.sqrt(every.size), 1e-30))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Trial:
    """A plane (Y, X) with replaced hidden pixels, its neighbours (N, Y, X), and its noise."""

    plane: Image
    others: Image
    stabiliser: Stabiliser
    noise: NoiseEstimate

    def predicted(self, network: InstantNetwork, others: Image | None) -> Image:
        """Return the prediction of the network for the plane, in counts, (Y, X)."""
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
    """Return the decrease of squared errors at hidden pixels between two predictions, in noise variances."""
    (stabiliser, noise), *_ = levels(stack)
    side, step = _side(stack), _step(noise)
    if step > 1:
        noise = replace(noise, autocorrelation=np.where(noise.autocorrelation == 1, 1.0, 0.0))
    count = stack.sizes.get(axis, 1)
    at = {a: stack.sizes[a] // 2 for a in "TZ" if a in stack.axes} | ({"C": 0} if "C" in stack.axes else {})
    inner = {a: middle(stack.sizes[a], side * step, GRID) for a in "YX"}
    generator = torch.Generator().manual_seed(0)
    falls = []
    without = Survey.of(stack).outlying(axis, context) if axis else ()
    usual = [index for index in range(count) if index not in without]
    looked_at = sorted(
        {usual[round(part)] for part in np.linspace(0, len(usual) - 1, min(len(usual), PLANES))}
    )
    for done, index in enumerate(looked_at):
        wanted = (index, *beside(index, count, without)) if together else (index,)
        places = [at | ({axis: i} if axis else {}) for i in wanted]
        shown = [Recorded.of(stack).measured(stack.region(**inner, **place)) for place in places]
        grids = [plane.reshape(side * step, -1)[::step, ::step] for plane in shown]
        planes = np.stack(grids).astype(np.float32)
        recorded = np.isfinite(planes)
        if not recorded.all(0).any():
            continue
        planes[0] = smooth_fill(planes[0], recorded[0], noise.mean)
        others = replace_unrecorded(list(zip(planes[1:], recorded[1:], strict=True)), planes[0])
        planes = np.stack([planes[0], *others])
        for again in range(MASKS):
            context.step((done + again / MASKS) / len(looked_at), "Predicting hidden pixels")
            mask = draw_mask(1, side, BOX, 3, generator)
            hidden = surrounded(torch.from_numpy(planes[:1]), mask).numpy()[0]
            one, other = predictions(
                _Trial(plane=hidden, others=planes[1:], stabiliser=stabiliser, noise=noise)
            )
            # the same variance for both, so that their brightness does not matter
            least = max(1e-12 * float(noise.model.variance(noise.mean)), (1e-12 * unit_of(planes)) ** 2)
            variance = np.maximum(noise.model.variance(one), least)
            before, after = (np.square(planes[0] - signal) / variance for signal in (one, other))
            fall = np.minimum(before, FAR**2) - np.minimum(after, FAR**2)
            hidden_pixels = mask.hidden[0].numpy()
            falls.append(fall.ravel()[hidden_pixels][recorded.all(0).ravel()[hidden_pixels]])
    return np.concatenate(falls) if falls else np.zeros(1)
