"""Specimens that fill the image: electron micrographs, phase contrast, strokes, dead leaves, haze.

Brightness is relative, about 1 in bright regions.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from core.simulation.drawing import Light, band, blob, fractal, soft, splat, window
from core.simulation.specimens import Shape, _tessellation


def electron_micrograph(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw grey cytoplasm between dark membranes, with organelles, vesicles and grain."""
    _, gap, _ = _tessellation(shape, rng.uniform(25, 110), rng)
    light = 0.65 + rng.uniform(0.02, 0.15) * band(shape, rng.uniform(1.2, 3), 1, rng)
    light += rng.uniform(0, 0.1) * fractal(shape, 1.4, rng)
    for _ in range(int(rng.integers(0, 25))):
        centre = rng.uniform(0, 1, 2) * shape
        radii = tuple(np.exp(rng.uniform(np.log(2.5), np.log(22), 1)) * rng.uniform(0.6, 1.4, 2))
        part = window(shape, centre, 1.5 * max(radii) + 3)
        if part is None:
            continue
        edge = blob(part, centre, (radii[0], radii[1]), 0.1, rng)
        light[part] += rng.uniform(-0.35, 0.25) * soft(edge, 0.6)
        light[part] -= rng.uniform(0.1, 0.5) * np.exp(-((edge / 0.9) ** 2))
        if max(radii) > 9 and rng.random() < 0.6:  # cristae
            y, x = np.ogrid[part]
            wave = np.sin((y * rng.normal() + x * rng.normal()) * rng.uniform(0.5, 1.1))
            light[part] -= 0.25 * soft(edge - 1, 0.6) * soft(wave - 0.6, 0.1)
    light -= rng.uniform(0.2, 0.6) * np.exp(-((gap / rng.uniform(0.8, 2.2)) ** 2))
    return np.clip(light, 0.02, None)


def phase_contrast(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw a grey field with cells that are darker inside and surrounded by bright halos."""
    phase = np.zeros(shape)
    size = rng.uniform(6, 30)
    for _ in range(int(rng.integers(2, 30))):
        centre = rng.uniform(0, 1, 2) * shape
        radii = (size * rng.uniform(0.7, 2.2), size * rng.uniform(0.5, 1.0))
        part = window(shape, centre, 1.5 * max(radii))
        if part is not None:
            edge = blob(part, centre, radii, 0.2, rng)
            phase[part] = np.maximum(phase[part], rng.uniform(0.5, 1.2) * soft(edge, 0.25 * size))
    phase += 0.15 * (phase > 0.2) * band(shape, rng.uniform(1.5, 4), 1, rng)
    halo = ndimage.gaussian_filter(phase, rng.uniform(3, 9)) - phase
    fringe = ndimage.gaussian_filter(phase, 1.2) - ndimage.gaussian_filter(phase, 2.4)
    light = 0.5 + rng.uniform(0.15, 0.5) * halo + rng.uniform(-0.6, 0.6) * fringe
    return np.asarray(np.clip(light + 0.02 * fractal(shape, 1.0, rng), 0.02, None), float)


def strokes(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw short straight and curved strokes in rows, as in printed text and test charts."""
    height = rng.uniform(6, 22)
    rows = np.arange(rng.uniform(0, height), shape[0], 1.6 * height)
    t = np.linspace(0, 1, 4 * int(height))
    places = np.array(
        [
            (row, column)
            for row in rows
            for column in np.arange(rng.uniform(0, height), shape[1], rng.uniform(0.5, 1.0) * height)
            if rng.random() < 0.85
        ]
    ).reshape(-1, 2)
    places = places.repeat(rng.integers(1, 4, len(places)), axis=0)
    begin, middle, end = rng.uniform(0, 1, (3, len(places), 2)) * [height, 0.6 * height]
    bezier = [
        place[:, None] + (1 - t) ** 2 * b[:, None] + 2 * t * (1 - t) * m[:, None] + t**2 * e[:, None]
        for place, b, m, e in zip(places.T, begin.T, middle.T, end.T, strict=True)
    ]
    light = splat(shape, bezier[0], bezier[1], np.ones(bezier[0].shape))
    width = rng.uniform(0.6, 0.12 * height + 0.7)
    inked = soft(ndimage.gaussian_filter(np.minimum(light, 1.5), width) * width - 0.15, 0.04)
    result: Light = inked if rng.random() < 0.6 else 1 - 0.9 * inked
    return result


def dead_leaves(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw occluding discs and ellipses of all sizes, uniform or textured (dead leaves model)."""
    light: Light = np.full(shape, rng.uniform(0, 1))
    texture = band(shape, rng.uniform(1.5, 6), 1, rng) * rng.uniform(0, 0.15)
    soften = rng.uniform(0.3, 1.0)
    for _ in range(int(rng.integers(40, 220))):
        centre, size = rng.uniform(0, 1, 2) * shape, min(70.0, 2.5 / (rng.random() + 0.02))
        part = window(shape, centre, 1.6 * size)
        if part is not None:
            radii = (size * rng.uniform(0.5, 1.2), size * rng.uniform(0.5, 1.2))
            wobble = 0.15 if rng.random() < 0.5 else 0.0
            cover = soft(blob(part, centre, radii, wobble, rng), soften)
            light[part] += cover * (rng.uniform(0, 1) + texture[part] - light[part])
    return np.asarray(np.maximum(light, 0))


def haze(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw a cloud without edges with a power-law spectrum, as of far out-of-focus light."""
    noise = fractal(shape, rng.uniform(1.0, 2.2), rng)
    return np.clip(0.5 + rng.uniform(0.1, 0.4) * noise, 0, None)


def grain(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw a fine granular structure of one size, as of ribosomes or dense puncta."""
    light: Light = np.clip(0.5 + 0.3 * band(shape, rng.uniform(1.3, 5), rng.choice([1.0, 2.0]), rng), 0, None)
    return light
