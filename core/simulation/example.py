"""The built-in sample: fluorescent cells with known ground truth.

The specimen is the sum of cell bodies, nuclei, filaments and puncta, each drawn by a function of a shape
and a random generator. The optics blur the emitted light and add out-of-focus haze, and the camera counts
photons. Every step is a pure function, so that other specimens can be composed of the same parts.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from core.findings import Finding, kinds
from core.simulation.detection import Camera, detect, mean_counts
from core.simulation.drawing import Light, outline, smooth_noise, soft, splat, spread
from core.simulation.optics import focus_and_haze
from core.stack import Metadata, Stack

SEED = 11
FRAMES = 100
SHAPE = (256, 256)
PIXEL = 0.1
"""Pixel size of the sample in micrometres."""
INTERVAL = 0.1
"""Time between frames of the sample in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A simulated stack and its ground truth.

    Attributes
    ----------
    noisy : Stack
        Noisy recording; the sample has axes TYX and uint16, and its frames show one static scene.
    clean : Stack
        Mean of every pixel of `noisy`, float32, in counts; axes YX if all frames show one image.
    """

    noisy: Stack
    clean: Stack


def sample(seed: int = SEED, frames: int = FRAMES, shape: tuple[int, int] = SHAPE) -> Sample:
    """Simulate the built-in sample.

    Parameters
    ----------
    seed : int
        Seed of all random numbers; the same seed gives the same pixels.
    frames : int
        Number of frames; all show the same scene.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    Sample
        With about 5 to 20 photons per pixel in the structures.
    """
    scene, noise = np.random.default_rng(seed).spawn(2)
    photons = focus_and_haze(specimen(shape, scene))
    camera = Camera()
    known = Metadata(
        name="Sample (simulated)",
        spacing={"X": PIXEL, "Y": PIXEL, "T": INTERVAL},
        channel_names=("Simulated cells",),
        format="Simulation",
        findings=(
            Finding(kind=kinds.SAMPLE, value=frames, details={"seed": seed}),
            Finding(kind=kinds.SAMPLE_CAMERA, details=dataclasses.asdict(camera)),
        ),
        unit="µm",
    )
    truth = Metadata(
        name="Truth of the sample",
        spacing={"X": PIXEL, "Y": PIXEL},
        channel_names=known.channel_names,
        format="Simulation",
        findings=(Finding(kind=kinds.TRUTH),),
        unit="µm",
    )
    noisy = detect(photons, camera, frames, noise)
    return Sample(
        noisy=Stack.of(noisy, "TYX", known), clean=Stack.of(mean_counts(photons, camera), "YX", truth)
    )


def specimen(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Draw a few cells with bodies, textured nuclei, a filament network and puncta, in photons."""
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


def filaments(
    shape: tuple[int, int],
    centre: Light,
    start: float,
    rng: np.random.Generator,
    *,
    number: int = 60,
    length: int = 190,
) -> Light:
    """Draw filaments that grow outwards from a centre as persistent random walks.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    centre : ndarray, shape (2,)
        Row and column of the centre.
    start : float
        Distance from the centre, in pixels, at which the filaments start.
    rng : Generator
        Source of randomness.
    number, length : int
        Number of filaments, and largest number of half-pixel steps of each.

    Returns
    -------
    ndarray, shape (Y, X)
        About 1 on a filament of average brightness, 0 elsewhere.
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


def chromatin(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Draw the granular texture of a nucleus with darker nucleoli; at least 0.2, about 1.5 at most."""
    noise = rng.standard_normal((2, *shape))
    fine, coarse = (
        ndimage.gaussian_filter(n, s, mode="wrap") for n, s in zip(noise, (1.2, 3.2), strict=True)
    )
    nucleoli = soft(coarse / coarse.std() - 1.1, 0.12)
    texture: Light = (1 + 0.2 * fine / fine.std()) * (1 - 0.65 * nucleoli)
    return np.clip(texture, 0.2, None)


def puncta(inside: Light, number: int, rng: np.random.Generator) -> Light:
    """Draw vesicles of varying brightness at random positions with density `inside` (0 to 1).

    Each vesicle sums to 0.3 to 1.2.
    """
    chance = np.cumsum(inside.ravel())
    where = np.searchsorted(chance, rng.uniform(0, chance[-1], number))
    row, column = np.unravel_index(np.minimum(where, inside.size - 1), inside.shape)
    y, x = row + rng.uniform(0, 1, number), column + rng.uniform(0, 1, number)
    return splat(inside.shape, y, x, rng.uniform(0.3, 1.2, number))
