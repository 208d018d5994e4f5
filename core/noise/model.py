"""What is known about the noise of an image: its variance by intensity, and how neighbours share it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, Proposal, kinds
from core.noise.models import PoissonGaussian

LAGS = ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2))
"""Distances along (Y, X) of neighbours whose correlations say what a network needs to know of noise."""

TRANSPOSED = (1, 0, 2, 4, 3)
"""Where each of `LAGS` is found in an image whose rows and columns change places."""

BLIND_SPOT_LIMIT = 0.15
"""Correlation of neighbouring pixels above which a network that masks single pixels keeps noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseEstimate:
    """Noise of an image: its variance by the mean, and the correlation of neighbouring pixels.

    Attributes
    ----------
    model : PoissonGaussian
        Variance by the mean. Excess noise of a detector counts as gain; the floor is the variance of the
        darkest parts, which is at most that of the read noise and of the photons there.
    dark : float
        Mean of the darkest parts, in counts.
    gain_error, constant_error : float
        Standard errors of the gain and the constant, from the scatter of small blocks; infinite where
        unknown.
    mean : float
        Mean intensity, in counts.
    autocorrelation : ndarray, shape (7, 7)
        Correlation of the noise of two pixels by their distance along (Y, X), -3 to 3; 1 in the middle.
    saturated, lowest : float
        Share of pixels, 0 to 1, that pile up at the highest and at the lowest value; 0 where they do not.
    structure : float
        Share of the energy that was taken for structure of the image, 0 to 1.
    method : str
        ``"frames"`` from differences between frames of an unchanging scene, ``"plane"`` from single ones.
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
    structure: float = 0.0
    method: Literal["plane", "frames"] = "plane"
    problem: Finding | None = None

    @property
    def read_noise(self) -> float:
        """Standard deviation in the darkest parts, in counts: at most the read noise plus their photons."""
        return float(np.sqrt(self.model.variance(self.dark)))

    @property
    def correlation_x(self) -> float:
        """Correlation of neighbours in a row."""
        return float(self.autocorrelation[3, 4])

    @property
    def correlation_y(self) -> float:
        """Correlation of neighbours in a column."""
        return float(self.autocorrelation[4, 3])

    @property
    def correlations(self) -> tuple[float, ...]:
        """Correlations at each of `LAGS`, the mean over both diagonals."""
        middle = len(self.autocorrelation) // 2
        found = (
            (self.autocorrelation[middle + y, middle + x] + self.autocorrelation[middle + y, middle - x]) / 2
            for y, x in LAGS
        )
        return tuple(map(float, found))

    @property
    def absent(self) -> bool:
        """Whether no noise was found at all."""
        return not self.model.gain and self.model.floor <= 0

    @property
    def reliable(self) -> bool:
        """Whether nothing speaks against the estimate."""
        return self.problem is None

    @property
    def blind_spot_valid(self) -> bool:
        """Whether neighbours are independent enough for networks that mask single pixels."""
        return max(abs(self.correlation_x), abs(self.correlation_y)) <= BLIND_SPOT_LIMIT

    @property
    def warning(self) -> Finding | None:
        """Finding that neighbouring pixels share noise, where it matters for training; None if not."""
        if self.blind_spot_valid:
            return None
        along, much = max((("rows", self.correlation_x), ("columns", self.correlation_y)), key=_size)
        return Finding(
            kind=kinds.NOISE_CORRELATED, value=much, limit=BLIND_SPOT_LIMIT, details={"along": along},
            proposal=Proposal(label="Choose structN2V", method="structn2v"),
        )  # fmt: skip

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The problem of the estimate and the warning, as far as there are any."""
        return tuple(finding for finding in (self.problem, self.warning) if finding is not None)

    def averaged(self, frames: float) -> NoiseEstimate:
        """Return the noise of the mean of so many frames of one scene."""
        return replace(
            self,
            model=self.model.averaged(frames),
            gain_error=self.gain_error / frames,
            constant_error=self.constant_error / frames,
        )


def _size(pair: tuple[str, float]) -> float:
    return abs(pair[1])
