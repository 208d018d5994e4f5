"""Findings that speak against training with hidden pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.instant.familiarity import examine
from core.learning.training_advice import middle_plane
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import Survey
from core.progress import Context
from core.stack import Stack

Examined = Sequence[Sequence[Finding]]
"""Findings of Instant about each channel."""


def obstacles(stack: Stack, context: Context | None = None) -> tuple[Finding, ...]:
    """Return reasons why predicting hidden pixels may improve a stack little.

    Correlated noise is reported only if its estimate is reliable. If the noise cannot be estimated,
    nothing is reported.
    """
    try:
        found = Survey.of(stack).noise(context).channels
    except QuietfieldError:  # too small or too large for an estimate, but not for training
        return ()
    examined = examine_channels(stack)
    silent = noiseless(examined)
    known = [(at, noise) for at, noise in enumerate(found) if noise.reliable and at not in silent]
    correlated = [(_most(noise), at, noise.warning) for at, noise in known if noise.warning is not None]
    findings = list(against_training(stack, examined))
    if correlated:
        _, at, warning = max(correlated, key=lambda one: one[:2])
        if len(found) > 1:
            details = {**warning.details, "channel": at}
            warning = replace(warning, kind=kinds.CHANNEL_NOISE_CORRELATED, details=details)
        findings.append(warning)
    return tuple(findings)


def examine_channels(stack: Stack) -> Examined:
    """Return the findings of Instant about each channel.

    Raises
    ------
    QuietfieldError
        If the noise cannot be estimated: planes too small, or intensities too large.
    """
    channels = Survey.of(stack).noise().channels
    return [examine(middle_plane(stack, at), noise) for at, noise in enumerate(channels)]


def noiseless(examined: Examined) -> tuple[int, ...]:
    """Return the channels that have almost no noise."""
    return tuple(
        at for at, found in enumerate(examined) if any(f.kind == kinds.NOISE_NEGLIGIBLE for f in found)
    )


def against_training(stack: Stack, examined: Examined) -> tuple[Finding, ...]:
    """Return findings about channels with almost no noise of single pixels, and about outlying pixels.

    Noise shared by many pixels cannot always be separated from structure. Therefore only the absence of noise
    of single pixels is reported.
    """
    findings, silent = [], noiseless(examined)
    if silent:
        where = stack.meta.name
        if len(silent) < len(examined):
            numbers = [str(at + 1) for at in silent]
            listed = " and ".join([", ".join(numbers[:-1]), numbers[-1]] if len(numbers) > 1 else numbers)
            where = f"{'channels' if len(numbers) > 1 else 'channel'} {listed} of {where}"
        findings.append(
            Finding(kind=kinds.TRAINING_NOISELESS, value=float(len(silent)), details={"where": where})
        )
    outlying = [f for found in examined for f in found if f.kind == kinds.PIXELS_OUTLYING]
    return (*findings, *outlying[:1])


def _most(noise: NoiseEstimate) -> float:
    return max(abs(noise.correlation_x), abs(noise.correlation_y))
