"""The estimated error of a denoised image, its uncertainty, and the difference of two."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding

NOISE_ERROR = 0.05
"""Relative standard error assumed for the estimated noise variance."""

Plane = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Estimated error of a denoised image.

    Attributes
    ----------
    findings : tuple of Finding
        Reasons why this estimate may be wrong, besides those of the judge.
    blocks : ndarray, shape (N,)
        Estimated mean squared error of every block of every judged plane, in units of the noise variance.
    modelled : float
        Part of its mean that is proportional to the measured noise variance.
    draws : int
        Number of random draws that were averaged.
    noise : float
        Mean noise variance of the judged planes, in counts squared.
    span : float
        Range of the image for PSNR, in counts.
    """

    blocks: Plane = field(repr=False, compare=False)
    modelled: float
    draws: int
    noise: float
    span: float
    findings: tuple[Finding, ...] = ()

    @property
    def share(self) -> float:
        """Mean squared error divided by the noise variance: 1 for the noisy image. It may be below 0."""
        return float(self.blocks.mean())

    @property
    def share_error(self) -> float:
        """Standard error of `share`, including that of the noise variance."""
        return math.hypot(_standard_error(self.blocks), NOISE_ERROR * self.modelled)

    @property
    def mse(self) -> float:
        """Estimated mean squared error, in counts squared."""
        return self.share * self.noise

    @property
    def psnr(self) -> float:
        """Estimated PSNR in dB, over the range `span`; infinite if the error is not above 0."""
        return self._decibel(self.share)

    @property
    def interval(self) -> tuple[float, float]:
        """Range of the PSNR in dB with a probability of 95 %; its end is infinite if no error is possible."""
        return self._decibel(self.share + 2 * self.share_error), self._decibel(
            self.share - 2 * self.share_error
        )

    def _decibel(self, share: float) -> float:
        return 10 * math.log10(self.span**2 / (share * self.noise)) if share > 0 else math.inf


def difference(first: Judgement, second: Judgement) -> tuple[float, float]:
    """Return by how much the error of the first exceeds that of the second, and its standard error.

    Both are in units of the noise variance. Errors that the two have in common cancel.
    """
    apart = first.blocks - second.blocks
    modelled = NOISE_ERROR * (first.modelled - second.modelled)
    return float(apart.mean()), math.hypot(_standard_error(apart), modelled)


def better(first: Judgement, second: Judgement) -> bool:
    """Return whether the first has the smaller error, with a probability of at least 97.5 %."""
    apart, error = difference(first, second)
    return apart < -2 * error


def possible_loss(chosen: Judgement, other: Judgement) -> float:
    """Return by how many dB the other may be better, at most; a limit with a probability of 97.5 %.

    It is 0 if the chosen one is better with this probability.
    """
    apart, error = difference(chosen, other)
    # an estimate near or below 0 has no logarithm: its uncertainty is the least error that can be told
    low = max(other.share, other.share_error, 1e-6)
    return 10 * math.log10(1 + max(apart + 2 * error, 0.0) / low)


def _standard_error(blocks: Plane) -> float:
    return float(blocks.std(ddof=1) / math.sqrt(len(blocks))) if len(blocks) > 1 else math.inf
