"""The noise models that a method is trained with: from a file, or measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import QuietfieldError
from core.learning.training_advice import middle_plane
from core.noise.model_text import NoiseModels, from_text, load_models, to_text
from core.noise.models import PoissonGaussian
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import Survey
from core.params import param
from core.progress import Context
from core.stack import Stack

BLOCK = 8
"""Side, in pixels, of the blocks whose means are the signals that a noise model has to cover."""

COVERED = (0.005, 0.995)
"""Quantiles of these means that have to be inside the range of the noise model."""

BEYOND = 0.1
"""Distance outside the range, relative to its width, that is allowed."""

SILENT = 1e-6
"""Variance, relative to the squared mean, of a channel in which no noise was found."""


def brief(text: str) -> str:
    """Describe a value of ``noise_model`` for people."""
    if not text:
        return "as measured"
    return read_models(text).source or "from a file" if is_content(text) else Path(text).name


def noise_model(help: str = "") -> str:
    """Declare the parameter ``noise_model`` of methods that use one.

    Its value is "" for the measured noise, the path of a file, or the content of such a file, which is how
    trained networks keep it.
    """
    return param(
        "", "Noise model", words=brief, file="Noise models (*.json)",
        help="File of a noise model, made by 'quietfield noise-model' from repeated frames or from a "
        f"denoised stack. Empty: the Poisson-Gaussian noise measured on this stack.{help and ' ' + help}",
    )  # fmt: skip


def is_content(text: str) -> bool:
    """Return whether a value of ``noise_model`` is the content of a file."""
    return text.startswith("{")


def read_models(text: str) -> NoiseModels:
    """Return the noise models of a resolved method, which are in its parameter ``noise_model``."""
    return from_text(text, "the noise model of the network")


def resolve_models(text: str, stack: Stack, context: Context) -> str:
    """Return the noise models for a stack, as JSON.

    Parameters
    ----------
    text : str
        Value of the parameter ``noise_model``.
    stack : Stack
        Training stack.
    context : Context
        Progress and cancellation.

    Raises
    ------
    QuietfieldError
        If the noise cannot be measured, or if the file is no noise model, has other channels, or does not
        cover the intensities of the stack.
    """
    found = Survey.of(stack).noise(context).channels
    if not text:
        if all(noise.absent for noise in found):
            raise QuietfieldError(
                f"No noise was found in {stack.meta.name}, so there is no noise model. Choose a noise model "
                "file, or another method."
            )
        return to_text(NoiseModels(channels=tuple(map(_measured, found)), source="measured"))
    name = "The noise model" if is_content(text) else Path(text).name
    models = read_models(text) if is_content(text) else load_models(Path(text))
    models = models.fitting(len(found), stack.meta.name)
    for channel, one in enumerate(coverage(models, stack)):
        if not one.covers:
            where = f"channel {channel + 1} of {stack.meta.name}" if len(found) > 1 else stack.meta.name
            raise QuietfieldError(
                f"{name} covers signals from {one.low:.5g} to {one.high:.5g} counts, and {where} has signals "
                f"from {one.dimmest:.5g} to {one.brightest:.5g}. Make one from frames with the same camera "
                "settings that cover this range, or use the measured noise."
            )
    return to_text(models)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Signals that a noise model was measured at, and those of a channel of a stack.

    Attributes
    ----------
    low, high : float
        Range of the model, in counts; infinite for a formula.
    dimmest, brightest : float
        Smallest and largest signal of the channel (0.5 % and 99.5 % of the means of small blocks), in counts.
    """

    low: float
    high: float
    dimmest: float
    brightest: float

    @property
    def covers(self) -> bool:
        """Whether the model may be used for the channel."""
        width = self.high - self.low
        slack = BEYOND * width if np.isfinite(width) else 0.0
        return self.low - slack <= self.dimmest and self.brightest <= self.high + slack


def coverage(models: NoiseModels, stack: Stack) -> tuple[Coverage, ...]:
    """Return for each channel of a stack whether a noise model covers its signals.

    Parameters
    ----------
    models : NoiseModels
        Noise models, one for each channel.
    stack : Stack
        Stack; its central plane is examined.
    """
    found = []
    for channel, model in enumerate(models.channels):
        (low, high), (dimmest, brightest) = model.span, _signals(stack, channel)
        found.append(Coverage(low=low, high=high, dimmest=dimmest, brightest=brightest))
    return tuple(found)


def _measured(noise: NoiseEstimate) -> PoissonGaussian:
    if noise.absent or (noise.model.gain <= 0 and noise.model.floor <= 0):
        least = SILENT * max(noise.mean**2, 1e-12)
        return PoissonGaussian(gain=0.0, constant=least, floor=least)
    return noise.model


def _signals(stack: Stack, channel: int) -> tuple[float, float]:
    """Return the smallest and largest signal of the central plane of a channel, in counts."""
    plane = middle_plane(stack, channel)
    height, width = (n // BLOCK for n in plane.shape)
    means = plane[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK).mean((1, 3))
    means = means[np.isfinite(means)]
    if not means.size:
        return 0.0, 0.0
    low, high = np.quantile(means, COVERED)
    return float(low), float(high)
