"""Fit noise models to pairs of signal and noisy pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

from core.noise.histogram import LEVEL_PRIOR, Histogram, fit_line
from core.noise.mixture import LEAST_PART, GaussianMixture
from core.noise.models import NoiseModel, PoissonGaussian, Values
from core.noise.pairs import FARTHEST, Levels, cell_centres

ModelKind = Literal["mixture", "histogram", "poisson-gaussian"]

COMPONENTS, DEGREE = 3, 2
"""Number of Gaussians of a mixture, and degree of their polynomials, as in PN2V."""

_SPREAD = (0.6, 1.0, 1.8)
"""Initial variances of the components, relative to that of the noise."""

_STEPS = 300
"""Maximum number of iterations of the fit of a mixture."""


def fit(kind: ModelKind, levels: Levels) -> NoiseModel:
    """Fit a noise model of a kind.

    Parameters
    ----------
    kind : {"mixture", "histogram", "poisson-gaussian"}
        Kind of the model.
    levels : Levels
        Noise at several levels of the signal.
    """
    return FITS[kind](levels)


def fit_poisson_gaussian(levels: Levels) -> PoissonGaussian:
    """Fit the straight line of photon noise to the variances."""
    return fit_line(levels.signal, levels.variance, levels.pairs)


def fit_histogram(levels: Levels) -> Histogram:
    """Make a histogram model; levels with few pairs resemble the histogram of all."""
    everything = levels.cells.sum(0) / levels.cells.sum()
    cells = levels.cells + LEVEL_PRIOR * everything
    density = cells / (cells.sum(1, keepdims=True) * 2 * FARTHEST / cells.shape[1])
    return Histogram(
        signal=levels.signal, variances=levels.variance, density=density, reach=FARTHEST,
        span=(levels.low, levels.high),
    )  # fmt: skip


def fit_mixture(levels: Levels) -> GaussianMixture:
    """Fit a mixture of Gaussians by maximum likelihood.

    The quasi-Newton method of `scipy.optimize` maximises the likelihood of the histogram cells, beginning
    with Gaussians on the straight line of photon noise.
    """
    from scipy.optimize import minimize

    low, high = levels.low, levels.high
    unit = float(np.sqrt(levels.variance.max()))
    powers = np.vander(
        np.clip((levels.signal - low) / max(high - low, 1e-30), 0, 1), DEGREE + 1, increasing=True
    )
    residual = (np.sqrt(levels.variance)[:, None] * cell_centres() / unit)[None]
    counts = levels.cells / levels.cells.sum()
    line = fit_line(levels.signal, levels.variance, levels.pairs)
    ends = line.variance(np.array([low, high])) / unit**2
    start = np.zeros((3, COMPONENTS, DEGREE + 1))
    start[1, :, 0] = 0.1 * float(np.sqrt(ends[0])) * np.linspace(-1, 1, COMPONENTS)
    start[2, :, 0], start[2, :, 1] = np.outer((ends[0], ends[1] - ends[0]), _SPREAD)

    def cost(flat: Values) -> tuple[float, Values]:
        value, gradient = _likelihood(flat.reshape(start.shape), powers, residual, counts)
        return -value, -gradient.ravel()

    # L-BFGS stops at a likelihood that no longer rises by more than rounding errors
    found = minimize(cost, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    logits, shifts, variances = found.x.reshape(start.shape)
    return GaussianMixture(
        logits=logits, shifts=shifts * unit, variances=variances * unit**2, least=LEAST_PART * unit**2,
        span=(low, high),
    )  # fmt: skip


def _likelihood(
    coefficients: Values, powers: Values, residual: Values, counts: Values
) -> tuple[float, Values]:
    """Return the mean log-likelihood of histogram cells, and its gradient.

    Parameters
    ----------
    coefficients : ndarray, shape (3, components, powers)
        Logits, shifts and variances, in units of the largest deviation.
    powers : ndarray, shape (levels, powers)
        Powers of the relative signal.
    residual : ndarray, shape (1, levels, cells)
        Residuals.
    counts : ndarray, shape (levels, cells)
        Fractions of all pairs.
    """
    logits, shifts, raw = np.einsum("pkd,ld->pkl", coefficients, powers)
    weights = np.exp(logits - logits.max(0))
    weights /= weights.sum(0)
    centre = (weights * shifts).sum(0)
    variances = np.maximum(raw, LEAST_PART)[..., None]
    away = residual - (shifts - centre)[..., None]
    terms = np.log(weights + 1e-300)[..., None] - 0.5 * (
        np.square(away) / variances + np.log(2 * np.pi * variances)
    )
    total = np.logaddexp.reduce(terms, 0)
    share = np.exp(terms - total) * counts
    pull = (share * away / variances).sum(-1)
    everything = pull.sum(0)
    by_logit = share.sum(-1) - weights * counts.sum(-1) - everything * weights * (shifts - centre)
    by_shift = pull - weights * everything
    by_variance = (share * (np.square(away) - variances) / (2 * np.square(variances))).sum(-1)
    by_variance = np.where(raw > LEAST_PART, by_variance, np.maximum(by_variance, 0.0))
    gradient = np.einsum("pkl,ld->pkd", np.stack([by_logit, by_shift, by_variance]), powers)
    return float((total * counts).sum()), gradient


FITS: Mapping[ModelKind, Callable[[Levels], NoiseModel]] = MappingProxyType(
    {"mixture": fit_mixture, "histogram": fit_histogram, "poisson-gaussian": fit_poisson_gaussian}
)
"""Function that fits each kind of noise model."""
