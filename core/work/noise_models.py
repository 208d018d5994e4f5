"""Make noise models from repeated frames, or from a stack and a denoised image of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import QuietfieldError
from core.findings import Finding, noise_kinds
from core.instant.method import Instant
from core.methods.apply import evaluate
from core.noise.fitting import ModelKind, fit
from core.noise.model_text import NoiseModels
from core.noise.noise_estimate import NoiseEstimate
from core.noise.pairs import Levels, Pairs, count_levels, pairs_of_denoised, pairs_of_repeats
from core.noise.survey import Survey
from core.progress import Context
from core.stack import Region, Stack, middle

SIDE = 512
"""Maximum side of the central region that is used, in pixels."""

FRAMES = 100
"""Maximum number of repeated frames that are used."""

PLANES = 8
"""Maximum number of planes of a channel that are used."""

From = Literal["auto", "repeats", "denoised"]

WORDS = {"repeats": "repeated frames", "denoised": "a denoised stack"}
"""How noise models are made, for users."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """Noise of a stack at several levels of its signal.

    Attributes
    ----------
    levels : tuple of Levels
        Measured noise of each channel at several levels of the signal.
    method : {"repeats", "denoised"}
        How the signal was determined.
    name : str
        Name of the stack.
    findings : tuple of Finding
        Reasons why the measurement may be wrong.
    """

    levels: tuple[Levels, ...]
    method: Literal["repeats", "denoised"]
    name: str
    findings: tuple[Finding, ...]

    def fit(self, kind: ModelKind) -> NoiseModels:
        """Return a noise model of a kind for each channel."""
        channels = tuple(fit(kind, levels) for levels in self.levels)
        return NoiseModels(channels=channels, source=f"{WORDS[self.method]} ({self.name})")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """Noise models, and the measurement that they were fitted to."""

    models: NoiseModels
    measured: Measured


def make(
    stack: Stack,
    kind: ModelKind,
    *,
    source: From = "auto",
    denoised: Stack | None = None,
    context: Context | None = None,
) -> Made:
    """Make a noise model for each channel of a stack.

    Parameters
    ----------
    stack : Stack
        Repeated frames of any static scene (a calibration), or the noisy stack itself.
    kind : {"mixture", "histogram", "poisson-gaussian"}
        Kind of the models.
    source, denoised, context
        As in `measure`.

    Returns
    -------
    Made
        Noise models and measurement.

    Raises
    ------
    QuietfieldError
        If the stack is not suitable.
    """
    measured = measure(stack, source=source, denoised=denoised, context=context)
    return Made(models=measured.fit(kind), measured=measured)


def measure(
    stack: Stack,
    *,
    source: From = "auto",
    denoised: Stack | None = None,
    context: Context | None = None,
) -> Measured:
    """Measure the noise of each channel of a stack at several levels of the signal.

    Parameters
    ----------
    stack : Stack
        Repeated frames of any static scene (a calibration), or the noisy stack itself.
    source : {"auto", "repeats", "denoised"}
        Signal of a pixel: the mean of its repeats along time, or its value in a denoised stack. Automatic
        chooses repeats if the frames show a static scene.
    denoised : Stack, optional
        Denoised stack, such as the result of a network; by default that of Instant.
    context : Context, optional
        Progress and cancellation.

    Returns
    -------
    Measured
        Noise at several levels of the signal.

    Raises
    ------
    QuietfieldError
        If the stack is not suitable.

    Notes
    -----
    A denoised stack ("bootstrapping", Prakash et al. 2020, doi:10.1109/ISBI45749.2020.9098612) gives the
    shape of the distribution; its variance is that of the noise estimate, if this is reliable.
    """
    context = context or Context()
    context.step(0.0, "Measuring the noise")
    survey, times = Survey.of(stack), stack.sizes.get("T", 1)
    noise = survey.noise(context)
    if source == "auto":
        still = denoised is None and times >= 5 and survey.stands_still()
        source = "repeats" if still else "denoised"
    if source == "repeats" and times < 2:
        raise QuietfieldError(
            f"{stack.meta.name} has no repeated frames: a noise model from repeats needs a time axis. "
            "Correct the axes, or make the noise model from a denoised stack."
        )
    findings = [f for one in noise.channels for f in one.findings]
    if source == "repeats" and not survey.stands_still():
        findings.append(Finding(kind=noise_kinds.NOISE_MODEL_MOVES, details={"name": stack.meta.name}))
    found: list[Levels] = []
    for channel, known in enumerate(noise.channels):
        part = context.part(channel / len(noise.channels), (channel + 1) / len(noise.channels))
        if source == "repeats":
            pairs = _repeated(stack, channel, part)
        else:
            pairs = _denoised(stack, channel, denoised, part)
            if known.reliable and not known.absent:
                pairs = pairs.scaled_to(known.model)
        found.append(count_levels(_unsaturated(pairs, known)))
    return Measured(
        levels=tuple(found), method=source, name=stack.meta.name, findings=tuple(dict.fromkeys(findings))
    )


def _repeated(stack: Stack, channel: int, context: Context) -> Pairs:
    found = []
    depths = _spread(stack.sizes.get("Z", 1), PLANES // 2)
    times = _spread(stack.sizes["T"], FRAMES)
    for number, depth in enumerate(depths):
        frames = []
        for done, time in enumerate(times):
            context.step((number + done / len(times)) / len(depths), "Reading repeated frames")
            pixels = stack.read(_plane(stack, channel, time, depth))
            frames.append(pixels.reshape(pixels.shape[-2:]))
        found.append(pairs_of_repeats(np.stack(frames)))
    return _joined(found)


def _denoised(stack: Stack, channel: int, denoised: Stack | None, context: Context) -> Pairs:
    if denoised is not None and (denoised.axes, denoised.shape) != (stack.axes, stack.shape):
        sizes = [" x ".join(map(str, one.shape)) + f" {one.axes}" for one in (stack, denoised)]
        raise QuietfieldError(
            f"{stack.meta.name} has {sizes[0]} pixels and {denoised.meta.name} has {sizes[1]}. Name the "
            "denoised result of the same stack."
        )
    found = []
    lead = (stack.sizes.get("T", 1), stack.sizes.get("Z", 1))
    numbers = _spread(lead[0] * lead[1], PLANES)
    for done, number in enumerate(numbers):
        time, depth = divmod(number, lead[1])
        region = _plane(stack, channel, time, depth)
        part = context.part(done / len(numbers), (done + 1) / len(numbers))
        signal = evaluate(stack, Instant(), region, part)[0] if denoised is None else denoised.read(region)
        found.append(pairs_of_denoised(stack.read(region), signal))
    return _joined(found)


def _joined(found: list[Pairs]) -> Pairs:
    return Pairs(
        signal=np.concatenate([one.signal for one in found]),
        noisy=np.concatenate([one.noisy for one in found]),
    )


def _unsaturated(pairs: Pairs, noise: NoiseEstimate) -> Pairs:
    """Remove signals so bright that some of their pixels are saturated."""
    if not np.isfinite(noise.ceiling):
        return pairs
    most = noise.ceiling - 4 * float(np.sqrt(noise.model.variance(noise.ceiling)))
    good = pairs.signal < most
    return Pairs(signal=pairs.signal[good], noisy=pairs.noisy[good]) if good.mean() > 0.5 else pairs


def _spread(count: int, most: int) -> list[int]:
    return sorted({round(part) for part in np.linspace(0, count - 1, min(count, most))})


def _plane(stack: Stack, channel: int, time: int, depth: int) -> Region:
    where: dict[str, slice | int] = {"C": channel, "T": time, "Z": depth}
    where |= {axis: middle(stack.sizes[axis], SIDE, 16) for axis in "YX"}
    return stack.region(**{axis: part for axis, part in where.items() if axis in stack.axes})
