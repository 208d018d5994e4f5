"""Fit noise variance as a linear function of mean intensity, from blocks that may contain structure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.noise.blocks import SIDE, Blocks, Values

LEAST = 30
"""Minimum number of blocks for a fit."""

_OUTLIER = 5.0
_ROUNDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A fitted line ``slope * mean + constant`` with its standard errors.

    Attributes
    ----------
    slope, constant : float
        Slope in counts, and constant in counts squared.
    slope_error, constant_error : float
        Standard errors, from the scatter of the blocks about the line.
    attenuation : float
        Fraction by which the noise of the block means attenuates the slope, if `mean` is the instrument.
    structure : float
        Fraction of the total energy that the line does not explain.
    flat : bool
        Whether only blocks without structure were used.
    brightest : float
        Mean intensity of the brightest blocks without structure, in counts.
    """

    slope: float
    constant: float
    slope_error: float
    constant_error: float
    attenuation: float
    structure: float
    flat: bool
    brightest: float


def fit(blocks: Blocks, *, limit: float) -> Line | None:
    """Fit variance over mean to flat blocks, or to all blocks with a structure term if too few are flat.

    Parameters
    ----------
    blocks : Blocks
        At least `LEAST` blocks.
    limit : float
        A block contains structure if its energy in the structure band exceeds `limit` times the noise.

    Returns
    -------
    Line or None
        None if too few blocks remain.
    """
    if len(blocks.energy) < LEAST:
        return None
    flat = _solve(blocks, limit, flat=True)
    if flat is not None and flat.slope_error < 0.06 * abs(flat.slope):
        return flat
    full = _solve(blocks, limit, flat=False)
    if flat is not None and (full is None or flat.slope_error < 1.5 * full.slope_error):
        return flat
    return full


def rough_variances(blocks: Blocks) -> Values:
    """Return values roughly proportional to the variance of each block, from lower quartiles of energies."""
    slope, constant, least = _start(blocks)
    return np.maximum(slope * blocks.instrument + constant, least)


def _solve(blocks: Blocks, limit: float, *, flat: bool) -> Line | None:
    """Fit by weighted two-stage least squares; weights, outliers and structure are updated iteratively.

    The noise of the instrument is independent. Therefore noise of the mean does not attenuate the slope, and
    photon noise, which increases mean and energy of a block together, does not increase it.
    """
    energy, mean, instrument, other = blocks
    slope, constant, least = _start(blocks)
    leak, cover = 0.0, np.full((2, 2), np.inf)
    weight, keep = np.ones_like(mean), np.ones(len(mean), bool)
    for _ in range(_ROUNDS):
        expected = np.maximum(slope * instrument + constant, least)
        structure = np.where(other > limit * expected, other, 0.0)
        keep = energy < _OUTLIER * expected + 4 * leak * structure
        if flat:
            keep &= structure == 0
            weight = 1 / np.square(expected)
        else:
            weight = 1 / np.square(expected + 3 * max(leak, 1e-3) * structure)
        if keep.sum() < LEAST:
            return None
        with_leak = not flat and int((structure[keep] > 0).sum()) >= LEAST
        found, cover = _regress(energy, mean, instrument, structure if with_leak else None, weight, keep)
        former = slope, leak
        slope, constant = float(found[0]), float(found[1])
        leak = max(float(found[2]), 0.0) if with_leak else 0.0
        if abs(slope - former[0]) < 2e-3 * abs(slope) and abs(leak - former[1]) <= 1e-2 * leak:
            break
    even = keep & (structure == 0)
    share = weight[keep] / weight[keep].sum()
    # sums instead of dot products, for which a linear algebra library would start all its threads
    centre = (share * mean[keep]).sum()
    spread = float((share * np.square(mean[keep] - centre)).sum())
    noise = float((share * energy[keep]).sum()) / SIDE**2
    explained = np.maximum(slope * mean + constant, 0.0).sum()
    return Line(
        slope=slope,
        constant=constant,
        slope_error=float(np.sqrt(cover[0, 0])),
        constant_error=float(np.sqrt(cover[1, 1])),
        attenuation=noise / spread if spread > 0 else np.inf,
        structure=float(np.clip(1 - explained / max(float(energy.sum()), 1e-300), 0, 1)),
        flat=flat,
        brightest=float(np.quantile(mean[even], 0.995)) if even.any() else float(mean.min()),
    )


def _start(blocks: Blocks) -> tuple[float, float, float]:
    """Return a line through the lower quartiles of intensity bins, and the smallest plausible variance."""
    order = np.argsort(blocks.instrument)
    bins = np.array_split(order, int(np.clip(len(order) // 100, 3, 32)))
    means = np.array([blocks.mean[i].mean() for i in bins])
    low = np.array([np.quantile(blocks.energy[i], 0.25) for i in bins])
    weight = 1 / np.maximum(low, 0.02 * max(low.max(), 1e-30))
    columns = np.stack([means, np.ones_like(means)], 1) * weight[:, None]
    slope, constant = np.linalg.lstsq(columns, low * weight, rcond=None)[0]
    least = max(0.02 * float(np.median(low)), 1e-8 * float(np.var(blocks.mean)), 1e-30)
    return float(slope), float(constant), least


def _regress(
    energy: Values,
    mean: Values,
    instrument: Values,
    structure: Values | None,
    weight: Values,
    keep: NDArray[np.bool_],
) -> tuple[Values, Values]:
    """Return the coefficients of mean, 1 and structure, and their heteroscedasticity-robust covariance."""
    # centred and scaled, in all columns: squares of counts of different size would lose precision
    size = 1.0 if structure is None else float(structure[keep].mean())
    more = [] if structure is None else [structure[keep] / size]
    centre, scale = float(mean[keep].mean()), float(mean[keep].std()) or 1.0
    ones = np.ones(int(keep.sum()))
    rows = np.stack([(mean[keep] - centre) / scale, ones, *more], 1)
    tools = np.stack([(instrument[keep] - centre) / scale, ones, *more], 1)
    weight = weight[keep] / weight[keep].mean()
    weighted = (tools * weight[:, None]).T
    # einsum, since a linear algebra library would start all its threads
    inverse = np.linalg.pinv(np.einsum("in,nj->ij", weighted, rows))
    found = inverse @ np.einsum("in,n->i", weighted, energy[keep])
    scatter = weighted * (energy[keep] - np.einsum("nj,j->n", rows, found))
    cover = inverse @ np.einsum("in,jn->ij", scatter, scatter) @ inverse.T
    back = np.eye(len(found))
    back[0, 0], back[1, 0] = 1 / scale, -centre / scale
    if structure is not None:
        back[2, 2] = 1 / size
    return back @ found, back @ cover @ back.T
