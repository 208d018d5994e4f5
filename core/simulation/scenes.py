"""Random scenes: mixtures of specimens, blurred by optics and scaled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.simulation import optics, specimens, textures
from core.simulation.drawing import Light

Specimen = Callable[[tuple[int, int], np.random.Generator], Light]

FLUORESCENT: tuple[Specimen, ...] = (
    specimens.filament_network, specimens.stress_fibres, specimens.cell_sheet, specimens.nuclei,
    specimens.tubules, specimens.vesicles, specimens.tissue, specimens.bacteria, specimens.dendrites,
)  # fmt: skip
"""Fluorescent specimens on a dark background, which can be mixed."""

FILLING: tuple[Specimen, ...] = (
    textures.electron_micrograph, textures.phase_contrast, textures.strokes, textures.dead_leaves,
    textures.haze, textures.grain,
)  # fmt: skip
"""Specimens that fill the image."""

SIDE = 256


def scene(
    seed: int | tuple[int, ...], shape: tuple[int, int] = (SIDE, SIDE), draw: Specimen | None = None
) -> NDArray[np.float32]:
    """Return a random scene.

    Parameters
    ----------
    seed : int or tuple of int
        The same seed gives the same pixels.
    shape : (int, int)
        Rows and columns.
    draw : Specimen, optional
        The only specimen; by default a random mixture.

    Returns
    -------
    ndarray, shape (Y, X), float32
        Light on the detector, 0 to 3; the 99.8th percentile is 1.
    """
    rng = np.random.default_rng(seed)
    if draw is not None:
        return expose(_focus(draw(shape, rng), rng), rng)
    light = _draw_mixture(shape, rng) if rng.random() < 0.72 else _draw_filling(shape, rng)
    return expose(light, rng)


def expose(light: Light, rng: np.random.Generator) -> NDArray[np.float32]:
    """Scale a scene or sequence as `scene` does; some get another contrast or uneven illumination.

    Parameters
    ----------
    light : ndarray, shape (..., Y, X)
        Light on the detector, 0 or more, in any unit.
    rng : Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (..., Y, X), float32
        0 to 3; the 99.8th percentile of all pixels is about 1.
    """
    light = light - light.min() * rng.uniform(0, 1)
    light = np.clip(light / (np.percentile(light, 99.8) + 1e-9), 0, 3)
    if rng.random() < 0.3:
        light = light ** rng.uniform(0.7, 1.6)
    if rng.random() < 0.15:  # uneven illumination: darker towards the corners
        y, x = np.ogrid[-1 : 1 : light.shape[-2] * 1j, -1 : 1 : light.shape[-1] * 1j]
        centre = rng.uniform(-0.6, 0.6, 2)
        light = light * np.exp(-rng.uniform(0.1, 0.8) * ((y - centre[0]) ** 2 + (x - centre[1]) ** 2))
    return np.asarray(np.minimum(light, 3), np.float32)


def _draw_mixture(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Draw one to three fluorescent specimens, each with its own focus, on a hazy background."""
    total = np.zeros(shape)
    for index in rng.choice(len(FLUORESCENT), rng.integers(1, 4), replace=False):
        light = FLUORESCENT[index](shape, rng)
        if rng.random() < 0.2:
            light = optics.gaussian(light, rng.uniform(2, 7)) * rng.uniform(1, 3)
        total += rng.uniform(0.15, 1) * light
    if rng.random() < 0.35:
        total *= np.clip(textures.haze(shape, rng) * 2, 0.05, None)
    if rng.random() < 0.3:
        total += rng.uniform(0.03, 0.5) * textures.haze(shape, rng)
    total = _focus(total, rng)
    if rng.random() < 0.45:
        total = optics.with_haze(total, rng.uniform(0.1, 0.9), rng.uniform(5, 22))
    return total


def _draw_filling(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Draw a specimen that fills the image, with random contrast."""
    light = FILLING[rng.integers(len(FILLING))](shape, rng)
    light = _focus(light, rng)
    if rng.random() < 0.3:
        light = light + rng.uniform(0, 1.5) * light.mean()
    return light


def _focus(light: Light, rng: np.random.Generator) -> Light:
    chance = rng.random()
    if chance < 0.72:
        return optics.gaussian(light, np.exp(rng.uniform(np.log(0.45), np.log(2.6))))
    return optics.pupil(light, rng.uniform(0.22, 0.8), 0.0 if chance < 0.87 else rng.uniform(1, 12))
