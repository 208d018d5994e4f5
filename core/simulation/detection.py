"""What a detector makes of light: photon statistics, electronics, and digitisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
