"""Variance of the noise over mean intensity, with the fitted line and its confidence band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.noise.blocks import MARGIN, SIDE, Blocks, block_means, chessboard_band, halves, interior
from core.noise.noise_estimate import NoiseEstimate
from core.noise.report.samples import Samples, usable

BINS = 24
"""Maximum number of points of the curve."""

LEAST = 12
"""Minimum number of half blocks of a point."""

OUTLIER = 5.0
"""Energy of a half block, relative to the line, above which it contains structure."""

STRUCTURE = 1.6
"""Energy of the other half of a block, relative to the line, above which it contains structure."""

SIGMAS = 2.0
"""Half width of the confidence band and of error bars, in standard errors."""

CORRELATED = 0.12
"""Correlation above which the energy of a band is scaled to the variance of single pixels."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Measured variances and a fitted straight line.

    Attributes
    ----------
    means, variances : tuple of float
        Points: mean intensity in counts, and variance in counts squared, in the order of the means.
    errors : tuple of float
        Half widths of the 95 % intervals of the variances.
    slope, constant : float
        Line ``slope * mean + constant``.
    low, high : tuple of float
        95 % confidence band of the line at `means`.
    """

    means: tuple[float, ...]
    variances: tuple[float, ...]
    errors: tuple[float, ...]
    slope: float
    constant: float
    low: tuple[float, ...]
    high: tuple[float, ...]

    def scaled(self, factor: float) -> Curve:
        """Return the curve of pixels times a positive factor."""
        square = factor**2
        variances, errors, low, high = (
            tuple(one * square for one in part) for part in (self.variances, self.errors, self.low, self.high)
        )
        return Curve(
            means=tuple(one * factor for one in self.means), variances=variances, errors=errors,
            slope=self.slope * factor, constant=self.constant * square, low=low, high=high,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Uncertainty of the line: standard error `level` at the mean `centre`, and of the slope."""

    centre: float
    level: float
    slope: float

    def error(self, mean: Values | float) -> Values:
        """Return the standard error of the line at these means, in counts squared."""
        return np.hypot(self.level, self.slope * (np.asarray(mean, np.float64) - self.centre))


def measure_curve(samples: Samples, noise: NoiseEstimate) -> tuple[Curve, Band]:
    """Return the variance over the mean, from frames of one scene if there are any, else from planes.

    Parameters
    ----------
    samples : Samples
        Pixels of a channel.
    noise : NoiseEstimate
        Noise of the channel, which gives the line.
    """
    blocks = _blocks(samples, noise)
    expected = np.maximum(noise.model.variance(blocks.mean), 1e-300)
    good = (blocks.energy < OUTLIER * expected) & (blocks.structure < STRUCTURE * _most(blocks, expected))
    means, variances, errors = _points(blocks.select(good))
    if len(means) and np.abs([noise.correlation_x, noise.correlation_y]).max() > CORRELATED:
        scale = float(noise.model.variance(means).sum() / max(float(variances.sum()), 1e-300))
        variances, errors = variances * scale, errors * scale
    band = _band(means, errors, noise)
    line, width = noise.model.gain * means + noise.model.constant, SIGMAS * band.error(means)
    curve = Curve(
        means=_tuple(means), variances=_tuple(variances), errors=_tuple(SIGMAS * errors),
        slope=noise.model.gain, constant=noise.model.constant,
        low=_tuple(line - width), high=_tuple(line + width),
    )  # fmt: skip
    return curve, band


def _blocks(samples: Samples, noise: NoiseEstimate) -> Blocks:
    """Return the energies of half blocks; `structure` is 0 where a scene is known to be static."""
    if samples.frames is not None:
        good = usable(samples.frames, noise)
        frames = np.where(good, samples.frames, noise.mean)
        mean, count = frames.mean(axis=0), len(frames)
        level = mean - mean.mean()
        energy = np.zeros_like(mean)
        for frame in frames:
            change = frame - mean
            change -= change.mean()
            share = float((change * level).mean()) / max(float(np.square(level).mean()), 1e-300)
            energy += np.square(change - share * level)
        energy /= count - 1
        energy, mean = np.where(good, energy, np.nan), np.where(good, mean, np.nan)
        found = halves(_cut(energy), _cut(mean))
        found = found._replace(structure=np.zeros_like(found.energy))
        return found.select(np.isfinite(found.energy) & np.isfinite(found.instrument))
    parts = []
    for plane in samples.planes:
        good = usable(plane[None], noise)
        centre = float(np.median(plane[good])) if good.any() else 0.0
        whole = block_means(interior((~good).astype(np.float32))).ravel() == 0
        part = chessboard_band((np.where(good, plane, centre) - centre).astype(np.float32))
        part = part._replace(mean=part.mean + centre, instrument=part.instrument + centre)
        parts.append(part.select(np.concatenate([whole, whole])))
    return Blocks(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _most(blocks: Blocks, expected: Values) -> Values:
    """Return the expected energy, or the median of all blocks relative to it if noise is correlated."""
    usual = float(np.median(blocks.structure / expected)) if len(expected) else 1.0
    return expected * min(max(usual, 1e-6), 1.0)


def _points(blocks: Blocks) -> tuple[Values, Values, Values]:
    """Return mean, variance and standard error of the variance of groups of half blocks of similar mean."""
    count = min(BINS, len(blocks.mean) // LEAST)
    if count < 1:
        return (np.zeros(0),) * 3
    # the other colour orders the blocks: noise of a mean is not selected with its energy
    order = np.argsort(blocks.instrument)
    edges = _edges(blocks.instrument[order], count)
    groups = [part for part in np.split(order, edges) if len(part) >= LEAST]
    means = np.array([blocks.mean[part].mean() for part in groups])
    variances = np.array([blocks.energy[part].mean() for part in groups])
    errors = np.array([blocks.energy[part].std() / np.sqrt(len(part)) for part in groups])
    rank = np.argsort(means)
    return means[rank], variances[rank], errors[rank]


def _edges(ordered: Values, count: int) -> NDArray[np.intp]:
    """Return where to split ordered means: half of the groups equal in number, half equal in width."""
    number = np.linspace(0, len(ordered), count // 2 + 2)[1:-1].round()
    wide = np.searchsorted(ordered, np.linspace(ordered[0], ordered[-1], count // 2 + 2)[1:-1])
    return np.unique(np.concatenate([number, wide]).astype(np.intp))


def _band(means: Values, errors: Values, noise: NoiseEstimate) -> Band:
    """Return the uncertainty of the line, from the points and the standard error of the gain."""
    slope = noise.gain_error if np.isfinite(noise.gain_error) else 0.0
    if not len(means) or not errors.min() > 0:
        return Band(centre=noise.mean, level=0.0, slope=slope)
    weight = 1 / np.square(errors)
    centre = float((weight * means).sum() / weight.sum())
    return Band(centre=centre, level=float(1 / np.sqrt(weight.sum())), slope=slope)


def _cut(image: Values) -> Values:
    """Crop an image to whole blocks, as `interior` does."""
    rows, columns = (slice(MARGIN, MARGIN + (n - 2 * MARGIN) // SIDE * SIDE) for n in image.shape)
    return image[rows, columns]


def _tuple(values: Values) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
