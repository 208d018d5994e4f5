"""Noise models: the distribution of a noisy pixel with known mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.noise.transform import Stabiliser

_MOST_PHOTONS = 1e18
"""Means from this value on get no Poisson noise; numpy's Poisson generator is limited to about 9.2e18."""

_GAUSSIAN = 30.0
"""Read noise, in photons, above which the skewness of photon noise (at most 0.013) is neglected."""

_NONE = 1e-6
"""Read noise, in photons, up to which there is none: the density of single numbers would overflow."""

_TAIL = 8.0
"""Half width of the sum over photon numbers in likelihoods, in standard deviations."""

Values = NDArray[np.float64]


class NoiseModel(Protocol):
    """Distribution of noisy pixels as a function of their mean, both in counts."""

    def variance(self, mean: ArrayLike) -> Values:
        """Return the variance of pixels with these means, in counts squared."""

    def log_likelihood(self, noisy: ArrayLike, mean: ArrayLike) -> Values:
        """Return the natural logarithm of the probability density of noisy pixels with these means."""

    def sample(self, mean: ArrayLike, rng: np.random.Generator) -> Values:
        """Draw one noisy pixel for every mean."""

    def stabiliser(self) -> Stabiliser:
        """Return the transform that gives this noise a variance near 1 at every mean."""

    @property
    def span(self) -> tuple[float, float]:
        """Smallest and largest mean that the model was measured at, in counts; infinite for a formula."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoissonGaussian:
    """Poisson-distributed photons with Gaussian read noise.

    A pixel is ``offset + gain * photons`` counts plus Gaussian noise of variance `floor`. Its variance is the
    straight line ``gain * mean + constant``, and `floor` without light.

    Attributes
    ----------
    gain : float
        Counts per detected photon; 0 for noise of constant variance.
    constant : float
        Variance of the line at a mean of 0, in counts squared: the variance of the read noise minus gain
        times offset. It is negative if the offset dominates.
    floor : float
        Smallest variance, in counts squared: the variance of the read noise.
    """

    gain: float
    constant: float
    floor: float = 0.0

    @classmethod
    def camera(cls, *, gain: float, offset: float = 0.0, read_noise: float = 0.0) -> PoissonGaussian:
        """Return the model of a camera.

        Parameters
        ----------
        gain : float
            Counts per detected photon.
        offset : float
            Counts without light.
        read_noise : float
            Standard deviation of the read noise, in counts.
        """
        square = read_noise * read_noise
        return cls(gain=gain, constant=square - gain * offset, floor=square)

    @property
    def span(self) -> tuple[float, float]:
        """Smallest and largest mean of the model: any, because it is a formula."""
        return -math.inf, math.inf

    @property
    def offset(self) -> float:
        """Mean without light, in counts; 0 if the gain is 0."""
        return (self.floor - self.constant) / self.gain if self.gain else 0.0

    @property
    def read_noise(self) -> float:
        """Standard deviation without light, in counts."""
        return math.sqrt(self.floor)

    def averaged(self, frames: float) -> PoissonGaussian:
        """Return the model of the mean of several independent pixels with equal mean."""
        return PoissonGaussian(
            gain=self.gain / frames, constant=self.constant / frames, floor=self.floor / frames
        )

    def scaled(self, factor: float) -> PoissonGaussian:
        """Return the model of pixels times a positive factor."""
        square = factor**2
        return PoissonGaussian(
            gain=self.gain * factor, constant=self.constant * square, floor=self.floor * square
        )

    def shifted(self, counts: float) -> PoissonGaussian:
        """Return the model of pixels plus a constant, in counts."""
        return replace(self, constant=self.constant - self.gain * counts)

    def variance(self, mean: ArrayLike) -> Values:
        """Return the variance of pixels with these means, in counts squared; at least `floor`."""
        line = self.gain * np.asarray(mean, np.float64) + self.constant
        return np.maximum(line, self.floor)

    def sample(self, mean: ArrayLike, rng: np.random.Generator) -> Values:
        """Draw one noisy pixel for every mean.

        Parameters
        ----------
        mean : array of any shape
            Means in counts. Below the offset there are no photons. Means that are not finite, or too large
            for Poisson numbers, get read noise only.
        rng : Generator
            Source of the noise: first the photons, then the read noise.

        Returns
        -------
        ndarray, float64
            Noisy pixels in counts.
        """
        mean = np.asarray(mean, np.float64)
        if not self.gain:
            return mean + math.sqrt(max(self.constant, self.floor)) * rng.standard_normal(mean.shape)
        photons = self._photons(mean)
        countable = photons < _MOST_PHOTONS
        drawn = rng.poisson(np.where(countable, photons, 0.0))
        counts: Values = np.where(countable, drawn * self.gain + self.offset, mean)
        return counts + self.read_noise * rng.standard_normal(mean.shape) if self.floor else counts

    def log_likelihood(self, noisy: ArrayLike, mean: ArrayLike) -> Values:
        """Return the natural logarithm of the probability density of noisy pixels with these means.

        It is the sum of Gaussian densities centred on each number of photons, weighted by their Poisson
        probabilities. Without read noise, the probability of a number of photons is spread over one
        gain, half on each side.

        Parameters
        ----------
        noisy, mean : arrays with compatible shapes
            Noisy pixels and means, in counts.

        Returns
        -------
        ndarray, float64
            Minus infinity if a pixel is impossible.

        Notes
        -----
        The sum is centred on the most probable number of photons k, which solves
        ``log(rate / k) = (k - x) / r**2`` with the pixel x and the read noise r in photons; Wright's omega
        function gives it in closed form.
        """
        noisy, mean = np.broadcast_arrays(np.asarray(noisy, np.float64), np.asarray(mean, np.float64))
        if self.read_noise >= _GAUSSIAN * self.gain:
            variance = self.variance(mean)
            normal: Values = -0.5 * (np.square(noisy - mean) / variance + np.log(2 * np.pi * variance))
            return normal
        from scipy.special import wrightomega

        rate, seen = self._photons(mean), (noisy - self.offset) / self.gain
        if self.read_noise <= _NONE * self.gain:
            return _log_poisson(np.rint(seen), rate) - math.log(self.gain)
        read = self.read_noise / self.gain
        with np.errstate(divide="ignore"):
            likeliest = read**2 * wrightomega(np.log(rate / read**2) + seen / read**2)
        spread = min(read, math.sqrt(float(np.nanmax(likeliest, initial=0.0))) + 1)
        reach = math.ceil(_TAIL * spread) + 1
        total: Values = np.full(seen.shape, -np.inf)
        for step in range(-reach, reach + 1):
            photons = np.rint(likeliest) + step
            term = _log_poisson(photons, rate) - 0.5 * np.square((seen - photons) / read)
            total = np.logaddexp(total, term)
        total -= math.log(self.read_noise * math.sqrt(2 * math.pi))
        return total

    def stabiliser(self) -> Stabiliser:
        """Return the generalised Anscombe transform of this noise.

        Raises
        ------
        QuietfieldError
            If there is no noise.
        """
        # without gain, the constant may contain structure that was taken for noise
        return Stabiliser(gain=self.gain, constant=self.constant if self.gain > 0 else self.floor)

    def _photons(self, mean: Values) -> Values:
        return np.maximum((mean - self.offset) / self.gain, 0.0)


def _log_poisson(number: Values, rate: Values) -> Values:
    """Return the logarithm of Poisson probabilities; minus infinity for negative numbers."""
    from scipy.special import gammaln, xlogy

    known = np.maximum(number, 0.0)
    return np.where(number >= 0, xlogy(known, rate) - rate - gammaln(known + 1), -np.inf)
