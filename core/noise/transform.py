"""Generalised Anscombe transform, which stabilises the variance of photon noise, and its inverses.

Noise of variance ``gain * mean + constant`` is transformed to noise of variance near 1 at every intensity.
There are two inverses: the algebraic inverse for images that are the transform *of a mean*, and the exact
unbiased inverse for images that are the *mean of transformed* noisy pixels, such as the output of a filter
for white noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import QuietfieldError

_LEAST_GAIN = 1e-6
"""Gain, relative to the standard deviation of constant noise, below which the noise is constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stabiliser:
    """Generalised Anscombe transform for a variance that is linear in the mean.

    Parameters
    ----------
    gain : float
        Counts per photon, at least 0; 0 for noise of constant variance.
    constant : float
        Variance at a mean of 0, in counts squared; negative if the offset dominates.

    Raises
    ------
    QuietfieldError
        If there is no noise, or a number is not finite.

    Notes
    -----
    F. Murtagh, J.-L. Starck, A. Bijaoui, Astron. Astrophys. Suppl. Ser. 112, 179 (1995), for the transform;
    M. Mäkitalo, A. Foi, "Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian
    noise", IEEE Trans. Image Process. 22, 91 (2013), doi:10.1109/TIP.2012.2202675, for its exact inverse.
    An offset of the camera is included in `constant`, because it only shifts the line of variance.
    """

    gain: float
    constant: float

    def __post_init__(self) -> None:
        finite = np.isfinite(self.gain) and np.isfinite(self.constant)
        if not finite or self.gain < 0 or (self.gain == 0 and self.constant <= 0):
            raise QuietfieldError(
                f"Noise with a gain of {self.gain:g} and a constant of {self.constant:g} cannot be "
                "stabilised: the gain must not be negative, and the noise must not be zero."
            )

    @property
    def constant_only(self) -> bool:
        """Whether the noise is constant; transformed values are then counts / standard deviation."""
        return self.gain**2 <= _LEAST_GAIN**2 * max(self.constant, 0.0)

    @property
    def zero(self) -> float:
        """Mean at which the variance is 0, in counts; 0 for constant noise."""
        return 0.0 if self.constant_only else -self.constant / self.gain

    @property
    def unit(self) -> float:
        """Counts per photon, or the standard deviation of constant noise.

        The noise of ``(counts - zero) / unit`` has the variance of photon numbers, which equals their mean;
        or the variance 1 for constant noise.
        """
        return float(np.sqrt(self.constant)) if self.constant_only else self.gain

    def forward(self, counts: ArrayLike) -> NDArray[np.float64]:
        """Transform counts; the variance of their noise becomes about 1 for three or more photons.

        Parameters
        ----------
        counts : array of any shape
            Noisy or noise-free counts. Values below the smallest representable mean are clipped to 0.

        Returns
        -------
        ndarray, float64
            Dimensionless values, at least 0 if the gain is not 0.
        """
        counts = np.asarray(counts, np.float64)
        if self.constant_only:
            scaled: NDArray[np.float64] = counts / self.unit
            return scaled
        inside = self.gain * counts + 0.375 * self.gain**2 + self.constant
        values: NDArray[np.float64] = 2 / self.gain * np.sqrt(np.maximum(inside, 0.0))
        return values

    def inverse(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the algebraic inverse of `forward`, for values that are the transform of a mean.

        Negative values are treated as 0.
        """
        values = np.asarray(values, np.float64)
        if self.constant_only:
            return values * self.unit
        return self._counts(np.square(np.maximum(values, 0.0)) / 4 - 0.375)

    def error(self, values: ArrayLike, errors: ArrayLike) -> NDArray[np.float64]:
        """Return the standard error of `inverse` in counts, for values with normally distributed errors.

        Parameters
        ----------
        values : array of any shape
            Transformed values.
        errors : array of the same shape
            Standard deviations of their errors.

        Returns
        -------
        ndarray, float64
            Root mean square errors in counts.
        """
        values, squares = np.asarray(values, np.float64), np.square(np.asarray(errors, np.float64))
        if self.constant_only:
            return np.sqrt(self.constant * squares)
        found: NDArray[np.float64] = self.gain / 4 * np.sqrt(squares * (4 * np.square(values) + 3 * squares))
        return found

    def inverse_of_mean(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the mean of noisy counts from the mean of their transforms, without bias.

        Parameters
        ----------
        values : array of any shape
            Means of transformed noisy counts. Values below the transform of 0 photons are treated as 0
            photons.

        Returns
        -------
        ndarray, float64
            Means in counts.

        Notes
        -----
        The closed form approximates the exact unbiased inverse for Poisson noise, shifted by the variance of
        the rest: the paper above, and M. Mäkitalo, A. Foi, "A closed-form approximation of the exact
        unbiased inverse of the Anscombe variance-stabilizing transformation", IEEE Trans. Image
        Process. 20, 2697 (2011), doi:10.1109/TIP.2011.2121085.
        """
        values = np.asarray(values, np.float64)
        if self.constant_only:
            return values * self.unit
        least = 2 * np.sqrt(0.375)  # the transform of 0 photons
        safe = np.maximum(values, least)
        root = np.sqrt(1.5)
        photons = (
            np.square(safe) / 4 + root / (4 * safe) - 11 / (8 * safe**2) + 5 * root / (8 * safe**3) - 0.125
        )
        return self._counts(np.maximum(photons, 0.0))

    def _counts(self, photons: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.unit * photons + self.zero
