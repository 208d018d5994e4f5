"""What a report says beyond the ranking: residuals, frequencies, and errors from repeated frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.noise.estimate import estimate
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import Survey
from core.progress import Context
from core.quality.fourier import INDEPENDENT, RingCorrelation, ring_correlation, split
from core.quality.frames import repeats_of
from core.quality.judge import SMOOTH, axes_used
from core.quality.referenced import fit_affine
from core.quality.repeats import LEAST, Unreferenced, unbiased_mse
from core.quality.residual import Residual, analyse
from core.recorded import Recorded
from core.report.comparison import Comparison
from core.stack import Region, Stack
from core.work.contest import Entry, matching_region

CHANNELS = 4
"""Maximum number of channels of a report."""

REPEATS = 16
"""Maximum number of repeated frames."""

ENOUGH = 0.75
"""Fraction of recorded pixels from which on a plane is analysed."""

Plane = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodAnalysis:
    """What is known of the result of one method in one channel.

    Attributes
    ----------
    entry : Entry
        Entry of the method.
    image : ndarray, shape (Y, X)
        Its result, in counts.
    residual : Residual or None
        What it removed; None if too few pixels were recorded, or the noise is absent or unknown.
    repeats : Unreferenced or None
        Mean squared error from repeated frames.
    uses_frames : bool
        Whether it computes a frame from several, so that repeated frames cannot judge it.
    frequencies : RingCorrelation or None
        Correlation with the reference by spatial frequency.
    """

    entry: Entry
    image: Plane = field(repr=False, compare=False)
    residual: Residual | None
    repeats: Unreferenced | None
    uses_frames: bool
    frequencies: RingCorrelation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAnalysis:
    """What is known of one channel of the part that was compared.

    Attributes
    ----------
    index : int
        Index of the channel.
    name : str
        Name of the channel; "" if there is none.
    raw : ndarray, shape (Y, X)
        Noisy plane, in counts.
    clean : ndarray, shape (Y, X), or None
        Plane of the reference, in counts of the noisy plane.
    noise : NoiseEstimate or None
        Noise of the plane; None if it cannot be measured.
    methods : tuple of MethodAnalysis
        Methods in the order of the ranking.
    frequencies : RingCorrelation or None
        Correlation of two noisy images by spatial frequency.
    pair : str
        Which images these are, or why there are none.
    raw_frequencies : RingCorrelation or None
        Correlation of the noisy plane with the reference.
    repeats : int
        Number of repeated frames; 0 if there are too few of a static scene.
    span : float
        Range of the PSNR of `MethodAnalysis.repeats`, in counts.
    unit : str
        Unit of length of the frequencies.
    """

    index: int
    name: str
    raw: Plane = field(repr=False, compare=False)
    clean: Plane | None = field(repr=False, compare=False)
    noise: NoiseEstimate | None
    methods: tuple[MethodAnalysis, ...]
    frequencies: RingCorrelation | None
    pair: str
    raw_frequencies: RingCorrelation | None
    repeats: int
    span: float
    unit: str


def analyse_channels(comparison: Comparison, context: Context) -> tuple[ChannelAnalysis, ...]:
    """Analyse the middle plane of the part that was compared, in up to `CHANNELS` channels.

    Parameters
    ----------
    comparison : Comparison
        Finished comparison; entries without a result are left out.
    context : Context
        Progress and cancellation.

    Raises
    ------
    Cancelled
        If the context is cancelled.
    """
    letters = dict(zip(comparison.stack.axes, comparison.region, strict=True))
    part = letters.get("C", slice(0, 1))
    channels = range(part.start, min(part.stop, part.start + CHANNELS))
    return tuple(
        _channel(comparison, channel, context.part(done / len(channels), (done + 1) / len(channels)))
        for done, channel in enumerate(channels)
    )


def _channel(comparison: Comparison, channel: int, context: Context) -> ChannelAnalysis:
    stack, region = comparison.stack, comparison.region
    where = _plane_region(stack, region, channel)
    recorded = Recorded.of(stack).measured(where)
    raw = recorded.reshape(recorded.shape[-2:]).astype(np.float64)
    noise = _noise(stack, channel, raw, context)
    clean = _clean(comparison, where, raw)
    steps, unit = _spacing(stack)
    frames = repeats_of(stack, where, REPEATS) if noise is not None else []
    repeated = np.stack(frames) if len(frames) >= LEAST else None
    span = float(np.ptp(ndimage.gaussian_filter(_filled(raw), SMOOTH)))
    span = next((e.judged.span for e in comparison.entries if e.judged is not None), span)
    methods = []
    ranked = [entry for entry in comparison.verdict.ranking if entry.result is not None]
    for done, entry in enumerate(ranked):
        context.step(done / len(ranked), "Analysing the results")
        methods.append(_method(comparison, entry, where, raw, clean, noise, repeated, steps, context))
    frequencies, pair = _pair(raw, repeated, noise, steps)
    names = stack.meta.channel_names
    return ChannelAnalysis(
        index=channel, name=names[channel] if channel < len(names) else "", raw=raw, clean=clean, noise=noise,
        methods=tuple(methods), frequencies=frequencies, pair=pair,
        raw_frequencies=_correlated(raw, clean, steps), repeats=0 if repeated is None else len(repeated),
        span=span, unit=unit,
    )  # fmt: skip


def _method(
    comparison: Comparison,
    entry: Entry,
    where: Region,
    raw: Plane,
    clean: Plane | None,
    noise: NoiseEstimate | None,
    repeated: Plane | None,
    steps: tuple[float, float],
    context: Context,
) -> MethodAnalysis:
    done = entry.result
    if done is None:
        raise ValueError("an entry without a result cannot be analysed")
    # the result has the axes of the stack, and begins where the region does
    inner = tuple(
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(where, comparison.region, strict=True)
    )
    pixels = done.stacks[0].read(inner)
    image = pixels.reshape(pixels.shape[-2:]).astype(np.float64)
    good = np.isfinite(raw) & np.isfinite(image)
    residual = None
    if noise is not None and not noise.absent and good.mean() >= ENOUGH:
        middle = float(np.median(image[good]))
        residual = analyse(np.where(good, raw, middle), np.where(good, image, middle), noise)
    user = done.model.prediction("cpu") if done.model is not None else done.method
    frames = repeated is not None and "T" in axes_used(comparison.stack, user, context)
    error = None
    if repeated is not None and not frames and good.all():
        error = unbiased_mse(image, repeated)
    return MethodAnalysis(
        entry=entry, image=image, residual=residual, repeats=error, uses_frames=frames,
        frequencies=_correlated(image, clean, steps),
    )  # fmt: skip


def _noise(stack: Stack, channel: int, raw: Plane, context: Context) -> NoiseEstimate | None:
    """Return the noise of a plane; None if it cannot be measured, as in very small planes."""
    try:
        known = Survey.of(stack).noise(context)
        if known.each_plane and np.isfinite(raw).any():
            return estimate(raw)
    except QuietfieldError:
        return None
    return known.channels[min(channel, len(known.channels) - 1)]


def _plane_region(stack: Stack, region: Region, channel: int) -> Region:
    """Return the region of the middle plane of a part."""
    parts = dict(zip(stack.axes, region, strict=True))
    middles = {axis: (parts[axis].start + parts[axis].stop) // 2 for axis in "TZ" if axis in parts}
    at: dict[str, slice | int] = {**middles, "Y": parts["Y"], "X": parts["X"]}
    return stack.region(**at, **({"C": channel} if "C" in parts else {}))


def _clean(comparison: Comparison, where: Region, raw: Plane) -> Plane | None:
    """Return the plane of the reference, fitted to the intensities of the noisy plane if results are."""
    reference = comparison.reference
    if reference is None:
        return None
    pixels = reference.read(matching_region(where, comparison.stack, reference))
    clean: Plane = pixels.reshape(pixels.shape[-2:]).astype(np.float64)
    good = np.isfinite(raw) & np.isfinite(clean)
    return fit_affine(clean, raw, good) if comparison.affine and good.any() else clean


def _spacing(stack: Stack) -> tuple[tuple[float, float], str]:
    """Return the distance of pixels along Y and X, and its unit."""
    known = stack.meta.spacing
    return ((known["Y"], known["X"]), "µm") if "Y" in known and "X" in known else ((1.0, 1.0), "pixel")


def _pair(
    raw: Plane, repeated: Plane | None, noise: NoiseEstimate | None, steps: tuple[float, float]
) -> tuple[RingCorrelation | None, str]:
    """Correlate two noisy images of the scene, and say which; else say why there are none."""
    if not np.isfinite(raw).all():
        return None, "Some pixels of this plane were not recorded, so its frequencies cannot be compared."
    if noise is None:
        return None, "The noise of this plane cannot be measured, so its frequencies cannot be compared."
    if repeated is not None:
        first, second, how = raw, repeated[0], "two frames of the scene"
    elif max(map(abs, noise.correlations)) <= INDEPENDENT:
        first, second = split(raw)
        steps = (2 * steps[0], 2 * steps[1])
        how = "two halves of the pixels of one image"
    else:
        return None, (
            f"Neighbouring pixels share their noise (correlation {max(map(abs, noise.correlations)):.2f}), "
            "so one image cannot be split into two with independent noise. Record several frames of the "
            "scene."
        )
    try:
        return ring_correlation(first, second, steps), how
    except QuietfieldError as error:
        return None, str(error)


def _correlated(image: Plane, clean: Plane | None, steps: tuple[float, float]) -> RingCorrelation | None:
    if clean is None or not (np.isfinite(image).all() and np.isfinite(clean).all()):
        return None
    try:
        return ring_correlation(image, clean, steps)
    except QuietfieldError:  # a constant or a very small image
        return None


def _filled(plane: Plane) -> Plane:
    good = np.isfinite(plane)
    return np.where(good, plane, float(np.median(plane[good])) if good.any() else 0.0)


def decibel(squared: float, span: float) -> float:
    """Return the PSNR of a mean squared error in dB; infinite if it is not above 0."""
    return 10 * math.log10(span**2 / squared) if squared > 0 else math.inf
