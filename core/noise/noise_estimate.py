"""Noise of an image: variance as a function of intensity, and correlation of neighbouring pixels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, Proposal, kinds
from core.noise.models import PoissonGaussian

LAGS = ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2))
"""Distances along (Y, X) whose correlations are input of the network of Instant."""

TRANSPOSED = (1, 0, 2, 4, 3)
"""Index of each of `LAGS` in an image with transposed rows and columns."""

BLIND_SPOT_LIMIT = 0.15
"""Correlation of neighbouring pixels above which a network that masks single pixels keeps noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseEstimate:
    """Noise of an image: variance as a function of the mean, and correlation of neighbouring pixels.

    Attributes
    ----------
    model : PoissonGaussian
        Variance as a function of the mean. Excess noise of a detector is part of the gain; the floor is the
        variance of the darkest parts, which is at most that of the read noise and of the photons there.
    dark : float
        Mean of the darkest parts, in counts.
    gain_error, constant_error : float
        Standard errors of gain and constant, from the scatter of small blocks; infinite if unknown.
    mean : float
        Mean intensity, in counts.
    autocorrelation : ndarray, shape (7, 7)
        Correlation of the noise of two pixels by their distance along (Y, X), -3 to 3; 1 in the centre.
    saturated, lowest : float
        Fraction of pixels, 0 to 1, clipped to the largest and to the smallest value; 0 without clipping.
    ceiling : float
        Value of the saturated pixels, in counts; infinite without saturation.
    structure : float
        Fraction of the energy attributed to structure of the image, 0 to 1.
    method : str
        ``"frames"`` from differences between frames of a static scene, ``"plane"`` from single planes.
    problem : Finding or None
        Why the estimate is not reliable; None if it is.
    """

    model: PoissonGaussian
    dark: float
    gain_error: float
    constant_error: float
    mean: float
    autocorrelation: NDArray[np.float64] = field(repr=False, compare=False)
    saturated: float = 0.0
    lowest: float = 0.0
    ceiling: float = np.inf
    structure: float = 0.0
    method: Literal["plane", "frames"] = "plane"
    problem: Finding | None = None

    @property
    def read_noise(self) -> float:
        """Standard deviation in the darkest parts, in counts: at most read noise plus photon noise."""
        return float(np.sqrt(self.model.variance(self.dark)))

    @property
    def correlation_x(self) -> float:
        """Correlation of neighbouring pixels in a row."""
        return float(self.autocorrelation[3, 4])

    @property
    def correlation_y(self) -> float:
        """Correlation of neighbouring pixels in a column."""
        return float(self.autocorrelation[4, 3])

    @property
    def correlations(self) -> tuple[float, ...]:
        """Correlations at each of `LAGS`, averaged over both diagonals."""
        middle = len(self.autocorrelation) // 2
        found = (
            (self.autocorrelation[middle + y, middle + x] + self.autocorrelation[middle + y, middle - x]) / 2
            for y, x in LAGS
        )
        return tuple(map(float, found))

    @property
    def absent(self) -> bool:
        """Whether no noise was found."""
        return not self.model.gain and self.model.floor <= 0

    @property
    def reliable(self) -> bool:
        """Whether the estimate has no problem."""
        return self.problem is None

    @property
    def blind_spot_valid(self) -> bool:
        """Whether neighbouring pixels are independent enough for networks that mask single pixels."""
        return max(abs(self.correlation_x), abs(self.correlation_y)) <= BLIND_SPOT_LIMIT

    @property
    def warning(self) -> Finding | None:
        """Finding about correlated noise, if it matters for training; else None."""
        if self.blind_spot_valid:
            return None
        along, much = max((("rows", self.correlation_x), ("columns", self.correlation_y)), key=_size)
        return Finding(
            kind=kinds.NOISE_CORRELATED, value=much, limit=BLIND_SPOT_LIMIT, details={"along": along},
            proposal=Proposal(label="Choose structN2V", method="structn2v"),
        )  # fmt: skip

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Problem of the estimate and warning, if any."""
        return tuple(finding for finding in (self.problem, self.warning) if finding is not None)

    def scaled(self, factor: float) -> NoiseEstimate:
        """Return the noise of pixels times a positive factor."""
        return replace(
            self,
            model=self.model.scaled(factor),
            gain_error=self.gain_error * factor,
            constant_error=self.constant_error * factor**2,
            mean=self.mean * factor,
            dark=self.dark * factor,
            ceiling=self.ceiling * factor,
        )

    def averaged(self, frames: float) -> NoiseEstimate:
        """Return the noise of the mean of several frames of one scene."""
        return replace(
            self,
            model=self.model.averaged(frames),
            gain_error=self.gain_error / frames,
            constant_error=self.constant_error / frames,
        )


def _size(pair: tuple[str, float]) -> float:
    return abs(pair[1])
