"""Estimate the noise of a single plane, separating it from structure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, kinds
from core.noise.blocks import SIDE, Blocks, Plane, Values, chessboard_band, high_band, interior, tiles
from core.noise.correlation import REACH
from core.noise.line import LEAST, Line, fit, rough_variances
from core.noise.models import PoissonGaussian
from core.noise.noise_estimate import NoiseEstimate
from core.noise.spectrum import autocorrelation, fit_blur, measure_bands, upper_energy
from core.noise.trust import WHITE, expected_variance, make_estimate, remove_negative_slope

ENOUGH = 4096
"""Approximate minimum number of blocks of large images for the correlation."""
_QUIET = 0.05
"""Quantile of blocks that contain only noise."""
_EVEN = 1.3
"""Largest ratio of energy to noise in the structure band of a flat block, for correlated noise."""
_MISFIT = 0.15
"""Misfit of a spectrum exceeded by 2 % of simulated images whose noise is estimated within a fifth."""
_CORRELATED = 0.12
"""Correlation below which its effect on the variance, a few percent, is neglected."""

_FARTHEST = 4.0
"""How far a line is extrapolated beyond its blocks, relative to their range."""


def from_plane(plane: Plane, usable: NDArray[np.bool_]) -> NoiseEstimate:
    """Estimate noise from the `usable` blocks, in a band of high frequencies."""
    everywhere = high_band(plane)
    # cropped or padded regions: constant blocks that all have one value
    empty = (everywhere.energy == 0) & (everywhere.structure == 0)
    if empty.any():
        values, counts = np.unique(everywhere.mean[empty], return_counts=True)
        usable = usable & ~(empty & (everywhere.mean == values[counts.argmax()]))
    high, chess = everywhere.select(usable), chessboard_band(plane).select(np.concatenate([usable, usable]))
    if len(high.energy) < LEAST:
        return _unknown(everywhere)
    pixels = tiles(interior(plane))[usable]
    some = slice(None, None, max(1, len(pixels) // ENOUGH))
    spectrum = fit_blur(*measure_bands(pixels[some], rough_variances(high)[some]))
    correlated = max(abs(spectrum.y), abs(spectrum.x)) >= _CORRELATED
    doubtful = spectrum.misfit > _MISFIT or (correlated and not spectrum.plausible)
    correlated &= spectrum.plausible
    small = max(abs(spectrum.y), abs(spectrum.x)) < _CORRELATED
    patch = autocorrelation(spectrum.y, spectrum.x) if correlated or small else WHITE
    if correlated:  # correlated noise is weak in the highest band, and stronger in the structure band
        high = high._replace(energy=upper_energy(pixels))
        high = high._replace(structure=high.structure / _lower(high))
    line = fit(high, limit=_EVEN if correlated else 1.7)
    if line is None:
        return _unknown(everywhere)
    if line.attenuation > 0.01 and not correlated:
        other = fit(chess, limit=1.6)
        if other is not None and _better(other, line):
            line = other
    line = remove_negative_slope(line, high)
    scale = min(spectrum.variance, _most(pixels, line, high, patch)) if correlated else 1.0
    found = make_estimate(line, high, scale, patch, "plane")
    if found.problem is not None:
        return found
    if doubtful:
        odd = Finding(kind=kinds.NOISE_SPECTRUM, value=spectrum.misfit, limit=_MISFIT)
        problem = odd if spectrum.misfit > _MISFIT else Finding(kind=kinds.NOISE_STRUCTURE)
        return replace(found, problem=problem)
    return replace(found, problem=_extrapolated(pixels, line, high, found))


def _extrapolated(
    pixels: NDArray[np.float32], line: Line, high: Blocks, found: NoiseEstimate
) -> Finding | None:
    """Return a finding if pixels are far brighter than all blocks of the fit."""
    bright = float(np.quantile(pixels.max((1, 2)), 0.98))
    dark = float(np.median(high.mean))
    reach = max(line.brightest - dark + 6 * float(np.sqrt(found.model.variance(line.brightest))), 0.0)
    if not bright - dark > _FARTHEST * reach:
        return None
    ratio = (bright - dark) / reach if reach else np.inf
    return Finding(kind=kinds.NOISE_EXTRAPOLATED, value=ratio, limit=_FARTHEST)


def _better(unbiased: Line, flattened: Line) -> bool:
    """Whether the unbiased line (with an instrument, but more structure in its band) is preferable."""
    attenuation = min(flattened.attenuation, 0.5)
    error = unbiased.slope_error * (1 if unbiased.flat else 2)
    if error >= np.hypot(flattened.slope_error, attenuation * abs(flattened.slope)):
        return False
    # a steeper slope than noise explains is caused by structure
    steepest = flattened.slope / (1 - attenuation) + 3 * np.hypot(flattened.slope_error, unbiased.slope_error)
    return flattened.attenuation > 0.3 or unbiased.slope <= steepest


def _lower(high: Blocks) -> float:
    """Return the ratio of noise in the structure band to noise in the measured band, at least 1."""
    variances = rough_variances(high)
    quiet, lower = (np.quantile(part / variances, _QUIET) for part in (high.energy, high.structure))
    return float(max(1.0, lower / max(quiet, 1e-30)))


def _most(pixels: NDArray[np.float32], line: Line, high: Blocks, patch: Values) -> float:
    """Return the largest plausible ratio of noise variance to the line: that of the quieter whole blocks."""
    variances = pixels.var((1, 2), dtype=np.float64) / expected_variance(line, high.mean, high.energy)
    overlap = SIDE - np.abs(np.arange(-REACH, REACH + 1))
    kept = 1 - float((patch * np.outer(overlap, overlap)).sum()) / SIDE**4  # without the mean of a block
    return float(np.quantile(variances, 0.25)) / (0.85 * kept)


def _unknown(blocks: Blocks) -> NoiseEstimate:
    """Return a constant-variance estimate, for too few blocks to fit a line."""
    level = float(np.median(blocks.energy))
    mean = float(blocks.mean.mean())
    return NoiseEstimate(
        model=PoissonGaussian(gain=0.0, constant=level, floor=level), dark=float(blocks.mean.min()),
        gain_error=np.inf, constant_error=np.inf, mean=mean, autocorrelation=WHITE,
        problem=Finding(kind=kinds.NOISE_TOO_FEW_PIXELS),
    )  # fmt: skip
