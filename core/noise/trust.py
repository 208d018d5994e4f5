"""Plausibility of a line or a correlation, and the resulting noise estimate."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from core.findings import Finding, kinds
from core.noise.blocks import Blocks, Values
from core.noise.correlation import REACH
from core.noise.line import Line
from core.noise.models import PoissonGaussian
from core.noise.noise_estimate import NoiseEstimate

WHITE = np.zeros((2 * REACH + 1, 2 * REACH + 1))
WHITE[REACH, REACH] = 1.0
WHITE.setflags(write=False)
"""Autocorrelation of independent pixels; read-only."""

_UNCERTAIN = 0.25
"""Maximum relative error of the variance due to the error of the gain, within the intensity range."""

_STRUCTURED = 0.5
"""Maximum fraction of the energy that is structure."""

_STEEPEST, _SLOWEST = 0.68, 0.38
# Blurred structure and correlated noise are distinguished by the decay of the autocorrelation. In real images
# that of noise was at most 0.59 for neighbours and 0.33 of this value at the next distance; that of structure
# in otherwise flat blocks was at least 0.5 of it at the next distance.


def remove_negative_slope(line: Line, blocks: Blocks) -> Line:
    """Convert a line without positive slope to constant noise."""
    if line.slope >= 0:
        return line
    level = float(blocks.energy[blocks.energy <= 5 * np.median(blocks.energy)].mean())
    return replace(line, slope=0.0, constant=level)


def expected_variance(line: Line, means: Values, energies: Values) -> Values:
    """Return the variance on the line at some means; at least a fiftieth of the median energy."""
    least = max(0.02 * float(np.median(energies)), 1e-30)
    return np.maximum(line.slope * means + line.constant, least)


def is_smooth(patch: Values, least: float) -> bool:
    """Whether an autocorrelation of at least `least` decays as slowly as that of blurred structure."""
    one, two = patch[3, 4] + patch[4, 3], patch[3, 5] + patch[5, 3]
    return bool(one > least and (one > 2 * _STEEPEST or two > _SLOWEST * one))


def make_estimate(
    line: Line, blocks: Blocks, scale: float, patch: Values, method: Literal["plane", "frames"]
) -> NoiseEstimate:
    """Return the noise estimate of a line whose variances are multiplied by `scale`."""
    dark = float(np.quantile(blocks.mean, 0.01))
    darkest = blocks.mean <= np.quantile(blocks.mean, 0.03)
    usual = float(np.median(expected_variance(line, blocks.mean, blocks.energy)))
    floor = min(float(np.median(blocks.energy[darkest])), usual) * scale
    problem = None
    uncertain = line.slope_error * float(blocks.mean.std())
    if uncertain > _UNCERTAIN * usual:
        problem = Finding(kind=kinds.NOISE_EVEN_BRIGHTNESS, value=uncertain / usual, limit=_UNCERTAIN)
    elif not line.flat and line.structure > _STRUCTURED:
        problem = Finding(kind=kinds.NOISE_STRUCTURE, value=line.structure, limit=_STRUCTURED)
    return NoiseEstimate(
        model=PoissonGaussian(gain=line.slope * scale, constant=line.constant * scale, floor=floor),
        dark=dark,
        gain_error=line.slope_error * scale,
        constant_error=line.constant_error * scale,
        mean=float(blocks.mean.mean()),
        autocorrelation=patch,
        structure=line.structure,
        method=method,
        problem=problem,
    )
