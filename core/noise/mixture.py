"""Noise model that is a mixture of Gaussians, whose parameters are polynomials of the signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.noise.histogram import fit_line
from core.noise.models import Values
from core.noise.transform import Stabiliser

LEAST_PART = 1e-3
"""Smallest variance of a component, relative to the largest variance of the noise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GaussianMixture:
    """Mixture of Gaussians with mean, variance and weight as polynomials of the signal.

    The mean of the mixture is the signal. Beyond the measured range of signals, the residuals are
    distributed as at its ends.

    Attributes
    ----------
    logits, shifts, variances : ndarray, shape (components, degree + 1)
        Coefficients, the lowest power first, of polynomials of ``(signal - low) / (high - low)``: logarithms
        of weights (up to normalisation), differences of the means from the signal in counts (up to their
        weighted mean), and variances in counts squared.
    least : float
        Smallest variance of a component, in counts squared.
    span : tuple of float
        Range (low, high) of the signals that were measured, in counts.

    Notes
    -----
    M. Prakash, M. Lalit, P. Tomancak, A. Krull, F. Jug, "Fully unsupervised Probabilistic Noise2Void",
    ISBI 2020, doi:10.1109/ISBI45749.2020.9098612.
    """

    logits: Values
    shifts: Values
    variances: Values
    least: float
    span: tuple[float, float]

    def components(self, mean: ArrayLike) -> tuple[Values, Values, Values]:
        """Return weights, shifts and variances of all components, (components, ...), at these means."""
        u = self._relative(np.asarray(mean, np.float64))
        logits, shifts, variances = (
            np.polynomial.polynomial.polyval(u, c.T) for c in (self.logits, self.shifts, self.variances)
        )
        weights = np.exp(logits - logits.max(0))
        weights /= weights.sum(0)
        return weights, shifts - (weights * shifts).sum(0), np.maximum(variances, self.least)

    def variance(self, mean: ArrayLike) -> Values:
        """Return the variance of pixels with these means, in counts squared."""
        weights, shifts, variances = self.components(mean)
        found: Values = (weights * (variances + np.square(shifts))).sum(0)
        return found

    def log_likelihood(self, noisy: ArrayLike, mean: ArrayLike) -> Values:
        """Return the natural logarithm of the probability density of noisy pixels with these means.

        Parameters
        ----------
        noisy, mean : arrays with compatible shapes
            Noisy pixels and means, in counts.
        """
        noisy, mean = np.broadcast_arrays(np.asarray(noisy, np.float64), np.asarray(mean, np.float64))
        weights, shifts, variances = self.components(mean)
        with np.errstate(divide="ignore"):
            terms = np.log(weights) - 0.5 * (
                np.square(noisy - mean - shifts) / variances + np.log(2 * np.pi * variances)
            )
        found: Values = np.logaddexp.reduce(terms, 0)
        return found

    def sample(self, mean: ArrayLike, rng: np.random.Generator) -> Values:
        """Draw one noisy pixel for every mean.

        Parameters
        ----------
        mean : array of any shape
            Means in counts.
        rng : Generator
            Source of the noise.
        """
        mean = np.asarray(mean, np.float64)
        weights, shifts, variances = self.components(mean)
        chosen = (rng.random(mean.shape) > np.cumsum(weights, 0)[:-1]).sum(0)[None]
        shift, variance = (np.take_along_axis(part, chosen, 0)[0] for part in (shifts, variances))
        return np.asarray(mean + shift + np.sqrt(variance) * rng.standard_normal(mean.shape))

    def stabiliser(self) -> Stabiliser:
        """Return the generalised Anscombe transform of the straight line through the variances."""
        signal = np.linspace(*self.span, 33)
        return fit_line(signal, self.variance(signal), np.ones_like(signal)).stabiliser()

    def _relative(self, mean: Values) -> Values:
        low, high = self.span
        return np.clip((mean - low) / max(high - low, 1e-30), 0.0, 1.0)
