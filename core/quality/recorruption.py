"""Noisier versions of a stack whose errors reveal that of a denoised image, without a reference.

Noise with the measured variance and autocorrelation is added to the image, or its photons are divided at
random. The method is applied to the noisier images, and compared with what was not given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import StackNoise, Survey
from core.recorded import Recorded
from core.stack import PixelSource, Region, Stack, channel_of

STRENGTH = 0.35
"""Standard deviation of added noise relative to that of the noise in the image."""

SHARE = 0.1
"""Fraction of the photons that are withheld from the method."""

KEPT = 4
"""Number of changed planes that are kept for the next method."""

PILOT = 2.0
"""Standard deviation in pixels of the blur of the image at which the noise variance is evaluated."""

Plane = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Errors(NamedTuple):
    """Estimated squared error of every pixel in counts squared, and the part of it due to the noise model.

    Only averages over many pixels are meaningful; a single pixel may have a negative estimate. `modelled` is
    proportional to the noise variance that was measured: an error of this variance changes it by as much.
    """

    squares: Plane
    modelled: Plane


class Draw(Protocol):
    """Noisier versions of a stack, made with one random draw."""

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Noisier stacks, whose surveys know their noise."""

    def errors(self, results: Sequence[Plane], region: Region) -> Errors:
        """Estimate the squared error of every pixel of a plane.

        Parameters
        ----------
        results : sequence of ndarray, shape (Y, X)
            Denoised plane of each of `stacks`, in counts.
        region : tuple of slice
            Region of this plane in the stack: one complete plane.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseAdded:
    """Gaussian noise with the variance and autocorrelation of the noise, added and subtracted.

    Attributes
    ----------
    stack : Stack
        Noisy stack.
    channels : tuple of NoiseEstimate
        Noise of every channel; one without channels.
    seed : tuple of int
        Seed of this draw.

    Notes
    -----
    With noise e like that of the image, the errors of ``x + t e`` and ``x - e / t`` are uncorrelated (Pang et
    al. 2021, doi:10.1109/CVPR46437.2021.00208). The squared difference of ``f(x + t e)`` and ``x - e / t``,
    averaged over e and -e, less all terms of known expectation, is
    ``((f+ - x)**2 + (f- - x)**2) / 2 + e (f+ - f-) / t - variance``. For small t it is Stein's unbiased risk
    estimate with a Monte Carlo divergence (Ramani et al. 2008, doi:10.1109/TIP.2008.2001404). The error is
    that of an image with ``1 + t**2`` times the noise variance: little more for methods that remove most of
    the noise, and 12 % more for the noisy image itself.
    """

    stack: Stack
    channels: tuple[NoiseEstimate, ...]
    seed: tuple[int, ...]

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Stack with added and with subtracted noise."""
        return tuple(
            _known(_Changed(self.stack, self._changed(sign)), self.stack, self.channels, 1 + STRENGTH**2)
            for sign in (STRENGTH, -STRENGTH)
        )

    def errors(self, results: Sequence[Plane], region: Region) -> Errors:
        """Estimate the squared error of every pixel; see `Draw`."""
        plane, _ = read_plane(self.stack, region)
        noise, variance = self._noise(plane, region)
        more, less = results
        fit = (np.square(more - plane) + np.square(less - plane)) / 2
        modelled = noise * (more - less) / STRENGTH - variance
        return Errors(fit + modelled, modelled)

    def _changed(self, strength: float) -> Callable[[Plane, Region], Plane]:
        return lambda plane, region: plane + strength * self._noise(plane, region)[0]

    def _noise(self, plane: Plane, region: Region) -> tuple[Plane, Plane]:
        """Return noise like that of a plane, and its variance."""
        found = self.channels[channel_of(region, self.stack.axes)]
        variance = found.model.variance(blurred(plane, PILOT))
        rng = np.random.default_rng([*self.seed, *(part.start for part in region[:-2])])
        return correlated(found.autocorrelation, plane.shape, rng) * np.sqrt(variance), variance


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotonsDivided:
    """Photons divided at random: some are given to the method, the others are withheld.

    Both parts of Poisson-distributed counts are independent, at any mean. The pixels must be numbers of
    photons times the gain, plus the offset.

    Attributes
    ----------
    stack, channels, seed
        See `NoiseAdded`.
    """

    stack: Stack
    channels: tuple[NoiseEstimate, ...]
    seed: tuple[int, ...]

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Stack of the photons that are given to the method, scaled to the brightness of the image."""
        changed = _Changed(self.stack, self._given)
        return (_known(changed, self.stack, self.channels, 1 / (1 - SHARE)),)

    def errors(self, results: Sequence[Plane], region: Region) -> Errors:
        """Estimate the squared error of every pixel; see `Draw`."""
        plane, _ = read_plane(self.stack, region)
        model = self.channels[channel_of(region, self.stack.axes)].model
        photons, withheld = self._divided(plane, region)
        found = (results[0] - model.offset) / model.gain
        # the square of the mean is estimated by all photons: E[n (n - 1)] is its square
        squares = np.square(found) - 2 * found * withheld / SHARE + photons * (photons - 1)
        return Errors(squares * model.gain**2, np.zeros_like(squares))

    def _given(self, plane: Plane, region: Region) -> Plane:
        model = self.channels[channel_of(region, self.stack.axes)].model
        photons, withheld = self._divided(plane, region)
        given: Plane = (photons - withheld) / (1 - SHARE) * model.gain + model.offset
        return given

    def _divided(self, plane: Plane, region: Region) -> tuple[Plane, Plane]:
        """Return the numbers of photons, and of those withheld."""
        photons = count_photons(plane, self.channels[channel_of(region, self.stack.axes)])
        rng = np.random.default_rng([*self.seed, *(part.start for part in region[:-2])])
        return photons, rng.binomial(photons.astype(np.int64), SHARE).astype(np.float64)


def count_photons(plane: Plane, noise: NoiseEstimate) -> Plane:
    """Return the number of photons of every pixel, rounded; at least 0."""
    return np.maximum(np.rint((plane - noise.model.offset) / noise.model.gain), 0.0)


def correlated(autocorrelation: Plane, shape: tuple[int, ...], rng: np.random.Generator) -> Plane:
    """Draw Gaussian noise of variance 1 with an autocorrelation, periodic at the borders.

    Parameters
    ----------
    autocorrelation : ndarray, shape (2 N + 1, 2 N + 1)
        Correlation by distance along (Y, X), 1 in the centre. Negative parts of its spectrum are set to 0.
    shape : (int, int)
        Rows and columns.
    rng : Generator
        Source of randomness.
    """
    white = rng.standard_normal(shape)
    reach = len(autocorrelation) // 2
    around = np.delete(autocorrelation.ravel(), autocorrelation.size // 2)
    if not around.any() or min(shape) <= 2 * reach:
        return white
    wrapped = np.zeros(shape)
    wrapped[: 2 * reach + 1, : 2 * reach + 1] = autocorrelation
    power = np.maximum(np.fft.rfft2(np.roll(wrapped, (-reach, -reach), (0, 1))).real, 0.0)
    noise = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(power), shape)
    noise /= np.sqrt(_mean_of_half(power, shape[-1]))
    return np.asarray(noise)


def blurred(plane: Plane, sigma: float) -> Plane:
    """Return a plane convolved with a Gaussian of `sigma` pixels; borders are reflected."""
    from scipy import ndimage

    result: Plane = ndimage.gaussian_filter(plane, sigma, mode="reflect")
    return result


def read_plane(stack: Stack, region: Region) -> tuple[Plane, Mask]:
    """Read the region of one plane as an array (Y, X) of float64, and which of its pixels were recorded.

    The others have the mean of those that were recorded.
    """
    pixels, mask = Recorded.of(stack).read(region)
    plane = pixels.reshape(pixels.shape[-2:]).astype(np.float64)
    if mask is None:
        return plane, np.ones(plane.shape, bool)
    recorded = mask.reshape(plane.shape)
    return np.where(recorded, plane, plane[recorded].mean() if recorded.any() else 0.0), recorded


def _mean_of_half(power: Plane, columns: int) -> float:
    """Return the mean of a spectrum whose negative frequencies along X are left out."""
    last = power.shape[1] - (1 if columns % 2 == 0 else 0)
    total = power.sum() + power[:, 1:last].sum()
    return float(total / (power.shape[0] * columns))


@dataclass(frozen=True, slots=True)
class _Changed:
    """Source whose complete planes are changed when they are read."""

    stack: Stack
    change: Callable[[Plane, Region], Plane]
    kept: dict[tuple[int, ...], NDArray[np.float32]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stack.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def read(self, region: Region) -> NDArray[np.float32]:
        lead = region[:-2]
        pixels = np.empty([part.stop - part.start for part in region], np.float32)
        for index in np.ndindex(*pixels.shape[:-2]):
            at = tuple(slice(p.start + i, p.start + i + 1) for p, i in zip(lead, index, strict=True))
            pixels[index] = self._plane((*at, *self.stack.region()[-2:]))[region[-2:]]
        return pixels

    def _plane(self, region: Region) -> NDArray[np.float32]:
        """Return a complete plane; the last ones are kept, because every method reads them."""
        key = tuple(part.start for part in region)
        known = self.kept.get(key)
        if known is not None:
            return known
        plane, recorded = read_plane(self.stack, region)
        changed = self.change(plane, region)
        if not recorded.all():
            changed = np.where(recorded, changed, self.stack.read(region).reshape(plane.shape))
        while len(self.kept) >= KEPT:
            self.kept.pop(next(iter(self.kept)), None)
        made = self.kept[key] = changed.astype(np.float32)
        return made


def _known(source: PixelSource, stack: Stack, channels: tuple[NoiseEstimate, ...], variance: float) -> Stack:
    """Return a stack whose survey knows its noise: that of `stack`, with the variance times a factor.

    A method that measures noise would misjudge that of changed pixels.
    """
    changed = Stack(source, stack.axes, stack.meta)
    noise = StackNoise(channels=tuple(one.averaged(1 / variance) for one in channels), each_plane=False)
    changed.attached(Survey, lambda: Survey(changed, noise=noise))
    return changed
