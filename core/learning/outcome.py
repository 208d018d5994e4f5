"""Findings about a trained network: how it compares with the raw image and with Instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, Proposal
from core.findings.training_kinds import (
    AS_GOOD_AS_INSTANT,
    BETTER_THAN_INSTANT,
    LOSS_BELOW_INSTANT,
    WORSE_THAN_INSTANT,
    WORSE_THAN_RAW,
)

CERTAIN = 3.0
"""Number of standard errors by which squared errors must differ."""

LEAST = 0.02
"""Difference of squared errors that is told, as a fraction of that of the raw image."""

UNCERTAIN = 0.03
"""Relative uncertainty of the variance of the noise, which limits what is known of smaller errors."""

LEVEL = "level"
"""Detail of a finding: loss of Instant on held-out pixels, in the units of the loss of the network."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Errors:
    """Squared errors at the same pixels, in units of the squared error of the raw image without noise.

    Attributes
    ----------
    trained, raw, instant : ndarray, shape (N,)
        Squared errors.
    noise : float
        Part of each mean that is noise of the recorded pixels compared with.
    """

    trained: Values
    raw: Values
    instant: Values
    noise: float


def judge(errors: Errors, details: dict[str, str | int | float]) -> Finding:
    """Return a finding that says how a trained network compares with the raw image or with Instant."""
    better = Proposal(label="Choose Quietfield", method="quietfield")
    trained, instant = float(errors.trained.mean()), float(errors.instant.mean())
    if _worse(errors.trained, errors.raw, LEAST):
        ratio = (trained - errors.noise) / max(errors.raw.mean() - errors.noise, 1e-12)
        return Finding(kind=WORSE_THAN_RAW, value=float(ratio), limit=1.0, details=details, proposal=better)
    if _worse(errors.trained, errors.instant, LEAST):
        return Finding(
            kind=WORSE_THAN_INSTANT, value=trained - instant, limit=LEAST, details=details, proposal=better
        )
    if _worse(errors.instant, errors.trained, 0.0):
        gain = decibels(instant, trained, errors.noise)
        return Finding(kind=BETTER_THAN_INSTANT, value=gain, unit="dB", details=details)
    return Finding(kind=AS_GOOD_AS_INSTANT, value=abs(instant - trained), details=details)


def judge_start(first: float, last: float, *, noise: float | None) -> Finding:
    """Return a finding about a training that began with the network of Instant and lowered the loss.

    Parameters
    ----------
    first, last : float
        Loss on held-out pixels before and after training.
    noise : float or None
        Part of the loss that is noise; None if the loss is no squared error.
    """
    details: dict[str, str | int | float] = {LEVEL: first}
    if noise is None:
        return Finding(kind=LOSS_BELOW_INSTANT, value=last, limit=first, details=details)
    gain = decibels(first, last, noise)
    return Finding(kind=BETTER_THAN_INSTANT, value=gain, unit="dB", details=details)


def decibels(before: float, after: float, noise: float) -> float:
    """Return by how much a squared error without its noise is lower, in dB.

    Errors below the uncertainty of the variance of the noise count as this uncertainty, so that the result
    is rather too small than too large.
    """
    least = max(UNCERTAIN * noise, 1e-9)
    return float(10 * np.log10(max(before - noise, least) / max(after - noise, least)))


def level_of_instant(findings: tuple[Finding, ...]) -> float | None:
    """Return the loss of Instant on held-out pixels that findings of a training tell; None if none does."""
    found = [float(one.details[LEVEL]) for one in findings if LEVEL in one.details]
    return found[-1] if found else None


def _worse(one: Values, other: Values, least: float) -> bool:
    difference = one - other
    uncertainty = CERTAIN * float(difference.std()) / np.sqrt(difference.size)
    return not float(difference.mean()) <= max(uncertainty, least)
