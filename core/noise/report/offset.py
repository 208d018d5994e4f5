"""Estimate the camera offset from the skewness of the noise.

Photon noise is skewed and read noise is not: the third cumulant of the noise is ``gain**2 * (mean - offset)``
and vanishes at the offset. The variance alone gives only the variance of the read noise minus gain times
offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.noise.blocks import SIDE, block_means
from core.noise.models import PoissonGaussian

LEAST = 30
"""Minimum number of blocks."""

OUTLIER = 10.0
"""Deviation of a pixel, in standard deviations and in photons, from which on its block is not used."""

EVEN = 1.3
"""Variance of the means of 3 x 3 pixels within a block, relative to noise, above which it has structure."""

UNLIKE = 0.08
"""Difference of the skewness from that of photons, relative to it, above which its value is used."""

MOST = 1.5
"""Largest skewness of a detector, relative to that of photons: of exponentially distributed pulses."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """Counts without light, with their standard error.

    Attributes
    ----------
    value, error : float
        Offset and its standard error, in counts.
    skewness : float
        Third cumulant relative to that of photons: 1 for a camera, 1.5 for an EMCCD.
    skewed : float
        Amount by which the offset is larger if the skewness is `MOST`, in counts; 0 if it was measured.
    """

    value: float
    error: float
    skewness: float = 1.0
    skewed: float = 0.0


def from_frames(frames: Values, usable: NDArray[np.bool_], model: PoissonGaussian) -> Offset | None:
    """Estimate the offset from frames of a static scene with independent noise.

    Parameters
    ----------
    frames : ndarray, shape (T, Y, X)
        Three or more frames, in counts.
    usable : ndarray, shape (Y, X), bool
        Pixels that are finite and not clipped in all frames.
    model : PoissonGaussian
        Noise of a single frame, with a gain.

    Returns
    -------
    Offset or None
        None if too few blocks are usable.
    """
    count = len(frames)
    mean = frames.mean(axis=0)
    level = mean - mean.mean()
    energy = max(float(np.square(level).mean()), 1e-300)
    residuals = frames - mean
    for residual in residuals:  # without flicker and bleaching
        residual -= residual.mean()
        residual -= float((residual * level).mean()) / energy * level
    third = (1 - 1 / count) ** 3 - (count - 1) / count**3
    return _solve(residuals, mean, usable, model, factors=(1 - 1 / count, third), free=True)


def from_plane(plane: Values, usable: NDArray[np.bool_], model: PoissonGaussian) -> Offset | None:
    """Estimate the offset from the blocks of a plane (Y, X) without structure; see `from_frames`.

    The residual is the difference between a pixel and the mean of its eight neighbours. The skewness is
    assumed to be that of photons.
    """
    smooth = _mean_of_nine(plane)
    inner = plane[1:-1, 1:-1]
    usable = usable[1:-1, 1:-1] & _even(smooth, model)
    residual = 9 / 8 * (inner - smooth)
    return _solve(residual[None], inner, usable, model, factors=(1 + 8 / 64, 1 - 8 / 512), free=False)


def _solve(
    residuals: Values,
    mean: Values,
    usable: NDArray[np.bool_],
    model: PoissonGaussian,
    *,
    factors: tuple[float, float],
    free: bool,
) -> Offset | None:
    """Fit the third cumulant over the mean of blocks, both in photons.

    Parameters
    ----------
    residuals, mean, usable : ndarray
        Residuals (T, Y, X), mean (Y, X) and usable pixels (Y, X).
    model : PoissonGaussian
        Noise of a single frame.
    factors : (float, float)
        Variance and third cumulant of the residuals, for pixels with unit cumulants.
    free : bool
        Whether to measure the skewness.
    """
    gain, (second, third) = model.gain, factors
    rows, columns = (slice(n // SIDE * SIDE) for n in mean.shape)
    mean, usable = mean[rows, columns], usable[rows, columns]
    residuals = residuals[:, rows, columns] / gain
    variance = model.variance(mean) / gain**2
    far = (np.abs(residuals) > OUTLIER * (np.sqrt(variance) + 1)).any(axis=0)
    good = block_means((~usable | far).astype(np.float32)).ravel() == 0
    if good.sum() < LEAST:
        return None
    cubes = block_means(np.power(residuals, 3).mean(axis=0)).ravel()[good] / third
    levels = block_means(mean).ravel()[good] / gain
    centre = float(levels.mean())
    levels -= centre
    known = np.maximum(model.variance((levels + centre) * gain) / gain**2, 1e-12)
    photons = np.clip(levels - levels.min(), 0.0, known)  # at most; enough for weights
    spread = photons + 9 * photons * known + 9 * np.square(photons) + 6 * known**3
    weight = len(residuals) * SIDE**2 * third**2 / second**3 / spread
    total = float(weight.sum())
    zero = float((weight * (levels - cubes)).sum()) / total
    bright = float((weight * levels).sum()) / total
    error = 1 / np.sqrt(total)
    if not free:
        skewed = max((1 - 1 / MOST) * (bright - zero), 0.0)
        return Offset(value=(centre + zero) * gain, error=error * gain, skewed=skewed * gain)
    found = Offset(value=(centre + zero) * gain, error=error * gain)
    scatter = float((weight * np.square(levels - bright)).sum())
    slope = float((weight * (levels - bright) * cubes).sum()) / max(scatter, 1e-300)
    error = 1 / np.sqrt(max(scatter, 1e-300))
    if abs(slope - 1) <= max(4 * error, UNLIKE) or slope < 0.3:
        return found
    above = float((weight * cubes).sum()) / total / slope
    uncertain = np.hypot(1 / np.sqrt(total), above * error) / slope
    return Offset(value=(centre + bright - above) * gain, error=uncertain * gain, skewness=slope)


def _mean_of_nine(plane: Values) -> Values:
    """Return the mean of 3 x 3 pixels, without the border."""
    rows = plane[:-2] + plane[1:-1] + plane[2:]
    smooth: Values = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return smooth


def _even(smooth: Values, model: PoissonGaussian) -> NDArray[np.bool_]:
    """Return the pixels of blocks in which means of 3 x 3 pixels vary no more than noise."""
    rows, columns = (n // SIDE * SIDE for n in smooth.shape)
    blocks = smooth[:rows, :columns].reshape(rows // SIDE, SIDE, columns // SIDE, SIDE)
    even = blocks.var(axis=(1, 3)) < EVEN / 9 * model.variance(blocks.mean(axis=(1, 3)))
    whole = np.zeros(smooth.shape, bool)
    whole[:rows, :columns] = even.repeat(SIDE, 0).repeat(SIDE, 1)
    return whole
