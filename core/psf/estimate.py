"""Estimate the width of the PSF from the data alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import Survey
from core.progress import Context
from core.psf.held_out import held_out_loss, hidden_pixels
from core.psf.value import Psf, gaussian
from core.recorded import Recorded, smooth_fill
from core.stack import Stack

WIDTHS = tuple(np.geomspace(0.4, 3.6, 9))
"""Standard deviations that are tried first, in pixels."""

CLOSER = tuple(1.12**step for step in range(-3, 4))
"""Factors that are tried around the best of them."""

PARTS = 4
"""Number of examined parts; a part is seen again with other hidden pixels if there are fewer."""

SIDE, SMALLEST = 192, 32
"""Largest and smallest side of a part, in pixels."""

BRIGHT = 4.0
"""Mean light squared, relative to its variance, to which brighter parts are reduced by adding noise, so that
the bias of the estimate, which depends on the noise, is the one that was calibrated. About that of 10 photons
in bright pixels.
"""

POWER, FACTOR = 1.244, 0.935
"""The width of the smallest loss is a biased estimate, as the best number of iterations is small. The true
width is ``FACTOR * width**POWER``: fitted once on two simulated pages of text, sigma 0.7 to 2 px, 10 to 100
photons.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Width of the PSF, estimated from pixels.

    Attributes
    ----------
    sigma : float
        Standard deviation of a Gaussian PSF in pixels.
    error : float
        Standard error from the differences between parts, in pixels; infinite from a single part.
    widths, losses : tuple of float
        Calibrated standard deviations, ascending, and the loss of hidden pixels above the smallest one.
    """

    sigma: float
    error: float
    widths: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def rise(self) -> float:
        """Loss of hidden pixels at twice the width, above the smallest one; see `core.psf.doubt`."""
        return float(np.interp(math.log(2 * self.sigma), np.log(self.widths), self.losses))

    @property
    def psf(self) -> Psf:
        """The Gaussian PSF of this width."""
        made = gaussian(round(self.sigma, 3))
        facts: dict[str, str | float] = {"sigma": round(self.sigma, 3), "rise": round(self.rise, 4)}
        if math.isfinite(self.error):
            facts["error"] = round(self.error, 3)
        return Psf(
            kernel=made.kernel, fwhm=made.fwhm, source="estimate", request="estimate", facts=facts,
            sigmas=made.sigmas,
        )  # fmt: skip


def estimate_sigma(
    stack: Stack, context: Context | None = None, *, channel: int = 0, seed: int = 0
) -> Estimate:
    """Estimate the standard deviation of a Gaussian PSF from the pixels of a stack.

    Parts of the stack are deconvolved with PSFs of several widths, without a ninth of their pixels, which are
    predicted from the result. The estimate is the width that predicts them best. It includes everything that
    blurs the image, such as pixels and motion, and is too large if the specimen itself has no sharp details.

    Parameters
    ----------
    stack : Stack
        Stack; one channel is examined.
    context : Context, optional
        Progress and cancellation.
    channel : int
        Index of the channel.
    seed : int
        Seed of the hidden pixels.

    Raises
    ------
    QuietfieldError
        If the planes are too small or contain nothing, or no width is better than the others.
    """
    context = context or Context()
    context.step(0.0, "Estimating the PSF")
    noise = Survey.of(stack).noise(context).channels[channel]
    parts = _parts(stack, noise, channel, np.random.default_rng(seed))
    searching = context.part(0.1, 0.4)
    first = _losses(parts[:1], np.array(WIDTHS), seed, searching)
    middle = int(first[0].argmin())
    if middle in (0, len(WIDTHS) - 1):
        limit = "narrowest" if middle == 0 else "widest"
        raise QuietfieldError(
            f"The PSF of {stack.meta.name} cannot be estimated: the {limit} of all tried "
            f"({_calibrated(WIDTHS[middle]):.2g} px) fits best. Give its sigma, its optics or beads."
        )
    widths = WIDTHS[middle] * np.array(CLOSER)
    losses = _losses(parts, widths, seed, context.part(0.4, 1.0))
    each = [_lowest(widths, one) for one in losses]
    found = _calibrated(_lowest(widths, losses.mean(0)))
    error = found * float(np.std(np.log(each), ddof=1)) / math.sqrt(len(each)) if len(each) > 1 else math.inf
    shown = np.concatenate([WIDTHS, widths])
    mean = np.concatenate([first[0] + losses.mean(0).min() - losses[0].min(), losses.mean(0)])
    order = np.argsort(shown)
    return Estimate(
        sigma=found,
        error=error,
        widths=tuple(_calibrated(float(width)) for width in shown[order]),
        losses=tuple(float(loss) for loss in (mean - mean.min())[order]),
    )


def _calibrated(width: float) -> float:
    return float(FACTOR * width**POWER)


def _lowest(widths: NDArray[np.float64], losses: NDArray[np.float64]) -> float:
    """Return the minimum of a parabola through the losses near the smallest one, over log width."""
    at = int(np.clip(losses.argmin(), 2, len(widths) - 3))
    near = slice(at - 2, at + 3)
    logs = np.log(widths[near])
    curve, slope, _ = np.polyfit(logs - logs.mean(), losses[near], 2)
    if curve <= 0:
        return float(widths[losses.argmin()])
    lowest = logs.mean() - slope / (2 * curve)
    return float(np.exp(np.clip(lowest, np.log(widths[0]), np.log(widths[-1]))))


def _losses(
    parts: list[tuple[NDArray[np.float32], float]], widths: NDArray[np.float64], seed: int, context: Context
) -> NDArray[np.float64]:
    """Return the loss of each part with each width, (parts, widths)."""
    found = np.empty((len(parts), len(widths)))
    for row, (photons, background) in enumerate(parts):
        hidden = hidden_pixels((photons.shape[0], photons.shape[1]), seed + row)
        for column, width in enumerate(widths):
            context.step((row + column / len(widths)) / len(parts), "Estimating the PSF")
            found[row, column] = held_out_loss(photons, background, float(width), hidden, context)
    return found


def _parts(
    stack: Stack, noise: NoiseEstimate, channel: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.float32], float]]:
    """Return the most detailed parts of some planes in photons, each with its background."""
    if min(stack.shape[-2:]) < SMALLEST:
        raise QuietfieldError(
            f"The planes of {stack.meta.name} have {stack.shape[-1]} x {stack.shape[-2]} pixels; the PSF can "
            f"only be estimated from at least {SMALLEST} x {SMALLEST}. Give its sigma, its optics or beads."
        )
    every = np.ndindex(*stack.shape[:-2])
    places = [at for at in every if "C" not in stack.axes or at[stack.axes.index("C")] == channel]
    chosen = [places[round(n)] for n in np.linspace(0, len(places) - 1, min(PARTS, len(places)))]
    planes = [_photons(stack, at, noise) for at in chosen]
    ranked = [part for plane in planes for part in _detailed(plane, -(-PARTS // len(planes)))]
    parts = [ranked[n % len(ranked)] for n in range(PARTS)]
    return [_reduced(part, rng, stack.meta.name) for part in parts]


def _photons(stack: Stack, at: tuple[int, ...], noise: NoiseEstimate) -> NDArray[np.float32]:
    """Return a plane on a scale on which its variance is its mean: counts / gain + constant / gain^2."""
    region = tuple(slice(i, i + 1) for i in at) + tuple(slice(0, n) for n in stack.shape[-2:])
    plane = np.asarray(Recorded.of(stack).measured(region), np.float64).reshape(stack.shape[-2:])
    recorded = np.isfinite(plane)
    if not recorded.all():
        level = float(plane[recorded].mean()) if recorded.any() else 0.0
        plane = smooth_fill(plane.astype(np.float32), recorded, level).astype(np.float64)
    dark, light = np.percentile(ndimage.uniform_filter(plane, 5), (2, 99))
    gain, constant = noise.model.gain, noise.model.constant
    middle = (dark + light) / 2
    variance = max(float(noise.model.variance(middle)), 1e-12 * max(light - dark, 1e-30) ** 2)
    if gain * (light - dark) < 0.05 * variance:
        # constant noise: its variance becomes the mean in the middle of the range
        gain = variance / max(light - dark, 1e-30)
        constant = variance - gain * middle
    return (plane / gain + constant / gain**2).astype(np.float32)


def _detailed(plane: NDArray[np.float32], wanted: int) -> list[NDArray[np.float32]]:
    """Return the parts of a plane with the strongest edges, at most `wanted`, without overlap."""
    height, width = (min(SIDE, n) for n in plane.shape)
    smooth = ndimage.gaussian_filter(plane.astype(np.float64), 1.0)
    edges = ndimage.uniform_filter(ndimage.gaussian_gradient_magnitude(smooth, 1.0), (height, width))
    found = []
    for _ in range(wanted):
        tops, lefts = plane.shape[0] - height, plane.shape[1] - width
        inside = edges[height // 2 : height // 2 + tops + 1, width // 2 : width // 2 + lefts + 1]
        if not inside.max() > -1:
            break
        top, left = np.unravel_index(int(inside.argmax()), inside.shape)
        found.append(plane[top : top + height, left : left + width])
        centre = top + height // 2, left + width // 2
        near = tuple(slice(max(0, c - n + 1), c + n) for c, n in zip(centre, (height, width), strict=True))
        edges[near] = -np.inf
    return found


def _reduced(
    part: NDArray[np.float32], rng: np.random.Generator, name: str
) -> tuple[NDArray[np.float32], float]:
    """Return a part with at most `BRIGHT` photons in its bright pixels above its background, and that."""
    dark = float(np.percentile(ndimage.uniform_filter(part, 7), 1))
    light = ndimage.uniform_filter(part.astype(np.float64), 3) - dark
    total = float(light.sum())
    # the mean brightness of the light, without the square that noise adds: a ninth of the variance
    bright = float((light**2 - np.clip(part, 0, None) / 9).sum()) / total if total > 0 else 0.0
    if not bright > 0.05:
        raise QuietfieldError(f"{name} shows nothing from which its PSF could be estimated.")
    share = min(1.0, BRIGHT * (bright + max(dark, 0.0)) / bright**2)
    thinned = share * part + np.sqrt(share * (1 - share) * np.clip(part, 0, None)) * rng.standard_normal(
        part.shape
    )
    background = max(0.05, 0.9 * share * dark)
    return np.clip(thinned, 0, None).astype(np.float32), background
