"""The label-free sample: simulated phase contrast of living cells, with known ground truth.

A specimen delays light. Phase contrast shows the delay relative to its surroundings: cells are darker than
the grey background and have a bright halo, because the phase ring of the objective also passes diffracted
light of large structures.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from core.findings import Finding, kinds
from core.simulation.detection import Camera, detect, mean_counts
from core.simulation.drawing import Light, outline, soft, splat, spread
from core.simulation.example import INTERVAL, SHAPE, Sample
from core.stack import Metadata, Stack

SEED = 5
FRAMES = 40
PIXEL = 0.32
"""Pixel size in micrometres, as with a 20x objective."""

PHOTONS = 40.0
"""Mean number of photons of a background pixel: a short exposure, as of a time lapse at low light."""

CAMERA = Camera(gain=2.0, offset=100.0, read_noise=1.4)
"""Camera of the sample."""

HALO = 9.0
"""Standard deviation of the surroundings that the delay is compared with, in pixels."""


def label_free_sample(seed: int = SEED, frames: int = FRAMES, shape: tuple[int, int] = SHAPE) -> Sample:
    """Simulate the built-in label-free sample.

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
        With about `PHOTONS` photons per pixel in the grey background.
    """
    scene, noise = np.random.default_rng(seed).spawn(2)
    photons = PHOTONS * phase_contrast(delay(shape, scene)) * _illumination(shape, scene)
    known = Metadata(
        name="Label-free sample (simulated)",
        spacing={"X": PIXEL, "Y": PIXEL, "T": INTERVAL},
        channel_names=("Phase contrast",),
        format="Simulation",
        findings=(
            Finding(kind=kinds.SAMPLE, value=frames, details={"seed": seed}),
            Finding(kind=kinds.SAMPLE_CAMERA, details=dataclasses.asdict(CAMERA)),
        ),
        unit="µm",
    )
    truth = dataclasses.replace(
        known, name="Truth of the label-free sample", spacing={"X": PIXEL, "Y": PIXEL},
        findings=(Finding(kind=kinds.TRUTH),),
    )  # fmt: skip
    return Sample(
        noisy=Stack.of(detect(photons, CAMERA, frames, noise), "TYX", known),
        clean=Stack.of(mean_counts(photons, CAMERA), "YX", truth),
    )


def delay(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Draw the optical delay of a few adherent cells, in radians: 0 outside, about 1 in their nuclei."""
    total = np.zeros(shape)
    count = max(1, round(shape[0] * shape[1] / 5500))
    for centre in spread(count, shape, rng):
        radius, size = rng.uniform(20, 34), rng.uniform(7, 10)
        body = soft(outline(shape, centre, radius, 0.3, rng) * radius, 1.5)
        away = centre + rng.uniform(-4, 4, 2)
        nucleus = soft(outline(shape, away, size, 0.12, rng) * size, 1.0)
        y, x = np.ogrid[: shape[0], : shape[1]]
        dome = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (1.2 * radius**2))
        total += body * (0.25 + 0.45 * dome) + 0.35 * nucleus * body
        total += 0.5 * _points(body, nucleus, rng)
        for _ in range(int(rng.integers(1, 4))):  # nucleoli
            place = away + rng.uniform(-0.5, 0.5, 2) * size
            total += 0.4 * soft(outline(shape, place, 2.2, 0.1, rng) * 2.2, 0.7) * nucleus
    return total


def phase_contrast(phase: Light) -> Light:
    """Return the intensity of a phase contrast image, 1 in the background.

    Parameters
    ----------
    phase : ndarray, shape (Y, X)
        Optical delay in radians.
    """
    surroundings = ndimage.gaussian_filter(phase, HALO, mode="reflect")
    seen = ndimage.gaussian_filter(phase - surroundings, 0.9, mode="reflect")
    image: Light = np.clip(1 - 0.95 * np.sin(np.clip(seen, -1.2, 1.2)), 0.08, None)
    return image


def _points(body: Light, nucleus: Light, rng: np.random.Generator) -> Light:
    """Draw granules of the cytoplasm, about 1 pixel wide."""
    inside = np.clip(body - nucleus, 0, None)
    chance = np.cumsum(inside.ravel())
    number = int(rng.integers(40, 90))
    where = np.minimum(np.searchsorted(chance, rng.uniform(0, chance[-1], number)), inside.size - 1)
    row, column = np.unravel_index(where, inside.shape)
    y, x = row + rng.uniform(0, 1, number), column + rng.uniform(0, 1, number)
    points: Light = ndimage.gaussian_filter(splat(body.shape, y, x, rng.uniform(1, 4, number)), 0.9)
    return points


def _illumination(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Return an illumination that is a little uneven, 1 on average."""
    y, x = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None] - 0.5
    tilt = rng.uniform(-0.08, 0.08, 2)
    uneven: Light = 1 + tilt[0] * y + tilt[1] * x - 0.15 * (y**2 + x**2 - 1 / 6)
    return uneven
