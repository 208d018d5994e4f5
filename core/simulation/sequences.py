"""Random sequences of planes, time lapses and volumes, scaled like `scene`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.simulation import depth, textures
from core.simulation.depth import Body, Ellipsoids, Microscope, Points, Surface, Texture
from core.simulation.drawing import Light
from core.simulation.motion import MARGIN, flow, moving_scene, warp
from core.simulation.scenes import FILLING, FLUORESCENT, SIDE, Specimen, expose, scene
from core.simulation.specimens import Shape

Seed = int | tuple[int, ...]

STILL = 0.25
"""Fraction of time lapses without motion."""

CUT = 0.04
"""Fraction of time lapses with a sudden change of scene."""


def time_lapse(seed: Seed, frames: int = 5, shape: Shape = (SIDE, SIDE)) -> NDArray[np.float32]:
    """Return a random time lapse of a moving or static scene.

    Parameters
    ----------
    seed : int or tuple of int
        The same seed gives the same pixels.
    frames : int
        Number of frames, 1 or more.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    ndarray, shape (T, Y, X), float32
        Light on the detector, 0 to 3; the 99.8th percentile of all pixels is about 1.
    """
    rng = np.random.default_rng(seed)
    chance = rng.random()
    if chance < STILL:
        return np.repeat(scene(int(rng.integers(2**62)), shape)[None], frames, axis=0)
    light = moving_scene(frames, shape, rng)
    if chance > 1 - CUT and frames > 1:
        cut, after = rng.integers(1, frames), moving_scene(frames, shape, rng)
        light[cut:] = after[cut:] * light.mean() / (after.mean() + 1e-9)
    return expose(_compress(light), rng)


def volume(
    seed: Seed,
    planes: int = 5,
    shape: Shape = (SIDE, SIDE),
    draw: Specimen | None = None,
    *,
    step: float | None = None,
) -> NDArray[np.float32]:
    """Return a random volume.

    Parameters
    ----------
    seed : int or tuple of int
        The same seed gives the same pixels.
    planes : int
        Number of planes, 1 or more.
    shape : (int, int)
        Rows and columns.
    draw : Specimen, optional
        The only specimen, as bent layers or as sections; by default a random mixture.
    step : float, optional
        Distance of the planes in depths of field; by default random from 0.15 to 3.

    Returns
    -------
    ndarray, shape (Z, Y, X), float32
        Light on the detector, 0 to 3; the 99.8th percentile of all pixels is about 1.
    """
    rng = np.random.default_rng(seed)
    depths = depth.depths(planes, rng, step)
    if draw in FILLING if draw else rng.random() < 0.2:
        light = _sections(depths, shape, rng, draw)
    else:
        light = _image_bodies(depths, shape, rng, draw)
    return expose(_compress(light) * depth.attenuation(depths, rng)[:, None, None], rng)


def _compress(light: Light) -> Light:
    """Compress the brightest points of sparse sequences, so that few are clipped."""
    light = light / (np.percentile(light[:, ::2, ::2], 99.8) + 1e-9)
    return np.where(light > 1, 1 + 0.5 * np.log(np.maximum(2 * light - 1, 1)), light)


def _image_bodies(
    depths: NDArray[np.float64], shape: Shape, rng: np.random.Generator, draw: Specimen | None
) -> Light:
    """Image one to three three-dimensional specimens with a widefield or a confocal microscope."""
    microscope = Microscope(width=np.exp(rng.uniform(np.log(0.7), np.log(2.4))), confocal=rng.random() < 0.6)
    canvas = (shape[0] + 2 * depth.MARGIN, shape[1] + 2 * depth.MARGIN)
    reach, scale = float(depths[-1] - depths[0]), depth.DEPTH * microscope.width
    light = np.zeros((len(depths), *shape))
    for _ in range(rng.integers(1, 4) if draw is None else int(np.clip(reach + 1, 3, 8))):
        body: Body
        chance = rng.random()
        if draw is not None or chance < 0.4:
            flat = (draw or FLUORESCENT[rng.integers(len(FLUORESCENT))])(canvas, rng)
            body = Surface(flat, reach + 1, rng)
        elif chance < 0.65:
            body = Points(canvas, reach + 1, rng)
        elif chance < 0.9:
            body = Ellipsoids(canvas, reach, scale, rng)
        else:
            body = Texture(canvas, np.exp(rng.uniform(np.log(2), np.log(20))), scale, rng)
        part = depth.image_planes([body], depths, microscope, shape)
        bright = np.percentile(part[:, ::2, ::2], 99.5) + 0.01 * part.max() + 1e-9
        light += rng.uniform(0.15, 1) / bright * part
    if rng.random() < 0.3:
        light += rng.uniform(0.03, 0.5) * textures.haze(shape, rng)
    return light


def _sections(
    depths: NDArray[np.float64], shape: Shape, rng: np.random.Generator, draw: Specimen | None
) -> Light:
    """Draw thin sections of a space-filling specimen, each slightly displaced and changed."""
    draw = draw or FILLING[rng.integers(len(FILLING))]
    canvas = (shape[0] + 2 * MARGIN, shape[1] + 2 * MARGIN)
    first, second = draw(canvas, rng), draw(canvas, rng)
    flows, _ = flow(len(depths), shape, rng)
    turn = 0.5 * depths + rng.uniform(0, 2 * np.pi)
    other = np.clip(0.25 * depths * rng.choice([-1, 1]) + rng.uniform(-0.2, 0.6), 0, 1)
    stack = [
        warp((1 - share) * first + share * second, np.zeros(2), flows, np.array([z, np.sin(angle)]))
        for z, angle, share in zip(depths, turn, other, strict=True)
    ]
    return np.stack(stack)
