"""A simulated fluorescence specimen whose truth is known: specimen, optics, detection.

The specimen is a sum of kinds (cell bodies, nuclei, filaments, puncta), each a function from a shape
and a random generator to emitted light; the optics blur it and add out-of-focus haze; the camera
counts photons. Every step is a pure function, so that other specimens can be put together
from the same pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.stack import Metadata, Stack

Light = NDArray[np.float64]
"""Emitted or detected light, shape (Y, X)."""

SEED = 11
FRAMES = 100
SHAPE = (256, 256)
PIXEL = 0.1
"""Pixel size of the sample in micrometres."""
INTERVAL = 0.1
"""Time between frames of the sample in seconds."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A simulated stack and its truth.

    Attributes
    ----------
    noisy : Stack
        Axes TYX, uint16: frames of one unchanging scene.
    clean : Stack
        Axes YX, float32: what each pixel of `noisy` is on average, in counts.
    """

    noisy: Stack
    clean: Stack


def sample(seed: int = SEED, frames: int = FRAMES, shape: tuple[int, int] = SHAPE) -> Sample:
    """Simulate the sample that comes with the program.

    Parameters
    ----------
    seed : int
        Seed of everything random; the same seed gives the same pixels.
    frames : int
        Number of frames; all show the same scene.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    Sample
        About 5 to 20 photons a pixel in the structures.
    """
    scene, noise = np.random.default_rng(seed).spawn(2)
    photons = optics(specimen(shape, scene))
    camera = Camera()
    known = Metadata(
        name="Sample (simulated)",
        spacing={"X": PIXEL, "Y": PIXEL, "T": INTERVAL},
        channel_names=("Simulated cells",),
        format="Simulation",
        notes=(
            f"Simulated with seed {seed}: all {frames} frames show the same scene.",
            f"The camera gives {camera.gain:g} counts per photon on an offset of {camera.offset:g}, with a "
            f"read noise of {camera.read_noise:g} photons.",
        ),
        unit="µm",
    )
    truth = Metadata(
        name="Truth of the sample",
        spacing={"X": PIXEL, "Y": PIXEL},
        channel_names=known.channel_names,
        format="Simulation",
        notes=("What every pixel of the simulated frames is on average.",),
        unit="µm",
    )
    noisy = detect(photons, camera, frames, noise)
    return Sample(noisy=Stack.of(noisy, "TYX", known), clean=Stack.of(expected(photons, camera), "YX", truth))


def specimen(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Put a few cells together: bodies, textured nuclei, a filament network and puncta, in photons."""
    count = max(1, round(shape[0] * shape[1] / 13000))
    centres = spread(count, shape, rng)
    light = np.full(shape, 0.5)
    inside = np.zeros(shape)
    for centre in centres:
        radius, size = rng.uniform(54, 70), rng.uniform(16.5, 21)
        body = soft(outline(shape, centre, radius, 0.2, rng) * radius, 3.0)
        nucleus = soft(outline(shape, centre, size, 0.13, rng) * size, 0.7)
        network = filaments(shape, centre, size, rng)
        light += body * (1 - nucleus) * (1.6 + 9.0 * network) + 15.0 * nucleus * chromatin(shape, rng)
        inside = np.maximum(inside, body * (1 - nucleus))
    return light + 95.0 * puncta(inside, 14 * count, rng)


def spread(count: int, shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Choose points far from each other and from the border: each the best of many candidates."""
    chosen = np.empty((0, 2))
    low, high = 0.12 * np.array(shape), 0.88 * np.array(shape)
    for _ in range(count):
        candidates = rng.uniform(low, high, (64, 2))
        if not len(chosen):
            chosen = candidates[:1]
            continue
        nearest = np.linalg.norm(candidates[:, None] - chosen, axis=-1).min(axis=1)
        chosen = np.vstack([chosen, candidates[nearest.argmax()]])
    return chosen


def outline(
    shape: tuple[int, int], centre: Light, radius: float, wobble: float, rng: np.random.Generator
) -> Light:
    """Distance from a closed curve around a centre along the ray, in radii; positive inside.

    The radius varies with the angle by five harmonics whose sizes are `wobble` over their order.
    """
    y, x = (grid - middle for grid, middle in zip(np.ogrid[: shape[0], : shape[1]], centre, strict=True))
    angle = np.arctan2(y, x)
    reach = np.ones(shape)
    for order in range(2, 7):
        reach += wobble * 2 / order * rng.uniform(0.4, 1) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    distance: Light = reach - np.hypot(y, x) / radius
    return distance


def soft(distance: Light, width: float) -> Light:
    """Turn a distance in pixels into 0 outside and 1 inside, with an edge of a given width."""
    edge: Light = 1 / (1 + np.exp(-np.clip(distance / width, -40, 40)))
    return edge


def filaments(
    shape: tuple[int, int],
    centre: Light,
    start: float,
    rng: np.random.Generator,
    *,
    number: int = 60,
    length: int = 190,
) -> Light:
    """Draw filaments that grow outwards around a centre as persistent random walks.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    centre : ndarray of two floats
        Row and column they grow around.
    start : float
        Distance from the centre, in pixels, at which they begin.
    rng : Generator
        Source of randomness.
    number, length : int
        How many filaments, and how many half-pixel steps each has at most.

    Returns
    -------
    ndarray
        About 1 on a filament of average brightness, 0 beside it.
    """
    step = 0.5
    angle = rng.uniform(0, 2 * np.pi, number)
    bend = rng.normal(0, 0.004, (number, 1)) + 0.017 * smooth_noise(number, length, rng)
    heading = (angle + rng.normal(0, 1.0, number))[:, None] + np.cumsum(bend, axis=1)
    begin = start * rng.uniform(0.9, 1.3, number)
    y = centre[0] + (begin * np.sin(angle))[:, None] + np.cumsum(step * np.sin(heading), axis=1)
    x = centre[1] + (begin * np.cos(angle))[:, None] + np.cumsum(step * np.cos(heading), axis=1)
    brightness = rng.gamma(6.0, 1 / 6.0, (number, 1))
    alive = np.arange(length) < rng.uniform(0.4, 1, (number, 1)) * length
    return splat(shape, y, x, np.where(alive, brightness * step, 0.0))


def smooth_noise(number: int, length: int, rng: np.random.Generator) -> Light:
    """Noise of unit variance along each of several lines, correlated over some ten steps."""
    noise = ndimage.gaussian_filter1d(rng.standard_normal((number, length)), 8.0, axis=1, mode="reflect")
    unit: Light = noise / noise.std()
    return unit


def splat(shape: tuple[int, int], y: Light, x: Light, weight: Light) -> Light:
    """Add points of light at sub-pixel positions, each shared among its four nearest pixels."""
    row, column = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    total = np.zeros(shape[0] * shape[1])
    for down in (0, 1):
        for right in (0, 1):
            part = weight * np.abs(1 - down - (y - row)) * np.abs(1 - right - (x - column))
            r, c = row + down, column + right
            keep = (r >= 0) & (r < shape[0]) & (c >= 0) & (c < shape[1])
            total += np.bincount(r[keep] * shape[1] + c[keep], part[keep], minlength=total.size)
    return total.reshape(shape)


def chromatin(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Texture of a nucleus: granular, with darker nucleoli; at most about 1.5, never below 0.2."""
    noise = rng.standard_normal((2, *shape))
    fine, coarse = (
        ndimage.gaussian_filter(n, s, mode="wrap") for n, s in zip(noise, (1.2, 3.2), strict=True)
    )
    nucleoli = soft(coarse / coarse.std() - 1.1, 0.12)
    texture: Light = (1 + 0.2 * fine / fine.std()) * (1 - 0.65 * nucleoli)
    return np.clip(texture, 0.2, None)


def puncta(inside: Light, number: int, rng: np.random.Generator) -> Light:
    """Draw small vesicles of varying brightness where `inside` (0 to 1) allows them; they sum to about 1."""
    chance = np.cumsum(inside.ravel())
    where = np.searchsorted(chance, rng.uniform(0, chance[-1], number))
    row, column = np.unravel_index(np.minimum(where, inside.size - 1), inside.shape)
    y, x = row + rng.uniform(0, 1, number), column + rng.uniform(0, 1, number)
    return splat(inside.shape, y, x, rng.uniform(0.3, 1.2, number))


def optics(light: Light, sigma: float = 1.1, haze: float = 0.12, reach: float = 14.0) -> Light:
    """Blur by a Gaussian point spread function, with a part of the light far out of focus.

    Parameters
    ----------
    light : ndarray, shape (Y, X)
        Emitted light.
    sigma, reach : float
        Standard deviation of the focused and of the unfocused part, in pixels.
    haze : float
        Share of the light that is unfocused, 0 to 1.
    """
    sharp = ndimage.gaussian_filter(light, sigma, mode="reflect")
    wide = ndimage.gaussian_filter(light, reach, mode="reflect")
    blurred: Light = (1 - haze) * sharp + haze * wide
    return blurred


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
