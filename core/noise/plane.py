"""Noise of one plane, whose structure has to be told from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.noise.blocks import Blocks, Plane, Values, chessboard_band, high_band, interior, tiles
from core.noise.correlation import REACH, autocovariance, detrended, flattest
from core.noise.evidence import STRUCTURED, WHITE, expected, physical, result, smooth
from core.noise.line import Line, fit
from core.noise.model import NoiseEstimate


def from_plane(plane: Plane, usable: NDArray[np.bool_]) -> NoiseEstimate:
    """Estimate from blocks in a band of high frequencies, `usable` of them."""
    everywhere = high_band(plane)
    # cut out or padded: blocks without any variation at one and the same value
    empty = (everywhere.energy == 0) & (everywhere.structure == 0)
    if empty.any():
        values, counts = np.unique(everywhere.mean[empty], return_counts=True)
        usable = usable & ~(empty & (everywhere.mean == values[counts.argmax()]))
    high, chess = everywhere.select(usable), chessboard_band(plane).select(np.concatenate([usable, usable]))
    line = fit(high, limit=1.7)
    if line is None:
        return _unknown(everywhere)
    if line.attenuation > 0.01:
        other = fit(chess, limit=1.6)
        if other is not None and _better(other, line):
            line = other
    line = physical(line, high)
    pixels = tiles(interior(plane))[usable]
    chosen = flattest(pixels, high.mean)
    weights = 1 / expected(line, high.mean[chosen], high.energy)
    scale, patch = _correlation(pixels[chosen], weights)
    found = result(line, high, scale, patch, "plane")
    lower = chess.energy.reshape(2, -1).mean(axis=0)[chosen]
    if not found.problem and patch is WHITE and lower @ weights > 1.5 * (high.energy[chosen] @ weights):
        return replace(found, problem=STRUCTURED)
    return found


def _better(unbiased: Line, flattened: Line) -> bool:
    """Whether the line with an instrument, whose band holds more structure, is to be preferred."""
    attenuation = min(flattened.attenuation, 0.5)
    error = unbiased.slope_error * (1 if unbiased.flat else 2)
    if error >= np.hypot(flattened.slope_error, attenuation * abs(flattened.slope)):
        return False
    # where noise cannot explain that one line is so much steeper than the other, structure does
    steepest = flattened.slope / (1 - attenuation) + 3 * np.hypot(flattened.slope_error, unbiased.slope_error)
    return flattened.attenuation > 0.3 or unbiased.slope <= steepest


def _correlation(pixels: NDArray[np.float32], weights: Values) -> tuple[float, Values]:
    """Variance of single pixels over the expected one, and the autocorrelation; 1 and white if unsure."""
    covariance = autocovariance(detrended(pixels.astype(np.float64)), weights)
    scale = float(covariance[REACH, REACH])
    if scale <= 0:
        return 1.0, WHITE
    patch = covariance / scale
    if smooth(patch, 0.1):
        return 1.0, WHITE
    nearest = max(abs(patch[3, 4]), abs(patch[4, 3]))
    return (scale if nearest > 0.05 else 1.0), patch


def _unknown(blocks: Blocks) -> NoiseEstimate:
    """Take the noise for constant, where too few blocks are left for a line."""
    level = float(np.median(blocks.energy))
    mean = float(blocks.mean.mean())
    problem = "There are too few pixels that vary and are not saturated to measure the noise."
    return NoiseEstimate(
        gain=0.0, constant=level, floor=level, dark=float(blocks.mean.min()), gain_error=np.inf,
        constant_error=np.inf, mean=mean, autocorrelation=WHITE, problem=problem,
    )  # fmt: skip
