"""Mean and variance of dim light on a detector that clips values below a floor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

_QUANTILES = 32


def clipped_moments(
    photons: NDArray[np.float64], floor: float, read_noise: float, pulse: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of detected photons after clipping to a floor.

    Parameters
    ----------
    photons : ndarray
        Mean number of photons.
    floor : float
        Smallest value of the detector, in photons; 0 is no light. Smaller values are set to it.
    read_noise : float
        Standard deviation of the read noise in photons.
    pulse : float
        Shape parameter of the Gamma distribution of pulse heights; infinite if every pulse height is 1.

    Returns
    -------
    mean, variance : ndarray, same shape as `photons`
        In photons and squared photons.
    """
    most = int(np.ceil(max(floor, 0) + 8 * read_noise + 10)) * (1 if pulse > 2 else 3)
    number = np.arange(most + 1.0)
    heights = np.repeat(number[:, None], _QUANTILES, axis=1)
    if np.isfinite(pulse):
        middle = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
        heights[1:] = special.gammaincinv(pulse * number[1:, None], middle) / pulse
    noise = max(read_noise, 1e-9)
    away = (heights - floor) / noise
    above, density = special.ndtr(away), np.exp(-0.5 * away**2) / np.sqrt(2 * np.pi)
    mean = floor + noise * (away * above + density)
    square = noise**2 * ((away**2 + 1) * above + away * density)
    square = square + 2 * floor * mean - floor**2
    gained = (mean - heights).mean(axis=1)  # difference from no floor; 0 for many photons
    squared = (square - heights**2).mean(axis=1) - noise**2
    grid = np.linspace(0, np.sqrt(most), 160) ** 2
    chance = stats.poisson.pmf(number, grid[:, None])
    more, squares = (np.interp(photons, grid, chance @ part, right=0.0) for part in (gained, squared))
    spread = photons * (1 + 1 / pulse) + read_noise**2
    return photons + more, spread + squares - more * (2 * photons + more)
