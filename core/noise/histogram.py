"""Noise model that consists of histograms of residuals at several levels of the signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.noise.models import PoissonGaussian, Values
from core.noise.transform import Stabiliser

LEAST_DENSITY = 1e-7
"""Density of standardised residuals that were never observed."""

LEVEL_PRIOR = 200.0
"""Number of pairs, distributed like those of all levels, that are added to every level."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histogram:
    """Histograms of residuals, divided by their standard deviation, at several levels of the signal.

    Between levels, variances and densities are interpolated; beyond the first and the last level those are
    used.

    Attributes
    ----------
    signal, variances : ndarray, shape (levels,)
        Signal in counts, ascending, and variance of the noise there, in counts squared.
    density : ndarray, shape (levels, cells)
        Probability density of residuals divided by the standard deviation.
    reach : float
        The cells are evenly spaced from -reach to reach.
    span : tuple of float
        Range of the signals that were measured, in counts.

    Notes
    -----
    A. Krull, T. Vičar, M. Prakash, M. Lalit, F. Jug, "Probabilistic Noise2Void: Unsupervised content-aware
    denoising", Front. Comput. Sci. 2 (2020), doi:10.3389/fcomp.2020.00005, use histograms of noisy pixels.
    Histograms of standardised residuals have the same resolution at every signal.
    """

    signal: Values
    variances: Values
    density: Values
    reach: float
    span: tuple[float, float]

    def variance(self, mean: ArrayLike) -> Values:
        """Return the variance of pixels with these means, in counts squared."""
        return np.asarray(np.interp(np.asarray(mean, np.float64), self.signal, self.variances))

    def log_likelihood(self, noisy: ArrayLike, mean: ArrayLike) -> Values:
        """Return the natural logarithm of the probability density of noisy pixels with these means.

        Parameters
        ----------
        noisy, mean : arrays with compatible shapes
            Noisy pixels and means, in counts.
        """
        noisy, mean = np.broadcast_arrays(np.asarray(noisy, np.float64), np.asarray(mean, np.float64))
        deviation = np.sqrt(self.variance(mean))
        z = (noisy - mean) / deviation
        cells = self.density.shape[1]
        place = (z + self.reach) * (cells / (2 * self.reach)) - 0.5
        left, right = _neighbours(place, cells)
        share = np.clip(place - left, 0.0, 1.0)
        lower, upper, part = self._levels(mean)
        low = (1 - share) * self.density[lower, left] + share * self.density[lower, right]
        high = (1 - share) * self.density[upper, left] + share * self.density[upper, right]
        found = np.where(np.abs(z) <= self.reach, (1 - part) * low + part * high, 0.0)
        return np.log(np.maximum(found, LEAST_DENSITY) / deviation)

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
        lower, upper, part = self._levels(mean)
        level = np.where(rng.random(mean.shape) < part, upper, lower)
        cells = self.density.shape[1]
        sums = np.cumsum(self.density, 1)
        sums /= sums[:, -1:]
        # one sorted list of all levels: the sums of level n lie between n and n + 1
        chosen = np.searchsorted(
            (sums + np.arange(len(sums))[:, None]).ravel(), level + rng.random(mean.shape)
        )
        cell = np.clip(chosen - level * cells, 0, cells - 1)
        # the density is linear between centres of cells, as that of the sum of two uniform numbers
        inside = rng.random(mean.shape) + rng.random(mean.shape) - 0.5
        z = (cell + inside) * (2 * self.reach / cells) - self.reach
        noisy: Values = mean + np.sqrt(self.variance(mean)) * z
        return noisy

    def stabiliser(self) -> Stabiliser:
        """Return the generalised Anscombe transform of the straight line through the variances."""
        return fit_line(self.signal, self.variances, self.density.sum(1)).stabiliser()

    def _levels(self, mean: Values) -> tuple[NDArray[np.intp], NDArray[np.intp], Values]:
        """Return the indices of the levels below and above, and the weight of the latter."""
        place = np.interp(mean, self.signal, np.arange(len(self.signal)))
        lower, upper = _neighbours(place, len(self.signal))
        return lower, upper, place - lower


def fit_line(signal: Values, variance: Values, weights: Values) -> PoissonGaussian:
    """Fit a straight line to variances at several signals.

    Parameters
    ----------
    signal, variance : ndarray, shape (levels,)
        Signals in counts and variances in counts squared, all above 0.
    weights : ndarray, shape (levels,)
        Numbers of pairs. The standard error of a variance is proportional to it.

    Returns
    -------
    PoissonGaussian
        Its floor is the variance on the line at the lowest signal, but at most the smallest variance; the
        gain is 0 if the variance does not increase.
    """
    trust = np.sqrt(weights) / variance
    slope, constant = np.polyfit(signal, variance, 1, w=trust) if len(signal) > 1 else (0.0, variance[0])
    if slope <= 0:
        level = float(np.average(variance, weights=trust**2))
        return PoissonGaussian(gain=0.0, constant=level, floor=level)
    least = float(variance.min())
    floor = float(np.clip(slope * signal[0] + constant, 0.01 * least, least))
    return PoissonGaussian(gain=float(slope), constant=float(constant), floor=floor)


def _neighbours(place: Values, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    left = np.clip(np.floor(place), 0, count - 1).astype(np.intp)
    return left, np.minimum(left + 1, count - 1)
