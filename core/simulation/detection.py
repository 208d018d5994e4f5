"""Simulate detectors: photon statistics, electronics and digitisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.noise.models import PoissonGaussian
from core.noise.noise_estimate import LAGS
from core.optics import gaussian_kernel
from core.simulation.clipping import clipped_moments
from core.simulation.drawing import Light
from core.simulation.filtering import (
    DEMOSAICED,
    Kernel,
    Matrix,
    Noise,
    demosaic,
    filter_axes,
    interpolation,
    kernel_matrix,
    noise_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera with Poisson-distributed photons and Gaussian read noise.

    Attributes
    ----------
    gain : float
        Counts per detected photon.
    offset : float
        Counts without light.
    read_noise : float
        Standard deviation of the read noise, in photons (electrons).
    """

    gain: float = 4.0
    offset: float = 100.0
    read_noise: float = 1.4

    @property
    def noise(self) -> PoissonGaussian:
        """Return the noise model of the camera, in counts."""
        return PoissonGaussian.camera(
            gain=self.gain, offset=self.offset, read_noise=self.gain * self.read_noise
        )


def mean_counts(photons: Light, camera: Camera) -> NDArray[np.float32]:
    """Return the mean count of every pixel, without rounding."""
    return (camera.offset + camera.gain * photons).astype(np.float32)


def detect(photons: Light, camera: Camera, frames: int, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Record frames of a static scene.

    Parameters
    ----------
    photons : ndarray, shape (Y, X)
        Mean number of detected photons.
    camera : Camera
        Camera that converts photons to counts.
    frames : int
        Number of frames.
    rng : Generator
        Source of the noise; every frame uses a separate stream.

    Returns
    -------
    ndarray, shape (T, Y, X), uint16
        Counts, rounded and clipped to the range of the type.
    """
    mean = camera.offset + camera.gain * photons
    recorded = np.empty((frames, *photons.shape), np.uint16)
    for frame, stream in zip(recorded, rng.spawn(frames), strict=True):
        frame[...] = np.clip(np.rint(camera.noise.sample(mean, stream)), 0, 65535)
    return recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A detector with the defects of real detectors, and with post-processing of its images.

    Attributes
    ----------
    read_noise : float
        Standard deviation of the read noise in photons.
    excess : bool
        Whether photons are multiplied randomly, as in an EMCCD, which doubles their variance.
    pulse : float
        Shape parameter of the Gamma distribution of pulse heights of a photomultiplier: the pulse of a photon
        has mean 1 and variance 1 / `pulse`; infinite for equal pulses.
    frames : int
        Number of averaged exposures.
    uneven : float
        Relative variation of the read noise between pixels, as in an sCMOS camera.
    response, amplifiers : float
        Relative variation of the gain between pixels, and between columns.
    pattern : float
        Standard deviation, in photons, of a per-pixel offset.
    stripes : (float, float)
        Standard deviation, in photons, of a per-row and of a per-column offset.
    floor : float
        Smallest value in photons, where 0 is no light; smaller values are set to it. Minus infinity for none.
    smoothing : (float, float)
        Standard deviation in pixels, along columns (Y) and rows (X), of the filter that resampling
        or electronics apply to the recorded image; it correlates the noise of neighbouring pixels.
    kernels : (tuple of float, tuple of float)
        Other filters along Y and X, with weights that sum to 1; empty for none.
    coarser : float
        Size of the sensor pixels in image pixels; the sensor image is then interpolated. 1 for none.
    cubic : bool
        Whether this interpolation is cubic convolution instead of linear.
    mosaic : bool
        Whether every second pixel is replaced by the mean of its neighbours; excludes the filters above.
    hot, dead : float
        Fraction of pixels that are far too bright, and of pixels without signal.
    saturation : float
        Largest value in photons; infinite for none.
    levels : int
        Number of grey levels after rounding; 0 for no rounding.
    step : float
        Grey levels per photon, reduced if more than 0.1 % of the pixels would exceed the last level. 0
        stretches the grey levels from the darkest to the brightest pixels of the image.
    dark : float
        Grey level without light, if `step` is not 0.
    """

    read_noise: float = 0.0
    excess: bool = False
    pulse: float = np.inf
    frames: int = 1
    uneven: float = 0.0
    response: float = 0.0
    amplifiers: float = 0.0
    pattern: float = 0.0
    stripes: tuple[float, float] = (0.0, 0.0)
    floor: float = -np.inf
    smoothing: tuple[float, float] = (0.0, 0.0)
    kernels: tuple[Kernel, Kernel] = ((), ())
    coarser: float = 1.0
    cubic: bool = False
    mosaic: bool = False
    hot: float = 0.0
    dead: float = 0.0
    saturation: float = np.inf
    levels: int = 0
    step: float = 0.0
    dark: float = 0.0

    def __post_init__(self) -> None:
        """Reject combinations whose noise is not known exactly, and more than one filter."""
        if (max(self.smoothing) > 0) + any(map(len, self.kernels)) + (self.coarser > 1) + self.mosaic > 1:
            raise ValueError("a detector has one filter at most")
        if self.mosaic and (self.amplifiers or max(self.stripes)):
            raise ValueError("a detector with a mosaic has no stripes")
        fixed = self.uneven, self.pattern, self.response, self.amplifiers, *self.stripes
        if np.isfinite(self.floor) and (any(fixed) or self.frames > 1):
            raise ValueError("a detector with a floor has no fixed pattern, stripes, or averaging")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recorded image with its ground truth.

    Attributes
    ----------
    noisy, mean : ndarray, shape (Y, X), float32
        Recorded image, and its mean without noise, hot pixels and saturation.
    noise : PoissonGaussian
        Variance of the noise as a function of the mean. It is exact with two exceptions: a floor lowers the
        variance of dark pixels, and a gain that differs between pixels or columns is averaged.
    correlation : tuple of float
        Correlation of the noise at each of `core.noise.noise_estimate.LAGS`, at the mean of the image.
    """

    noisy: NDArray[np.float32]
    mean: NDArray[np.float32]
    noise: PoissonGaussian
    correlation: tuple[float, ...]


def record(photons: Light, detector: Detector, rng: np.random.Generator) -> Recording:
    """Record one image.

    Parameters
    ----------
    photons : ndarray, shape (Y, X)
        Mean number of detected photons.
    detector : Detector
        Detector and post-processing.
    rng : Generator
        Source of the noise.

    Returns
    -------
    Recording
        In photons, or in grey levels if the detector has levels.
    """
    matrices: list[Matrix | None] = [None, None]
    for axis, size in enumerate(photons.shape):
        if detector.coarser > 1:
            sensor, matrices[axis] = interpolation(size, detector.coarser, cubic=detector.cubic)
            photons = np.moveaxis(sensor @ np.moveaxis(photons, axis, 0), 0, axis)
        elif detector.smoothing[axis] > 0:
            matrices[axis] = kernel_matrix(size, gaussian_kernel(detector.smoothing[axis]))
        elif detector.kernels[axis]:
            matrices[axis] = kernel_matrix(size, detector.kernels[axis])
    counted, mean, gain, constant = _count_photons(photons, detector, rng)
    light = float(mean.mean())
    rows, columns = (spread**2 for spread in detector.stripes)
    bands = detector.amplifiers**2 * float(np.mean(np.square(photons)))
    white = max(gain * light + constant, 1e-12)
    if detector.mosaic:
        counted, mean = demosaic(counted), demosaic(mean)
        shares = DEMOSAICED
        one, two, three = (DEMOSAICED[lag, 0] / DEMOSAICED[0, 0] ** 0.5 for lag in range(3))
        down = across = Noise(variance=one, covariance=two, second=three)
    else:
        counted, mean = filter_axes(counted, *matrices), filter_axes(mean, *matrices)
        down, across = (noise_of(matrix) for matrix in matrices)
        shares = {(y, x): down.at(y) * across.at(x) for y, x in ((0, 0), *LAGS)}
    total, *beside = (
        shares[y, x] * white + rows * down.at(y) + (columns + bands) * across.at(x)
        for y, x in ((0, 0), *LAGS)
    )
    correlation = tuple(covariance / total for covariance in beside)
    gain = shares[0, 0] * gain + across.variance * bands / max(light, 1e-9)
    constant = shares[0, 0] * constant + rows * down.variance + columns * across.variance
    if detector.hot:
        where = rng.random(counted.shape) < detector.hot
        counted[where] += rng.gamma(2.0, 0.5 * (float(mean.max()) + 10), int(where.sum()))
    if detector.dead:
        counted[rng.random(counted.shape) < detector.dead] = 0.0
    counted = np.minimum(counted, np.float32(detector.saturation))
    if detector.levels:
        counted, scale, low = _digitise(counted, detector)
        mean = ((mean - low) * scale).astype(np.float32)
        constant = scale**2 * constant + gain * scale * scale * low + 1 / 12
        gain = gain * scale
    noise = PoissonGaussian(gain=gain, constant=constant)
    return Recording(noisy=counted.astype(np.float32), mean=mean, noise=noise, correlation=correlation)


def _count_photons(
    photons: Light, detector: Detector, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], float, float]:
    """Detect photons without filters: return counts, their mean, and gain and constant of the white noise."""
    exposures, pulse = detector.frames, 1.0 if detector.excess else detector.pulse
    counted = rng.poisson(photons * exposures).astype(np.float32)
    if np.isfinite(pulse):
        shape = np.maximum(counted * pulse, 0.1).astype(np.float32)
        counted = np.where(counted > 0, rng.standard_gamma(shape) / np.float32(pulse), 0).astype(np.float32)
    counted /= np.float32(exposures)
    sigma = np.float32(detector.read_noise / exposures**0.5)
    if detector.uneven:
        spread = detector.uneven * rng.standard_normal(photons.shape, np.float32)
        sigma = sigma * np.exp(spread - detector.uneven**2)
    counted += sigma * rng.standard_normal(photons.shape, np.float32)
    mean = photons.astype(np.float32)
    gain, constant = (1 + 1 / pulse) / exposures, detector.read_noise**2 / exposures
    if detector.pattern:
        counted += np.float32(detector.pattern) * rng.standard_normal(photons.shape, np.float32)
        constant += detector.pattern**2
    if detector.response:
        counted *= 1 + np.float32(detector.response) * rng.standard_normal(photons.shape, np.float32)
        gain += detector.response**2 * float(np.mean(np.square(photons))) / max(float(np.mean(photons)), 1e-9)
    if detector.amplifiers:
        counted *= 1 + np.float32(detector.amplifiers) * rng.standard_normal(photons.shape[1], np.float32)
    for axis, size in enumerate(detector.stripes):
        if size:
            shape = tuple(n if axis == other else 1 for other, n in enumerate(photons.shape))
            counted += np.float32(size) * rng.standard_normal(shape, np.float32)
    if np.isfinite(detector.floor):
        shown, variance = clipped_moments(photons, detector.floor, detector.read_noise, pulse)
        counted, mean = np.maximum(counted, np.float32(detector.floor)), shown.astype(np.float32)
        constant = float(variance.mean() - gain * shown.mean())
    return counted, mean, gain, constant


def _digitise(counted: NDArray[np.float32], detector: Detector) -> tuple[NDArray[np.float32], float, float]:
    """Round to grey levels; return them, the grey levels per photon, and the photons at level 0."""
    last = detector.levels - 1
    if detector.step > 0:
        bright = max(float(np.percentile(counted, 99.9)), 1e-6)
        scale = min(detector.step, (last - detector.dark) / bright)
        low = -detector.dark / scale
    else:
        low, high = (float(end) for end in np.percentile(counted, [0.02, 99.99]))
        scale = float(last / (high - low + 1e-6))
    return np.clip(np.rint((counted - low) * scale), 0, last), scale, low
