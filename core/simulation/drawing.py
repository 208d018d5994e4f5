"""Pieces every simulated specimen is drawn with: points, outlines, soft edges, textures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Light = NDArray[np.float64]
"""Emitted or detected light, shape (Y, X)."""


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
