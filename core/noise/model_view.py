"""Noise models beside the noise that was measured, for plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.noise.models import NoiseModel, Values
from core.noise.pairs import Levels, cell_centres

POINTS = 200
"""Number of points of the line of a model."""

SLICES = 3
"""Number of signals at which distributions are compared."""

FAR = 4.5
"""Distributions are compared up to this many standard deviations."""

MERGED = 2
"""Number of neighbouring histogram cells that are merged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """Distribution of the noise at one signal.

    Attributes
    ----------
    signal : float
        Signal in counts.
    residual : ndarray, shape (N,)
        Differences of noisy pixels from the signal, in counts; centres of histogram cells.
    measured, modelled : ndarray, shape (N,)
        Probability densities, per count.
    """

    signal: float
    residual: Values
    measured: Values
    modelled: Values


def line(model: NoiseModel, low: float, high: float) -> tuple[Values, Values]:
    """Return signals from `low` to `high`, in counts, and the standard deviation of a model there."""
    signal = np.linspace(low, high, POINTS)
    return signal, np.sqrt(model.variance(signal))


def slices(model: NoiseModel, levels: Levels, *, count: int = SLICES) -> Sequence[Slice]:
    """Compare the distribution of a model with the measured one at some levels of the signal.

    Parameters
    ----------
    model : NoiseModel
        Noise model.
    levels : Levels
        Measured noise.
    count : int
        Number of levels, from the dimmest to the brightest.
    """
    last = len(levels.signal) - 1
    chosen = sorted({round(place) for place in np.linspace(0.1 * last, 0.9 * last, count)})
    centres = cell_centres()
    # an even number of cells around the centre, so that none is split
    near = np.flatnonzero(np.abs(centres) <= FAR)
    near = near[: len(near) // MERGED * MERGED]
    width = float(centres[1] - centres[0])
    found = []
    for level in chosen:
        signal, deviation = float(levels.signal[level]), float(np.sqrt(levels.variance[level]))
        share = levels.cells[level] / max(levels.cells[level].sum(), 1.0)
        residual = centres[near] * deviation
        density = np.exp(model.log_likelihood(signal + residual, signal))
        found.append(
            Slice(
                signal=signal,
                residual=residual.reshape(-1, MERGED).mean(1),
                measured=(share[near] / (width * deviation)).reshape(-1, MERGED).mean(1),
                modelled=density.reshape(-1, MERGED).mean(1),
            )
        )
    return tuple(found)
