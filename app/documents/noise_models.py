"""Making noise models for the open stack, in jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from core.errors import QuietfieldError
from core.progress import Context
from core.stack import Stack

if TYPE_CHECKING:
    from core.learning.noise_knowledge import Coverage
    from core.noise.fitting import ModelKind
    from core.noise.model_text import NoiseModels
    from core.work.noise_models import From, Measured

Origin = Literal["measured", "calibration", "repeats", "denoised", "file"]

KINDS: Mapping[ModelKind, str] = MappingProxyType(
    {"mixture": "Mixture of Gaussians", "histogram": "Histogram", "poisson-gaussian": "Poisson-Gaussian"}
)
"""Kinds of noise models that are fitted, with their labels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """Which noise model to make.

    Attributes
    ----------
    origin : {"measured", "calibration", "repeats", "denoised", "file"}
        Where it comes from.
    kind : {"mixture", "histogram", "poisson-gaussian"}
        Kind of model, where one is fitted.
    files : tuple of Path
        Calibration frames, or the file of the model.
    denoised : Stack or None
        Denoised result of the open stack; None for that of Instant.
    text : str
        Content of a model that is in use already, instead of the file.
    """

    origin: Origin = "measured"
    kind: ModelKind = "mixture"
    files: tuple[Path, ...] = ()
    denoised: Stack | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """A noise model, the noise it was fitted to, and that of the open stack.

    Attributes
    ----------
    wanted : Wanted
        What was asked for.
    models : NoiseModels
        Noise models, one for each channel of the stack.
    fitted : Measured or None
        Noise that the model was fitted to; None for a file and for the measured noise.
    stack : Measured or None
        Noise of the open stack; None where it cannot be measured.
    coverage : tuple of Coverage
        Signals of the model and of each channel.
    sentences : tuple of str
        Findings about the data.
    """

    wanted: Wanted
    models: NoiseModels
    fitted: Measured | None
    stack: Measured | None
    coverage: tuple[Coverage, ...]
    sentences: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Known:
    """What was measured before, so that another kind of model is only fitted anew."""

    stack: Measured | None = None
    why_not: str = ""
    last: tuple[Wanted, Measured] | None = None


def make_models(stack: Stack, wanted: Wanted, known: Known, context: Context) -> Made:
    """Make or read a noise model, and measure the noise of the stack that it is shown with.

    Parameters
    ----------
    stack : Stack
        Open stack.
    wanted : Wanted
        Which model.
    known : Known
        Earlier measurements; updated.
    context : Context
        Progress and cancellation.

    Raises
    ------
    QuietfieldError
        If the model cannot be made, or does not fit the stack.
    """
    from core.learning.noise_knowledge import coverage, resolve_models
    from core.noise.model_text import from_text, load_models

    channels, fitted = stack.sizes.get("C", 1), None
    if wanted.origin == "measured":
        models = from_text(resolve_models("", stack, context.part(0, 0.3)), "the measured noise")
    elif wanted.origin == "file":
        models = from_text(wanted.text, "The noise model") if wanted.text else load_models(wanted.files[0])
    else:
        fitted = _measure(stack, wanted, known, context.part(0, 0.5))
        context.step(0.5, "Fitting the noise model")
        models = fitted.fit(wanted.kind)
    models = models.fitting(channels, stack.meta.name)
    own = fitted if wanted.origin in ("repeats", "denoised") else None
    own = own or _of_stack(stack, known, context.part(0.6, 1.0))
    sentences = [finding.text for finding in fitted.findings] if fitted is not None else []
    if own is None:
        sentences.append(f"The noise of the open stack cannot be shown: {known.why_not}")
    return Made(
        wanted=wanted, models=models, fitted=fitted, stack=own, coverage=coverage(models, stack),
        sentences=tuple(sentences),
    )  # fmt: skip


def _measure(stack: Stack, wanted: Wanted, known: Known, context: Context) -> Measured:
    from core.files import open_stack
    from core.work.noise_models import measure

    if known.last is not None and _same_data(known.last[0], wanted):
        return known.last[1]
    if wanted.origin == "calibration":
        files = wanted.files
        calibration = open_stack(files[0] if len(files) == 1 else files, context=context.silent())
        found = measure(calibration, source="repeats", context=context)
    else:
        source: From = "repeats" if wanted.origin == "repeats" else "denoised"
        found = measure(stack, source=source, denoised=wanted.denoised, context=context)
    known.last = wanted, found
    return found


def _same_data(one: Wanted, other: Wanted) -> bool:
    return (one.origin, one.files) == (other.origin, other.files) and one.denoised is other.denoised


def _of_stack(stack: Stack, known: Known, context: Context) -> Measured | None:
    """Return the noise of the stack, measured once; None where it cannot be measured."""
    from core.work.noise_models import measure

    if known.stack is None and not known.why_not:
        try:
            known.stack = measure(stack, context=context)
        except QuietfieldError as error:
            known.why_not = str(error)
    return known.stack


def describe_coverage(coverage: Sequence[Coverage], channel: int) -> tuple[str, bool]:
    """Return one sentence about the range of a model, and whether it covers a channel of the stack."""
    one = coverage[channel]
    have = f"signals of the stack: {one.dimmest:.5g} to {one.brightest:.5g} counts"
    if one.low == float("-inf"):
        return f"This model is a formula and covers every signal ({have}).", True
    covers = f"The model covers signals from {one.low:.5g} to {one.high:.5g} counts"
    if one.covers:
        return f"{covers} ({have}).", True
    return (
        f"{covers}, and the stack exceeds them ({have}). Training refuses it: record calibration frames with "
        "the same camera settings that cover this range, or choose another model.",
        False,
    )
