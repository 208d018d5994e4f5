"""Elements of simulated specimens: points, outlines, soft edges, textures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Light = NDArray[np.float64]
"""Emitted or detected light, shape (Y, X)."""


def spread(count: int, shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Return points (N, 2) far from each other and from the border, each the best of many candidates."""
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
    """Return the distance from a closed curve around a centre, along the ray, in radii; positive inside.

    The radius varies with the angle by five harmonics with amplitude `wobble` / order.
    """
    y, x = (grid - middle for grid, middle in zip(np.ogrid[: shape[0], : shape[1]], centre, strict=True))
    angle = np.arctan2(y, x)
    reach = np.ones(shape)
    for order in range(2, 7):
        reach += wobble * 2 / order * rng.uniform(0.4, 1) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    distance: Light = reach - np.hypot(y, x) / radius
    return distance


def soft(distance: Light, width: float) -> Light:
    """Convert a distance in pixels to a mask, 0 outside and 1 inside, with an edge of width `width`."""
    edge: Light = 1 / (1 + np.exp(-np.clip(distance / width, -40, 40)))
    return edge


def smooth_noise(number: int, length: int, rng: np.random.Generator) -> Light:
    """Return unit-variance noise along lines, shape (number, length), correlated over about ten steps."""
    noise = ndimage.gaussian_filter1d(rng.standard_normal((number, length)), 8.0, axis=1, mode="reflect")
    unit: Light = noise / noise.std()
    return unit


def splat(shape: tuple[int, int], y: Light, x: Light, weight: Light) -> Light:
    """Draw points of light at subpixel positions by bilinear weights on the four nearest pixels."""
    row, column = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    total = np.zeros(shape[0] * shape[1])
    for down in (0, 1):
        for right in (0, 1):
            part = weight * np.abs(1 - down - (y - row)) * np.abs(1 - right - (x - column))
            r, c = row + down, column + right
            keep = (r >= 0) & (r < shape[0]) & (c >= 0) & (c < shape[1])
            total += np.bincount(r[keep] * shape[1] + c[keep], part[keep], minlength=total.size)
    return total.reshape(shape)


def fractal(shape: tuple[int, int], power: float, rng: np.random.Generator) -> Light:
    """Return noise of zero mean and unit variance whose amplitude spectrum is frequency ** -power."""
    wave = fft.rfft2(rng.standard_normal(shape, np.float32))
    frequency = np.hypot(*np.meshgrid(fft.fftfreq(shape[0]), fft.rfftfreq(shape[1]), indexing="ij"))
    frequency[0, 0] = np.inf
    noise = fft.irfft2(wave / frequency.astype(np.float32) ** power, s=shape)
    unit: Light = noise / (noise.std() + 1e-12)
    return unit


def band(shape: tuple[int, int], size: float, stretch: float, rng: np.random.Generator) -> Light:
    """Return unit-variance noise with blobs about `size` pixels wide, elongated by the factor `stretch`."""
    wave = fft.rfft2(rng.standard_normal(shape, np.float32))
    y, x = np.meshgrid(fft.fftfreq(shape[0]), fft.rfftfreq(shape[1]), indexing="ij")
    turn = rng.uniform(0, np.pi)
    along, across = y * np.cos(turn) + x * np.sin(turn), x * np.cos(turn) - y * np.sin(turn)
    radius = np.hypot(along * stretch, across) * size * 2
    noise = fft.irfft2(wave * (radius * np.exp(-(radius**2))).astype(np.float32), s=shape)
    unit: Light = noise / (noise.std() + 1e-12)
    return unit


def undulation(shape: tuple[int, int], knots: int, rng: np.random.Generator) -> Light:
    """Return smooth noise of about unit variance, with about `knots` bends along each axis; fast."""
    grid = np.arange(-1, knots + 1)
    down, right = (np.exp(-0.5 * ((np.linspace(0, knots - 1, n)[:, None] - grid) / 0.7) ** 2) for n in shape)
    down, right = (part / np.sqrt((part**2).sum(axis=1, keepdims=True)) for part in (down, right))
    field: Light = down @ rng.standard_normal((knots + 2, knots + 2)) @ right.T
    return field


def walks(
    number: int, length: int, bend: float, rng: np.random.Generator, shape: tuple[int, int], step: float = 0.5
) -> tuple[Light, Light]:
    """Return persistent random walks with random starting points: rows and columns, each (number, length)."""
    turns = bend * (smooth_noise(number, length, rng) + rng.normal(0, 0.3, (number, 1)))
    heading = rng.uniform(0, 2 * np.pi, (number, 1)) + np.cumsum(turns, axis=1)
    y = rng.uniform(-10, shape[0] + 10, (number, 1)) + np.cumsum(step * np.sin(heading), axis=1)
    x = rng.uniform(-10, shape[1] + 10, (number, 1)) + np.cumsum(step * np.cos(heading), axis=1)
    return y, x


def window(shape: tuple[int, int], centre: Light, reach: float) -> tuple[slice, slice] | None:
    """Return the part of an image within `reach` of a centre, or None if it is empty."""
    low = np.maximum(np.floor(np.asarray(centre) - reach), 0).astype(int)
    high = np.minimum(np.ceil(np.asarray(centre) + reach) + 1, shape).astype(int)
    if (high <= low).any():
        return None
    return slice(low[0], high[0]), slice(low[1], high[1])


def blob(
    part: tuple[slice, slice],
    centre: Light,
    radii: tuple[float, float],
    wobble: float,
    rng: np.random.Generator,
) -> Light:
    """Return the distance in pixels from the edge of a rotated, irregular ellipse; positive inside."""
    y, x = np.ogrid[part]
    turn = rng.uniform(0, np.pi)
    dy, dx = y - centre[0], x - centre[1]
    u, v = (
        (dy * np.cos(turn) + dx * np.sin(turn)) / radii[0],
        (dx * np.cos(turn) - dy * np.sin(turn)) / radii[1],
    )
    if wobble == 0:
        return np.asarray((1 - np.hypot(u, v)) * min(radii))
    angle = np.arctan2(v, u)
    edge = np.ones(angle.shape)
    for order in range(2, 6):
        edge += wobble * 2 / order * rng.uniform(0, 1) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    distance: Light = (edge - np.hypot(u, v)) * min(radii)
    return distance
