"""What speaks against learning from hidden pixels of a stack, in sentences for a person."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.instant.familiarity import examine
from core.learning.training_advice import middle_plane
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import Survey
from core.stack import Stack

Told = Sequence[Sequence[Finding]]
"""What Instant finds in each channel."""


def obstacles(stack: Stack) -> str:
    """Say in sentences why predicting hidden pixels may gain little on a stack; "" if nothing tells so.

    Correlated noise is told of only where its estimate is reliable. Nothing is said of a stack whose noise
    cannot be estimated.
    """
    try:
        found = Survey.of(stack).noise().channels
    except QuietfieldError:  # too small or too large for an estimate, but not for training
        return ""
    told = instant_doubts(stack)
    silent = quiet(told)
    known = [(at, noise) for at, noise in enumerate(found) if noise.reliable and at not in silent]
    correlated = [(_most(noise), at, noise.warning) for at, noise in known if noise.warning is not None]
    words = [doubted(stack, told)]
    if correlated:
        _, at, warning = max(correlated, key=lambda one: one[:2])
        words.append((f"Channel {at + 1}: " if len(found) > 1 else "") + warning.text)
    return " ".join(text for text in words if text)


def instant_doubts(stack: Stack) -> Told:
    """Findings of Instant about each channel.

    Raises
    ------
    QuietfieldError
        If the noise cannot be measured: planes too small, or intensities enormous.
    """
    return [
        examine(middle_plane(stack, at), noise) for at, noise in enumerate(Survey.of(stack).noise().channels)
    ]


def quiet(told: Told) -> tuple[int, ...]:
    """Channels with almost no noise, as Instant judges it."""
    return tuple(
        at for at, findings in enumerate(told) if any(f.kind == kinds.NOISE_NEGLIGIBLE for f in findings)
    )


def doubted(stack: Stack, told: Told) -> str:
    """Say in sentences which channels of a stack have almost no noise, and whether single pixels stand out.

    Noise that many pixels share is not always told from structure: it is noise of single pixels that is
    said not to be there.
    """
    words, silent = [], quiet(told)
    if silent:
        name = stack.meta.name
        if len(silent) < len(told):
            numbers = [str(at + 1) for at in silent]
            listed = " and ".join([", ".join(numbers[:-1]), numbers[-1]] if len(numbers) > 1 else numbers)
            name = f"{'channels' if len(numbers) > 1 else 'channel'} {listed} of {name}"
        words.append(
            f"Almost no noise of single pixels was found in {name}, so that training gains nothing there."
        )
    outlying = [f for findings in told for f in findings if f.kind == kinds.PIXELS_OUTLYING]
    words += [f.text for f in outlying[:1]]
    return " ".join(words)


def _most(noise: NoiseEstimate) -> float:
    return max(abs(noise.correlation_x), abs(noise.correlation_y))
