"""Estimate the correlation of noise from the spectra of small blocks.

Structure occupies only some places and frequency bands, mostly low frequencies. Noise, divided by its
standard deviation, has the same spectrum everywhere. A low quantile over blocks is therefore the noise
energy of every band in which at least 5 % of the blocks have no structure. The spectrum of blurred white
noise is fitted to these bands, with the largest weights at high frequencies. Excess energy in low bands is
attributed to structure, unless it is as uniform over the blocks as noise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.noise.blocks import SIDE, Values
from core.noise.correlation import REACH

STEP = 0.02
"""Step of the candidate correlations of neighbouring pixels."""

LEAST, MOST = -0.2, 0.8
"""Range of the candidate correlations of neighbouring pixels."""

_QUIET, _REST = 0.05, 0.25
_EVEN, _CAP = 0.15, 0.25
_STRONG = 0.2
_MOST_UNEVEN, _STRANGEST = 0.3, 0.42
_BANDS = SIDE // 2
_DEEPEST = 1e-5
"""Lower limit of the relative energy of a band after a blur; rounding adds energy below it."""

_FLOORS = (0.0, 0.01, 0.03, 0.1)
"""Candidate fractions of noise added after a blur, such as rounding."""


class Spectrum(NamedTuple):
    """Correlation of noise, and the relation of a high-frequency band to single pixels.

    Attributes
    ----------
    y, x : float
        Correlation of neighbouring pixels along columns (Y) and rows (X).
    variance : float
        Variance of single pixels divided by the mean energy in the upper half of the bands.
    misfit : float
        Root mean square difference of logarithms between the bands and the fitted blur.
    uneven : float
        Fraction of the bands that vary between blocks as structure does, 0 to 1.
    strange : float
        Root mean square difference of logarithms in the other bands.
    """

    y: float
    x: float
    variance: float
    misfit: float
    uneven: float
    strange: float

    @property
    def plausible(self) -> bool:
        """Whether the spectrum is uniform over blocks and fits a blur in low bands, as that of noise."""
        return self.uneven < _MOST_UNEVEN and self.strange < _STRANGEST


def measure_bands(tiles: NDArray[np.floating], variances: Values) -> tuple[Values, Values]:
    """Return the energy of the quietest blocks in every band, relative to the highest band.

    Parameters
    ----------
    tiles : ndarray, shape (N, SIDE, SIDE)
        Pixels of blocks.
    variances : ndarray, shape (N,)
        Values proportional to the variance of each block.

    Returns
    -------
    energies : ndarray, shape (SIDE / 2, SIDE / 2)
        From low to high frequencies along Y and X; the lowest band contains the mean and is not used.
    unevenness : ndarray, shape (SIDE / 2, SIDE / 2)
        Ratio of less quiet to quietest blocks, relative to the highest band; 1 for noise.
    """
    bands = _bands(tiles) / variances[:, None, None].astype(np.float32)
    quiet, rest = np.quantile(bands, (_QUIET, _REST), axis=0).astype(np.float64)
    quiet, rest = (np.maximum(part, 1e-9 * max(float(part[-1, -1]), 1e-30)) for part in (quiet, rest))
    return quiet / quiet[-1, -1], (rest / quiet) / (rest / quiet)[-1, -1]


def upper_energy(tiles: NDArray[np.floating]) -> Values:
    """Return the mean square of every block in the upper half of the bands, shape (N,)."""
    energies: Values = (_bands(tiles).reshape(len(tiles), -1)[:, _upper()].mean(1) / 4).astype(np.float64)
    return energies


def _bands(tiles: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the energy of blocks in every band, shape (N, SIDE / 2, SIDE / 2); 4 for noise of variance 1."""
    wave = _cosines().astype(np.float32)
    waves = np.square(wave @ tiles.astype(np.float32, copy=False) @ wave.T)
    bands: NDArray[np.float32] = waves.reshape(-1, _BANDS, 2, _BANDS, 2).sum((2, 4))
    return bands


def fit_blur(energies: Values, unevenness: Values) -> Spectrum:
    """Fit the spectrum of blurred noise to the bands, allowing for structure."""
    grid, models = _models()
    weight, high = _weights(), _upper()
    seen = np.log(energies).ravel()
    even = np.exp(-np.square(np.maximum(np.log(unevenness).ravel(), 0) / _EVEN))
    even[0] = 0
    off = seen - models
    off -= np.median(off[:, high], axis=1, keepdims=True)  # the scale of the model is free
    cost = np.where(off > 0, np.minimum(off, _CAP) ** 2, 2 * np.square(off)) @ weight
    cost += np.maximum(off - _CAP, 0) ** 2 @ (weight * even)
    uneven = 1 - float(even[1:].mean())
    cost += np.abs(grid) @ np.array([1e-4 + 0.05 * uneven, 1e-4 + 0.05 * uneven, 3 * uneven])
    best = int(np.argmin(cost))
    # measured bands if the correlation is strong and they are uniform, else those of the model
    strong = np.clip(grid[best, :2].max() / _STRONG - 1, 0, 1)
    bands = np.exp(seen - off[best] * (1 - even * strong))
    here, there = _neighbours(bands), _neighbours(np.exp(models[best]))
    y, x = (_shrink(float(one)) for one in grid[best, :2] * (1 - grid[best, 2]) + here - there)
    strange = float(np.sqrt((even * np.square(off[best])).sum() / max(even.sum(), 1e-9)))
    variance = float(bands.mean() / bands[high].mean())
    return Spectrum(y, x, variance, float(np.sqrt(cost[best])), uneven, strange)


def _shrink(correlation: float) -> float:
    """Reduce a correlation by one step, since a network with a too large correlation blurs."""
    return float(np.sign(correlation) * np.clip(abs(correlation) - STEP, 0.0, MOST))


def _neighbours(bands: Values) -> Values:
    """Return the correlation of neighbours along Y and X implied by bands, without edge effects of blocks."""
    wave = np.cos(np.pi * np.arange(SIDE) / SIDE).reshape(-1, 2).mean(1)
    square = bands.reshape(_BANDS, _BANDS) / bands.sum()
    return np.array([square.sum(1) @ wave, square.sum(0) @ wave])


def autocorrelation(y: float, x: float, reach: int = REACH) -> Values:
    """Return the autocorrelation for correlations of neighbours, shape (2 * reach + 1, 2 * reach + 1)."""
    both: Values = np.outer(_line(y, reach), _line(x, reach))
    return both


def _line(neighbours: float, reach: int = REACH) -> Values:
    """Return the autocorrelation along one axis: of a Gaussian blur, or of neighbours only if it is small."""
    distance = np.abs(np.arange(-reach, reach + 1))
    if neighbours <= 0.05:
        return np.where(distance == 0, 1.0, np.where(distance == 1, neighbours, 0.0))
    return np.asarray(neighbours ** np.square(distance, dtype=np.float64))


@lru_cache(maxsize=1)
def _cosines() -> Values:
    """Return the orthonormal cosines of a block, shape (SIDE, SIDE), the constant first."""
    k, at = np.mgrid[:SIDE, :SIDE]
    wave: Values = np.cos(np.pi * k * (2 * at + 1) / (2 * SIDE)) * np.sqrt(2 / SIDE)
    wave[0] /= np.sqrt(2)
    return wave


@lru_cache(maxsize=1)
def _models() -> tuple[Values, Values]:
    """Return candidate correlations and floors (N, 3), and the logarithms of their bands (N, 16)."""
    steps = np.arange(round(LEAST / STEP), round(MOST / STEP) + 1) * STEP
    distance = np.arange(SIDE)[:, None] - np.arange(SIDE)
    powers = []
    for one in steps:
        cover = _line(float(one), SIDE - 1)[SIDE - 1 + distance]
        power = np.maximum(np.einsum("ki,ij,kj->k", _cosines(), cover, _cosines()), 0)
        powers.append(power.reshape(-1, 2).mean(1))
    along = np.array(powers)
    blurred = (along[:, None, :, None] * along[None, :, None, :]).reshape(-1, _BANDS * _BANDS)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    pairs, bands = [], []
    for floor in _FLOORS:
        strong = grid.max(1) >= (0.4 if floor else -1)
        pairs.append(np.column_stack([grid[strong], np.full(strong.sum(), floor)]))
        bands.append(np.maximum((1 - floor) * blurred[strong] + floor, _DEEPEST))
    return np.concatenate(pairs), np.log(np.concatenate(bands))


@lru_cache(maxsize=1)
def _upper() -> NDArray[np.bool_]:
    y, x = np.mgrid[:_BANDS, :_BANDS]
    return np.asarray(((y + x) >= _BANDS).ravel())


@lru_cache(maxsize=1)
def _weights() -> Values:
    y, x = np.mgrid[:_BANDS, :_BANDS]
    weight = 8.0 ** (np.maximum(y, x) - _BANDS + 1).astype(np.float64).ravel()
    weight[0] = 0
    share: Values = weight / weight.sum()
    return share
