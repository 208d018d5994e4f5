"""Comparison of a trained network with the raw image and with Instant, on held-out pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.findings import Finding
from core.instant.constants import DEPTH
from core.instant.method import Instant
from core.learning.masks import draw_mask, surrounded
from core.learning.outcome import LEVEL, Errors, judge
from core.level import Shifted, level_of
from core.methods.apply import compute
from core.methods.base import Bindable, Operation
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import Survey
from core.progress import Context
from core.recorded import Recorded, smooth_fill
from core.stack import ArraySource, Region, Stack, middle

SIDE = 256
"""Side of the examined part of a plane, in pixels."""

PLANES = 4
"""Number of examined planes, spread over the held-out ones."""

VOLUMES = 2
"""Number of examined planes of a network for volumes, which takes longer; their sides are half of `SIDE`."""

BOX = 4
"""One pixel in every box of this side is hidden."""

FAR = 6.0
"""Errors are clipped to this many noise standard deviations, because of defective pixels."""

Values = NDArray[np.float64]


def compare(
    stack: Stack,
    held_out: Sequence[Region],
    prediction: Bindable,
    context: Context,
    *,
    along: str = "",
    planes: int = 0,
    target: Stack | None = None,
    frames: bool = False,
    units: Sequence[float] = (1.0,),
    loss: float | None = None,
) -> tuple[Finding, ...]:
    """Return a finding that says how a trained network compares with the raw image or with Instant.

    All are compared with the clean stack, if there is one, after a linear fit; with another frame; or with
    pixels that are hidden from them. A hidden pixel and a pixel of another frame have the noise of a raw
    image, so that the squared error of the raw image is twice the variance of the noise. Nothing is returned
    if the noise of neighbouring pixels is correlated, so that hidden pixels say little, or is unknown.

    Parameters
    ----------
    stack : Stack
        Training stack.
    held_out : sequence of Region
        Held-out regions of single planes.
    prediction : Bindable
        Prediction of the trained network.
    context : Context
        Cancellation.
    along : {"", "Z", "T"}
        Axis of the neighbouring planes or frames of the network, if any.
    planes : int
        Number of planes above and below that a network for volumes is shown; 0 for other networks.
    target : Stack, optional
        Clean stack.
    frames : bool
        Whether other frames are compared with.
    units : sequence of float
        Unit of the loss: standard deviation of each channel, or of all together.
    loss : float, optional
        Loss of the network on held-out pixels, if it is a squared error. The loss of Instant in the details
        of the finding is this plus the difference of their squared errors at the same pixels.
    """
    try:
        noise = Survey.of(stack).noise(context).channels
        known = all(one.reliable and not one.absent and one.warning is None for one in noise)
        if target is None and not known:
            return ()
        instant = Instant().bind(stack, context)
        trials = [
            trial
            for region in _places(stack, held_out, VOLUMES if planes else PLANES)
            for trial in _trials(
                stack,
                _Sample(stack, region, along, planes),
                (prediction, instant),
                noise,
                context,
                target,
                frames=frames,
                units=units,
            )
        ]
    except QuietfieldError:  # planes are too small, or memory is: nothing is known
        return ()
    if not trials:
        return ()
    details: dict[str, str | int | float] = {}
    if loss is not None and target is None:
        details[LEVEL] = loss + _difference(trials)
    return (judge(_to_clean(trials) if target is not None else _to_noisy(trials), details),)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Trial:
    """Pixels that are compared, one number each: what is compared with, all images, noise, and unit."""

    wanted: Values
    raw: Values | None
    trained: Values
    instant: Values
    variance: Values
    unit: float


class _Sample:
    """The part of a stack around a held-out plane, as a small stack of all its channels.

    Parameters
    ----------
    stack : Stack
        Training stack.
    region : Region
        Held-out region of a plane.
    along : str
        Axis of neighbouring planes or frames, which belong to the sample.
    planes : int
        Number of planes above and below that belong to the sample.
    """

    def __init__(self, stack: Stack, region: Region, along: str, planes: int) -> None:
        window, inner = [], []
        largest = SIDE // 2 if planes else SIDE
        side = min(largest, *(part.stop - part.start for part in region[-2:]))
        for axis, size, part in zip(stack.axes, stack.shape, region, strict=True):
            if axis in "YX":
                central = middle(part.stop - part.start, side)
                window.append(slice(part.start + central.start, part.start + central.stop))
                inner.append(slice(0, side))
            elif axis == "C":
                window.append(slice(0, size))
                inner.append(slice(0, size))
            else:
                reach = DEPTH if axis == along else planes if axis == "Z" else 0
                first = max(part.start - reach, 0)
                window.append(slice(first, min(part.start + reach + 1, size)))
                inner.append(slice(part.start - first, part.start - first + 1))
        self.window, self.inner, self.side = tuple(window), tuple(inner), side
        self.plane = tuple(
            slice(w.start + i.start, w.start + i.stop) for w, i in zip(window, inner, strict=True)
        )
        self.pixels = Recorded.of(stack).measured(self.window).astype(np.float32)
        self.level = level_of(stack)
        self.axes = stack.axes

    def images(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the planes (C, Y, X) of the held-out position."""
        return pixels.reshape(-1, self.side, self.side)


def _places(stack: Stack, held_out: Sequence[Region], most: int) -> list[Region]:
    """Return some held-out regions at different positions, of any channel."""
    at = stack.axes.find("C")
    found = list({tuple((p.start, p.stop) for i, p in enumerate(r) if i != at): r for r in held_out}.values())
    chosen = sorted({round(i) for i in np.linspace(0, len(found) - 1, min(len(found), most))})
    return [found[i] for i in chosen]


def _other_frame(plane: Region, stack: Stack) -> Region:
    """Return the region of the frame after that of a region, or before the last one."""
    at = stack.axes.index("T")
    time = plane[at].start
    other = time + 1 if time + 1 < stack.shape[at] else time - 1
    return (*plane[:at], slice(other, other + 1), *plane[at + 1 :])


def _trials(
    stack: Stack,
    sample: _Sample,
    methods: tuple[Bindable, Operation],
    noise: Sequence[NoiseEstimate],
    context: Context,
    target: Stack | None,
    *,
    frames: bool,
    units: Sequence[float],
) -> Iterator[_Trial]:
    """Yield the compared pixels of each channel."""
    shown = sample.pixels.copy()
    own = sample.images(sample.pixels[sample.inner])
    compared = np.isfinite(own)
    if target is not None:
        wanted = sample.images(Recorded.of(target).measured(sample.plane).astype(np.float32))
    elif frames:
        other = Recorded.of(stack).measured(_other_frame(sample.plane, stack))
        wanted = sample.images(other.astype(np.float32))
    else:
        wanted, masked = own, own.copy()
        generator = torch.Generator().manual_seed(0)
        for image, hidden, one in zip(masked, compared, noise, strict=True):
            mask = draw_mask(1, sample.side, BOX, 3, generator)
            recorded = np.isfinite(image)
            known = image if recorded.all() else smooth_fill(image, recorded, one.mean)
            image[...] = surrounded(torch.from_numpy(known)[None], mask)[0].numpy()
            image[~recorded] = np.nan
            at = np.zeros(image.size, np.bool_)
            at[mask.hidden[0][mask.counts[0]].numpy()] = True
            hidden &= at.reshape(image.shape)
        shown[sample.inner] = masked.reshape(shown[sample.inner].shape)
    pixels = ArraySource(shown.astype(np.float64) + sample.level) if sample.level else ArraySource(shown)
    small = Stack(Shifted(pixels, -sample.level, True) if sample.level else pixels, sample.axes)
    bound = methods[0].bind(small, context), methods[1]
    results = [sample.images(compute(small, one, sample.inner, context)[0]) for one in bound]
    for channel, one in enumerate(noise):
        at = compared[channel] & np.isfinite(wanted[channel])
        trained, instant = (result[channel][at].astype(np.float64) for result in results)
        if at.any():
            yield _Trial(
                wanted=wanted[channel][at].astype(np.float64),
                raw=None if wanted is own else own[channel][at].astype(np.float64),
                trained=trained, instant=instant,
                variance=np.maximum(one.model.variance(instant), 1e-12 * (1 + instant**2)),
                unit=units[channel] if len(units) == len(noise) else units[0],
            )  # fmt: skip


def _to_noisy(trials: Sequence[_Trial]) -> Errors:
    """Return the errors relative to recorded pixels, in noise variances."""

    def errors(pairs: Iterator[tuple[Values, _Trial]]) -> Values:
        found = [np.square(trial.wanted - image) / trial.variance for image, trial in pairs]
        return np.minimum(np.concatenate(found), FAR**2)

    trained = errors((trial.trained, trial) for trial in trials)
    instant = errors((trial.instant, trial) for trial in trials)
    known = [(trial.raw, trial) for trial in trials if trial.raw is not None]
    raw = errors(iter(known)) if known else np.full_like(trained, 2.0)
    return Errors(trained=trained, raw=raw, instant=instant, noise=1.0)


def _to_clean(trials: Sequence[_Trial]) -> Errors:
    """Return the errors relative to clean pixels after a linear fit, in units of that of the raw image."""
    wanted = np.concatenate([trial.wanted for trial in trials])

    def errors(images: Sequence[Values]) -> Values:
        image = np.concatenate(images)
        design = np.stack([image - image.mean(), np.ones_like(image)], 1)
        fit = np.linalg.lstsq(design, wanted, rcond=None)[0]
        squares: Values = np.square(wanted - design @ fit)
        return squares

    raw = errors([trial.raw for trial in trials if trial.raw is not None])
    unit = max(float(raw.mean()), 1e-30)
    trained, instant = (errors([getattr(t, name) for t in trials]) for name in ("trained", "instant"))
    return Errors(trained=trained / unit, raw=raw / unit, instant=instant / unit, noise=0.0)


def _difference(trials: Sequence[_Trial]) -> float:
    """Return by how much the mean squared error of Instant exceeds that of the network, normalised."""

    def errors(image: Values, trial: _Trial) -> Values:
        return np.minimum(np.square(trial.wanted - image), FAR**2 * trial.variance) / trial.unit**2

    found = [errors(trial.instant, trial) - errors(trial.trained, trial) for trial in trials]
    return float(np.concatenate(found).mean())
