"""Fluorescent specimens: each function draws emitted light from a shape and a random generator.

Brightness is relative, about 1 in the structures; scenes scale it to photons.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, spatial

from core.simulation.drawing import Light, band, blob, fractal, soft, splat, walks, window

Shape = tuple[int, int]


def filament_network(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw microtubules or actin: long persistent walks of varying brightness, single or in bundles."""
    number, length = int(rng.integers(5, 90)), int(rng.integers(100, 700))
    y, x = walks(number, length, np.exp(rng.uniform(np.log(0.002), np.log(0.06))), rng, shape)
    if rng.random() < 0.3:  # bundles: copies beside each other
        copies = int(rng.integers(2, 5))
        y = np.concatenate([y + rng.normal(0, 1.5, (number, 1)) for _ in range(copies)])
        x = np.concatenate([x + rng.normal(0, 1.5, (number, 1)) for _ in range(copies)])
    weight = rng.gamma(rng.uniform(1, 8), 1.0, (len(y), 1))
    light = splat(shape, y, x, np.broadcast_to(weight, y.shape))
    return light / (np.percentile(light, 99.5) + 1e-9)


def stress_fibres(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw nearly parallel straight fibres with a finite width."""
    number = int(rng.integers(8, 60))
    turn = rng.uniform(0, np.pi) + rng.normal(0, rng.uniform(0.02, 0.25), number)
    along = np.arange(0, rng.uniform(80, 400), 0.5)
    y = rng.uniform(0, shape[0], (number, 1)) + np.sin(turn)[:, None] * (along - along.mean())
    x = rng.uniform(0, shape[1], (number, 1)) + np.cos(turn)[:, None] * (along - along.mean())
    light = splat(shape, y, x, np.broadcast_to(rng.gamma(2, 1, (number, 1)), y.shape))
    light = ndimage.gaussian_filter(light, rng.uniform(0.3, 1.5))
    return np.asarray(light / (np.percentile(light, 99.5) + 1e-9), float)


def cell_sheet(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw epithelium: a Voronoi tessellation with bright borders and varying brightness of the cells."""
    nearest, gap, cells = _tessellation(shape, rng.uniform(10, 60), rng)
    wall = np.exp(-((gap / rng.uniform(0.8, 2.5)) ** 2))
    wall *= np.clip(1 + 0.35 * fractal(shape, 1.0, rng), 0.1, None)
    filling = rng.gamma(2.0, 0.5, cells)[nearest] * rng.choice([0.0, 0.1, 0.5])
    light: Light = wall + filling
    return light


def _tessellation(shape: Shape, spacing: float, rng: np.random.Generator) -> tuple[Light, Light, int]:
    """Return the cell of every pixel, the distance to its border in pixels, and the number of cells."""
    margin = 2 * spacing
    rows, columns = (np.arange(-margin, n + margin, spacing) for n in shape)
    centres = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    centres += rng.normal(0, rng.uniform(0.1, 0.4) * spacing, centres.shape)
    wave = ndimage.zoom(rng.standard_normal((2, 9, 9)), (1, shape[0] / 9, shape[1] / 9), order=1)
    wave *= rng.uniform(0, 0.12) * spacing
    coarse = np.stack(np.meshgrid(*(np.arange(0, n, 2) for n in shape), indexing="ij"), -1).astype(float)
    coarse += np.moveaxis(wave, 0, -1)[::2, ::2][: coarse.shape[0], : coarse.shape[1]]
    distance, index = (np.asarray(found) for found in spatial.cKDTree(centres).query(coarse, k=2))
    gap = ndimage.zoom(distance[..., 1] - distance[..., 0], 2, order=1)[: shape[0], : shape[1]]
    cell = np.repeat(np.repeat(index[..., 0], 2, 0), 2, 1)[: shape[0], : shape[1]]
    return cell, gap, len(centres)


def nuclei(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw round or oval nuclei with granular chromatin and dark nucleoli, sometimes touching."""
    light = np.zeros(shape)
    size = rng.uniform(6, 40)
    coarse, fine = band(shape, size * 0.35, 1, rng), band(shape, rng.uniform(1.5, 4), 1, rng)
    depth, hole = rng.uniform(0, 0.4), rng.uniform(0, 0.8)
    texture = np.clip(1 + depth * fine, 0.2, None) * (1 - hole * soft(coarse - 1.2, 0.15))
    number = max(1, int(rng.uniform(0.05, 0.6) * shape[0] * shape[1] / (np.pi * size**2)))
    for _ in range(min(number, 80)):
        centre = rng.uniform(0, 1, 2) * shape
        radii = (size * rng.uniform(0.7, 1.2), size * rng.uniform(0.7, 1.2))
        part = window(shape, centre, 1.6 * max(radii))
        if part is not None:
            inside = soft(blob(part, centre, radii, 0.08, rng), 0.6)
            light[part] = np.maximum(light[part], inside * rng.gamma(6, 1 / 6))
    return light * texture


def tubules(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw mitochondria: short bent tubes, filled or with bright walls."""
    number, length = int(rng.integers(15, 200)), int(rng.integers(15, 120))
    y, x = walks(number, length, rng.uniform(0.01, 0.08), rng, shape)
    line = splat(shape, y, x, np.full(y.shape, 0.5))
    width = rng.uniform(1.0, 3.0)
    tube = 1 - np.exp(-3 * width * ndimage.gaussian_filter(line, width))
    if rng.random() < 0.4:
        tube *= 1 - 0.8 * (1 - np.exp(-4 * width * ndimage.gaussian_filter(line, 0.5 * width)))
    light: Light = tube * np.clip(1 + 0.3 * fractal(shape, 1.2, rng), 0.1, None)
    return light


def vesicles(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw puncta of widely varying brightness, and sometimes hollow vesicles."""
    number = int(np.exp(rng.uniform(np.log(10), np.log(900))))
    at = rng.uniform(0, 1, (2, number)) * np.array(shape)[:, None]
    if rng.random() < 0.5:  # clusters around random centres
        at += 12 * rng.standard_normal((2, 1 + number // 15))[:, rng.integers(0, 1 + number // 15, number)]
    light = splat(shape, at[0], at[1], rng.gamma(rng.uniform(0.5, 3), 1.0, number))
    light = ndimage.gaussian_filter(light, rng.uniform(0.3, 1.6))
    light /= np.percentile(light, 99.8) + 1e-9
    if rng.random() < 0.35:
        for _ in range(int(rng.integers(3, 40))):
            centre, radius = rng.uniform(0, 1, 2) * shape, rng.uniform(2, 10)
            part = window(shape, centre, radius + 4)
            if part is not None:
                edge = blob(part, centre, (radius, radius), 0.05, rng)
                light[part] += rng.uniform(0.2, 1) * np.exp(-((edge / 0.9) ** 2))
    return np.asarray(np.clip(light, 0, 4), float)


def tissue(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw tissue: elongated blobs and fibres of several sizes with soft thresholds."""
    light = np.zeros(shape)
    for _ in range(int(rng.integers(1, 4))):
        size, stretch = np.exp(rng.uniform(np.log(1.5), np.log(20))), rng.choice([1.0, 1.0, 2.5, 6.0])
        light += rng.uniform(0.3, 1) * soft(band(shape, size, stretch, rng) - rng.uniform(-0.5, 1.5), 0.3)
    return light * np.clip(1 + rng.uniform(0, 0.5) * fractal(shape, 1.3, rng), 0.05, None)


def bacteria(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw rods, filled or with a bright membrane, isolated or in dense micro-colonies."""
    light = np.zeros(shape)
    radius, hollow = rng.uniform(1.8, 6), rng.random() < 0.35
    number = int(rng.integers(5, 120))
    packed = rng.random() < 0.5
    places = rng.uniform(0, 1, (number, 2)) * shape
    if packed:
        places = rng.uniform(0.2, 0.8, 2) * shape + rng.normal(
            0, 2.2 * radius * np.sqrt(number) / 2, (number, 2)
        )
    for centre in places:
        half = radius * rng.uniform(0.5, 4)
        part = window(shape, centre, half + 2 * radius + 3)
        if part is None:
            continue
        y, x = np.ogrid[part]
        turn = rng.uniform(0, np.pi)
        dy, dx = y - centre[0], x - centre[1]
        along = dy * np.cos(turn) + dx * np.sin(turn)
        edge = radius - np.hypot(along - np.clip(along, -half, half), dx * np.cos(turn) - dy * np.sin(turn))
        body = np.exp(-((edge / 1.1) ** 2)) if hollow else soft(edge, 0.5)
        light[part] = np.maximum(light[part], rng.gamma(8, 1 / 8) * body)
    return light


def dendrites(shape: Shape, rng: np.random.Generator) -> Light:
    """Draw neurites: branching walks of decreasing width with spines, sometimes with a cell body."""
    light = np.zeros(shape)
    points: list[Light] = []
    for _ in range(int(rng.integers(1, 4))):
        start = rng.uniform(0, 1, 2) * shape
        if rng.random() < 0.5:
            part = window(shape, start, 30)
            if part is not None:
                radii = rng.uniform(7, 16, 2)
                light[part] += 1.2 * soft(blob(part, start, (radii[0], radii[1]), 0.15, rng), 1.0)
        for _ in range(int(rng.integers(2, 7))):
            _grow(points, start, rng.uniform(0, 2 * np.pi), rng.uniform(1.0, 3.0), 0, rng)
    y, x, weight = np.concatenate(points, axis=1)
    return np.clip(light + splat(shape, y, x, weight), 0, 3)


def _grow(
    points: list[Light], place: Light, heading: float, width: float, order: int, rng: np.random.Generator
) -> None:
    """Append a branch and its child branches to a list of points (row, column, weight)."""
    length = int(rng.integers(80, 360))
    angle = heading + 0.02 * np.cumsum(rng.normal(0, 0.3, length)) + rng.normal(0, 0.03, length)
    y, x = place[0] + np.cumsum(0.5 * np.sin(angle)), place[1] + np.cumsum(0.5 * np.cos(angle))
    aside = rng.normal(0, 0.6 * width, (6, length))
    points.append(_beside(y, x, angle, aside, np.full((6, length), 0.09)))
    has = rng.random(length) < rng.choice([0, 0.05])
    away = rng.choice([-1, 1], has.sum()) * (width + rng.uniform(1, 3, has.sum()))
    points.append(_beside(y[has], x[has], angle[has], away, rng.uniform(0.5, 2, has.sum())))
    if order < 3 and width > 0.6:
        at = int(rng.uniform(0.3, 1) * (length - 1))
        for turn in rng.normal(0, 0.6, rng.integers(1, 3)):
            _grow(points, np.array([y[at], x[at]]), angle[at] + turn, 0.7 * width, order + 1, rng)


def _beside(y: Light, x: Light, angle: Light, distance: Light, weight: Light) -> Light:
    """Return points at a distance from a line: rows, columns and weights, shape (3, N)."""
    both = np.broadcast_arrays(y + distance * np.cos(angle), x - distance * np.sin(angle), weight)
    return np.stack([part.ravel() for part in both])
