"""What a detector makes of light: photon statistics, electronics, and digitisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.optics import gaussian_kernel
from core.simulation.drawing import Light


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


def expected(photons: Light, camera: Camera) -> NDArray[np.float32]:
    """Mean count of every pixel, before rounding."""
    return (camera.offset + camera.gain * photons).astype(np.float32)


def detect(photons: Light, camera: Camera, frames: int, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Record frames of an unchanging scene.

    Parameters
    ----------
    photons : ndarray, shape (Y, X)
        Mean number of detected photons.
    camera : Camera
        How they become counts.
    frames : int
        How many frames to record.
    rng : Generator
        Source of the noise; every frame has a stream of its own.

    Returns
    -------
    ndarray, shape (T, Y, X), uint16
        Counts, rounded and clipped to the type.
    """
    recorded = np.empty((frames, *photons.shape), np.uint16)
    for frame, stream in zip(recorded, rng.spawn(frames), strict=True):
        electrons = stream.poisson(photons) + camera.read_noise * stream.standard_normal(photons.shape)
        frame[...] = np.clip(np.rint(camera.offset + camera.gain * electrons), 0, 65535)
    return recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A detector with the faults of real ones, and what is done to its images afterwards.

    Attributes
    ----------
    read_noise : float
        Standard deviation of the read noise in photons.
    excess : bool
        Whether photons are multiplied at random, as in an EMCCD or a photomultiplier, which
        doubles their variance.
    smoothing : (float, float)
        Standard deviation in pixels, along rows (Y) and columns (X), of the filter that resampling
        or electronics apply to the recorded image; it correlates the noise of neighbours.
    uneven : float
        Relative spread of the read noise from pixel to pixel, as in an sCMOS camera.
    hot : float
        Share of pixels that are far too bright.
    saturation : float
        Photons above which a pixel shows no more; infinite for none.
    levels : int
        Number of grey levels the image is stretched to and rounded to; 0 for none.
    """

    read_noise: float = 0.0
    excess: bool = False
    smoothing: tuple[float, float] = (0.0, 0.0)
    uneven: float = 0.0
    hot: float = 0.0
    saturation: float = np.inf
    levels: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recorded image and what is true of it.

    Attributes
    ----------
    noisy, mean : ndarray, shape (Y, X), float32
        The image, and what it would be on average, without hot pixels and saturation.
    gain, constant : float
        The variance of the noise is ``gain * mean + constant``.
    correlation : (float, float)
        Correlation of the noise between neighbours along rows (Y) and columns (X).
    """

    noisy: NDArray[np.float32]
    mean: NDArray[np.float32]
    gain: float
    constant: float
    correlation: tuple[float, float]


def record(photons: Light, detector: Detector, rng: np.random.Generator) -> Recording:
    """Record one image.

    Parameters
    ----------
    photons : ndarray, shape (Y, X)
        Mean number of detected photons.
    detector : Detector
        What detects them.
    rng : Generator
        Source of the noise.

    Returns
    -------
    Recording
        In photons, or in grey levels where the detector has them.
    """
    counted = rng.poisson(photons).astype(np.float32)
    if detector.excess:
        counted = np.where(counted > 0, rng.standard_gamma(np.maximum(counted, 0.1)), 0).astype(np.float32)
    sigma = np.float32(detector.read_noise)
    if detector.uneven:
        spread = detector.uneven * rng.standard_normal(photons.shape, np.float32)
        sigma = sigma * np.exp(spread - detector.uneven**2)
    counted += sigma * rng.standard_normal(photons.shape, np.float32)
    mean = photons.astype(np.float32)
    share, correlation = 1.0, [0.0, 0.0]
    for axis, width in enumerate(detector.smoothing):
        if width > 0:
            weights = gaussian_kernel(width)
            counted = ndimage.correlate1d(counted, weights, axis, mode="reflect")
            mean = ndimage.correlate1d(mean, weights, axis, mode="reflect")
            share *= float((weights**2).sum())
            correlation[axis] = float((weights[1:] * weights[:-1]).sum() / (weights**2).sum())
    gain, constant = share * (2.0 if detector.excess else 1.0), share * detector.read_noise**2
    if detector.hot:
        where = rng.random(photons.shape) < detector.hot
        counted[where] += rng.gamma(2.0, 0.5 * (float(mean.max()) + 10), int(where.sum()))
    counted = np.minimum(counted, np.float32(detector.saturation))
    if detector.levels:
        low, high = np.percentile(counted, [0.02, 99.99])
        scale = float((detector.levels - 1) / (high - low + 1e-6))
        counted = np.clip(np.rint((counted - low) * scale), 0, detector.levels - 1)
        mean = ((mean - low) * scale).astype(np.float32)
        constant = scale**2 * constant + gain * scale * scale * float(low) + 1 / 12
        gain = gain * scale
    return Recording(
        noisy=counted.astype(np.float32), mean=mean, gain=gain, constant=constant,
        correlation=(correlation[0], correlation[1]),
    )  # fmt: skip


def random_detector(rng: np.random.Generator) -> Detector:
    """Choose a detector at random, most of them ordinary: a camera with some read noise."""
    smoothing = (0.0, 0.0)
    if rng.random() < 0.35:
        width = rng.uniform(0.3, 0.95)
        smoothing = (width, width) if rng.random() < 0.6 else (width * rng.choice([0.0, 0.6]), width)
        smoothing = smoothing if rng.random() < 0.6 else smoothing[::-1]
    return Detector(
        read_noise=4 * rng.random() ** 2 if rng.random() < 0.8 else 0.0,
        excess=rng.random() < 0.1,
        smoothing=smoothing,
        uneven=rng.uniform(0, 0.4) if rng.random() < 0.15 else 0.0,
        hot=10 ** rng.uniform(-5, -3) if rng.random() < 0.1 else 0.0,
        levels=256 if rng.random() < 0.25 else 0,
    )
