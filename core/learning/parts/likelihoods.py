"""Likelihood of noisy pixels under a noise model, for gradients: a table of its logarithm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.learning.data import Normalisation
from core.noise.models import NoiseModel, PoissonGaussian

KNOTS = 160
"""Number of signals in the table of a channel."""

REACH, CELLS = 8.0, 257
"""Largest distance of a noisy pixel from its signal in the table, in standard deviations of the noise, and
the number of distances.
"""

STEEP = 4.0
"""Slope of the logarithm of the density beyond `REACH`; that of a Gaussian would let outliers dominate."""

LEAST = -45.0
"""Smallest logarithm of a density, relative to a standard deviation."""

DIMMEST, BRIGHTEST = 0.02, 1e8
"""Range of signals, in photons, in the table of a noise model without a range."""

QUANTISATION = 1 / math.sqrt(12)
"""Standard deviation, in photons, that stands for steps between photon numbers if there is no read noise."""


class Likelihood:
    """Logarithm of the probability density of noisy pixels, and variance of the noise.

    Any noise model becomes a table over the signal and over the distance of the noisy pixel from it in
    standard deviations. The table is interpolated bilinearly, and the result can be differentiated by the
    signal.

    Parameters
    ----------
    models : sequence of NoiseModel
        Noise model of each channel.
    normalisation : Normalisation
        Units of pixels and signals.
    device : torch.device
        Device of the pixels.
    """

    def __init__(
        self, models: Sequence[NoiseModel], normalisation: Normalisation, device: torch.device
    ) -> None:
        knots, deviations, tables = [], [], []
        for channel, model in enumerate(models):
            level, unit = normalisation.result(channel)
            counts = _knots(model)
            deviation = np.sqrt(np.maximum(model.variance(counts), 1e-30))
            knots.append((counts - level) / unit)
            deviations.append(np.log(deviation / unit))
            tables.append(_table(model, counts, deviation))
        self._knots = torch.tensor(np.stack(knots), dtype=torch.float32, device=device)
        self._deviations = torch.tensor(np.stack(deviations), dtype=torch.float32, device=device)
        self._tables = torch.tensor(np.stack(tables), dtype=torch.float32, device=device)

    def log_deviation(self, signal: Tensor, channel: Tensor) -> Tensor:
        """Return the logarithm of the standard deviation of the noise.

        Parameters
        ----------
        signal : Tensor, shape (N, ...)
            Signals, normalised.
        channel : Tensor, shape (N,)
            Channel of each image.
        """
        place, share = self._place(signal, channel)
        return _mixed(self._deviations, place, share)

    def variance(self, signal: Tensor, channel: Tensor) -> Tensor:
        """Return the variance of the noise; arguments as in `log_deviation`."""
        return torch.exp(2 * self.log_deviation(signal, channel))

    def log_density(self, noisy: Tensor, signal: Tensor, channel: Tensor) -> Tensor:
        """Return the natural logarithm of the density of noisy pixels.

        Parameters
        ----------
        noisy, signal : Tensor, shapes (N, ...) that can be broadcast
            Noisy pixels and signals, normalised.
        channel : Tensor, shape (N,)
            Channel of each image.
        """
        place, share = self._place(signal, channel)
        log_deviation = _mixed(self._deviations, place, share)
        away = (noisy - signal) * torch.exp(-log_deviation)
        cell = (away.clamp(-REACH, REACH) + REACH) * ((CELLS - 1) / (2 * REACH))
        left = cell.detach().floor().clamp(max=CELLS - 2)
        part = cell - left
        at = place * CELLS + left.long()
        table = self._tables.flatten()
        near = torch.lerp(table[at], table[at + 1], part)
        far = torch.lerp(table[at + CELLS], table[at + CELLS + 1], part)
        beyond = (away.abs() - REACH).clamp(min=0.0)
        return torch.lerp(near, far, share) - log_deviation - STEEP * beyond

    def _place(self, signal: Tensor, channel: Tensor) -> tuple[Tensor, Tensor]:
        """Return the index of the knot below each signal among those of all channels, and the rest."""
        shape = (-1, *(1,) * (signal.ndim - 1))
        known = self._knots[channel]
        above = torch.searchsorted(known, signal.detach().flatten(1).contiguous()).clamp(1, KNOTS - 1)
        place = (above - 1).reshape(signal.shape) + channel.reshape(shape) * KNOTS
        knots = self._knots.flatten()
        low, high = knots[place], knots[place + 1]
        return place, ((signal - low) / (high - low)).clamp(0.0, 1.0)


def _mixed(values: Tensor, place: Tensor, share: Tensor) -> Tensor:
    flat = values.flatten()
    return torch.lerp(flat[place], flat[place + 1], share)


def _knots(model: NoiseModel) -> NDArray[np.float64]:
    """Return the signals of the table of a model, in counts, ascending."""
    low, high = model.span
    stabiliser = model.stabiliser()
    if not (math.isfinite(low) and math.isfinite(high)):
        if stabiliser.constant_only:
            return np.linspace(-1.0, 1.0, KNOTS) * stabiliser.unit
        photons = np.concatenate([[0.0], np.geomspace(DIMMEST, BRIGHTEST, KNOTS - 1)])
        return np.asarray(stabiliser.zero + stabiliser.unit * photons)
    high = max(high, low + 1e-6 * max(abs(low), stabiliser.unit))
    even = np.linspace(low, high, KNOTS)
    first, last = (float(value) for value in stabiliser.forward([low, high]))
    if stabiliser.constant_only or not last > first:
        return even
    found = np.unique(stabiliser.inverse(np.linspace(first, last, KNOTS)))
    return found if len(found) == KNOTS else even


def _table(
    model: NoiseModel, counts: NDArray[np.float64], deviation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the logarithm of the density times the standard deviation, (KNOTS, CELLS)."""
    if isinstance(model, PoissonGaussian) and model.gain:
        least = (QUANTISATION * model.gain) ** 2
        model = replace(model, floor=max(model.floor, least), constant=model.constant)
    away = np.linspace(-REACH, REACH, CELLS)
    noisy = counts[:, None] + deviation[:, None] * away
    with np.errstate(divide="ignore"):
        found = model.log_likelihood(noisy, np.broadcast_to(counts[:, None], noisy.shape))
    return np.maximum(found + np.log(deviation)[:, None], LEAST)
