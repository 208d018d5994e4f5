"""Three-dimensional specimens: thin slabs of light, imaged in and out of focus.

The image of a plane at depth z contains the light of a slab at depth s, blurred more the larger
abs(z - s) is. A confocal microscope also attenuates it. Depths are in depths of field, the width of the
axial point spread function. One depth of field equals about five standard deviations of the lateral point
spread function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from core.simulation.drawing import Light, band, soft, splat, undulation, walks, window

Shape = tuple[int, int]

DEPTH = 5.0
"""Depth of field in standard deviations of the lateral point spread function."""

SLAB = 0.5
"""Distance between slabs in depths of field."""

MARGIN = 16
"""Width of the border, in pixels, that is drawn around the image because its light reaches the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Microscope:
    """A microscope with a point spread function that depends on depth.

    Attributes
    ----------
    width : float
        Standard deviation of the lateral point spread function in focus, in pixels.
    confocal : bool
        Whether out-of-focus light is attenuated, and not only blurred.
    """

    width: float
    confocal: bool

    def blur(self, distance: float) -> float:
        """Return the standard deviation, in pixels, of the point spread function at a distance from focus."""
        return float(self.width * np.hypot(1, (0.8 if self.confocal else 2.0) * distance))

    def share(self, distance: float) -> float:
        """Return the fraction of light detected at a distance from focus, 0 to 1."""
        return float(np.exp(-0.5 * (distance / 0.42) ** 2)) if self.confocal else 1.0


class Body(Protocol):
    """A specimen that emits light at every depth."""

    def at(self, depth: float) -> Light:
        """Return the light of the slab at a depth, shape (Y, X)."""


def image_planes(
    bodies: list[Body], planes: NDArray[np.float64], microscope: Microscope, shape: Shape
) -> Light:
    """Image specimens at several focus positions.

    Parameters
    ----------
    bodies : list of Body
        Specimens, drawn on a canvas that is larger than the image by `MARGIN` on every side.
    planes : ndarray, shape (Z,)
        Focus positions, ascending, in depths of field.
    microscope : Microscope
        Point spread function.
    shape : (int, int)
        Rows and columns of the image.

    Returns
    -------
    ndarray, shape (Z, Y, X), float64
        Light on the detector, 0 or more.
    """
    canvas = (shape[0] + 2 * MARGIN, shape[1] + 2 * MARGIN)
    y, x = fft.fftfreq(canvas[0]), fft.rfftfreq(canvas[1])
    waves = np.zeros((len(planes), len(y), len(x)), np.complex64)
    for slab in np.arange(planes[0] - 2, planes[-1] + 2 + SLAB, SLAB):
        wave = None
        for plane, depth in zip(waves, planes, strict=True):
            share, blur = microscope.share(abs(depth - slab)), microscope.blur(abs(depth - slab))
            if share < 1e-3:
                continue
            if wave is None:
                light = sum((body.at(float(slab)) for body in bodies), np.zeros(canvas))
                wave = fft.rfft2(light.astype(np.float32))
            down, right = (np.exp(-2 * (np.pi * blur * f) ** 2).astype(np.float32) for f in (y, x))
            plane += wave * (share * down[:, None]) * right
    stack = fft.irfft2(waves, s=canvas)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    return np.asarray(np.maximum(stack, 0), float)


class Surface:
    """A bent and tilted flat specimen: a membrane, a sheet of cells or a layer of filaments."""

    def __init__(self, light: Light, reach: float, rng: np.random.Generator) -> None:
        self.light = light
        bend = undulation(light.shape, int(rng.integers(2, 6)), rng)
        y, x = np.ogrid[-1 : 1 : light.shape[0] * 1j, -1 : 1 : light.shape[1] * 1j]
        tilt = rng.normal(0, 1, 2)
        depth = tilt[0] * y + tilt[1] * x + 0.7 * bend
        self.depth = rng.uniform(-0.3, 0.3) * reach + 0.5 * rng.uniform(0.1, 1) * reach * depth

    def at(self, depth: float) -> Light:
        """Return the light of the slab at a depth, shape (Y, X)."""
        share = np.clip(1 - np.abs(self.depth - depth) / SLAB, 0, None)
        return np.asarray(self.light * share, float)


class Points:
    """Point sources in space: inclined filaments, or puncta."""

    def __init__(self, shape: Shape, reach: float, rng: np.random.Generator) -> None:
        self.shape = shape
        if rng.random() < 0.5:
            number, length = int(rng.integers(5, 70)), int(rng.integers(80, 500))
            y, x = walks(number, length, np.exp(rng.uniform(np.log(0.002), np.log(0.06))), rng, shape)
            rise = rng.normal(0, 0.004 * reach, (number, 1)) * np.linspace(-length / 2, length / 2, length)
            z = rng.normal(0, 0.35 * reach, (number, 1)) + 0.5 * rise
            weight = np.broadcast_to(rng.gamma(rng.uniform(1, 8), 1.0, (number, 1)), y.shape)
        else:
            number = int(np.exp(rng.uniform(np.log(30), np.log(2500))))
            y, x = rng.uniform(0, 1, (2, number)) * np.array(shape)[:, None]
            z = rng.uniform(-0.5, 0.5, number) * (reach + 3)
            weight = 6 * rng.gamma(rng.uniform(0.7, 4), 1.0, number)
        order = np.argsort(z, axis=None)
        self.z, self.y, self.x, self.weight = (part.ravel()[order] for part in (z, y, x, weight))

    def at(self, depth: float) -> Light:
        """Return the light of the slab at a depth, shape (Y, X)."""
        near = slice(*np.searchsorted(self.z, [depth - SLAB, depth + SLAB]))
        share = 1 - np.abs(self.z[near] - depth) / SLAB
        return splat(self.shape, self.y[near], self.x[near], self.weight[near] * share)


class Ellipsoids:
    """Nuclei, cells, bacteria or vesicles: ellipsoids, textured or hollow."""

    def __init__(self, shape: Shape, reach: float, scale: float, rng: np.random.Generator) -> None:
        self.shape, self.hollow = shape, rng.random() < 0.2
        size = np.exp(rng.uniform(np.log(2), np.log(34)))
        number = int(rng.uniform(0.1, 1.2) * shape[0] * shape[1] / (np.pi * size**2) * (1 + reach / 8))
        self.bodies = []
        for _ in range(np.clip(number, 3, 60)):
            centre, radii = rng.uniform(0, 1, 2) * shape, size * rng.uniform(0.6, 1.5, 2)
            part = window(shape, centre, float(radii.max()))
            if part is None:
                continue
            y, x = np.ogrid[part]
            turn = rng.uniform(0, np.pi)
            u = ((y - centre[0]) * np.cos(turn) + (x - centre[1]) * np.sin(turn)) / radii[0]
            v = ((x - centre[1]) * np.cos(turn) - (y - centre[0]) * np.sin(turn)) / radii[1]
            thick = max(0.4, float(radii.min()) * rng.uniform(0.6, 1.2) / scale)
            half = thick * np.sqrt(np.maximum(1 - u**2 - v**2, 0))
            self.bodies.append((part, rng.uniform(-0.5, 0.5) * (reach + 2), half, rng.gamma(6, 1 / 6)))
        self.texture = Texture(shape, rng.uniform(1.5, 6), scale, rng)
        self.contrast = rng.uniform(0, 0.4)

    def at(self, depth: float) -> Light:
        """Return the light of the slab at a depth, shape (Y, X)."""
        light = np.zeros(self.shape)
        for part, middle, half, brightness in self.bodies:
            away = abs(middle - depth)
            if away < half.max() + SLAB / 2:
                inside = _overlap(half, away)
                if self.hollow:
                    inside -= 0.9 * _overlap(0.85 * half - 0.1, away)
                light[part] = np.maximum(light[part], brightness * inside)
        if self.contrast and light.any():
            light *= np.clip(1 + self.contrast * self.texture.noise(depth), 0.2, None)
        return light


def _overlap(half: Light, away: float) -> Light:
    """Return the fraction of a slab inside a body of half thickness `half`, at a distance from its centre."""
    top, bottom = np.minimum(half, away + SLAB / 2), np.maximum(-half, away - SLAB / 2)
    return np.clip((top - bottom) / SLAB, 0, 1) * (half > 0)


class Texture:
    """Tissue: elongated blobs whose texture changes along depth as fast as laterally."""

    def __init__(self, shape: Shape, size: float, scale: float, rng: np.random.Generator) -> None:
        stretch = float(rng.choice([1.0, 2.5]))
        self.fields = [band(shape, size, stretch, rng).astype(np.float32) for _ in range(3)]
        self.waves = rng.uniform(0, 2 * np.pi, 3), rng.uniform(0.5, 1.5, 3) * scale / (2 * size)
        self.level, self.edge = rng.uniform(-0.5, 1.5), rng.uniform(0.1, 0.5)

    def noise(self, depth: float) -> Light:
        """Return a texture of zero mean and about unit variance at a depth, shape (Y, X)."""
        shares = np.sqrt(2 / 3) * np.cos(self.waves[0] + self.waves[1] * depth)
        mixed: Light = sum(share * field for share, field in zip(shares, self.fields, strict=True))
        return mixed

    def at(self, depth: float) -> Light:
        """Return the light of the slab at a depth, shape (Y, X)."""
        return SLAB * soft(self.noise(depth) - self.level, self.edge)


def depths(planes: int, rng: np.random.Generator, step: float | None = None) -> NDArray[np.float64]:
    """Return depths of planes, centred on 0, in steps of `step` or of a random 0.15 to 3 depths of field."""
    step = np.exp(rng.uniform(np.log(0.15), np.log(3))) if step is None else step
    return np.asarray(step * (np.arange(planes) - (planes - 1) / 2))


def attenuation(planes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the brightness of each plane; in some volumes it decreases with depth."""
    rate = rng.uniform(0.02, 0.3) * (rng.random() < 0.3) * rng.choice([-1, 1])
    return np.asarray(np.exp(-np.clip(rate * (planes - planes[0]), -1.5, 1.5)))
