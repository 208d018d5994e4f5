"""Moving specimens: drift, flow, independently moving vesicles, blinking, activity, jitter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.simulation import optics, textures
from core.simulation.drawing import Light, band, soft, splat, undulation
from core.simulation.scenes import FILLING, FLUORESCENT, Specimen

Shape = tuple[int, int]

MARGIN = 16
"""Border, in pixels, drawn around the image, so that structures that move into the image are known."""


def moving_scene(frames: int, shape: Shape, rng: np.random.Generator, draw: Specimen | None = None) -> Light:
    """Draw independently moving layers, imaged with one microscope.

    Parameters
    ----------
    frames : int
        Number of frames, evenly spaced in time.
    shape : (int, int)
        Rows and columns.
    rng : Generator
        Source of randomness.
    draw : Specimen, optional
        The only specimen, which always moves; by default a random mixture.

    Returns
    -------
    ndarray, shape (T, Y, X)
        Light on the detector, 0 or more, in arbitrary units.
    """
    jitter = rng.normal(0, rng.uniform(0.2, 2.5), (frames, 2)) * (rng.random() < 0.15)
    total = np.zeros((frames, *shape))
    if draw is not None:
        total += layer(draw, frames, shape, jitter, rng, still=0.0)
    elif rng.random() < 0.25:
        filling = FILLING[rng.integers(len(FILLING))]
        total += layer(filling, frames, shape, jitter, rng, still=0.1)
    else:
        swarming = rng.random() < 0.55
        number = rng.integers(0 if swarming and rng.random() < 0.3 else 1, 3)
        for index in rng.choice(len(FLUORESCENT), number, replace=False):
            light = layer(FLUORESCENT[index], frames, shape, jitter, rng, still=0.6 if swarming else 0.1)
            total += rng.uniform(0.15, 1) * light
        if swarming:
            total += rng.uniform(0.3, 1.5) * swarm(frames, shape, jitter, rng)
        if rng.random() < 0.3:
            total += rng.uniform(0.03, 0.5) * textures.haze(shape, rng)
    if rng.random() < 0.15:  # fluctuations of the lamp
        total *= np.exp(rng.normal(0, rng.uniform(0.02, 0.25), (frames, 1, 1)))
    return _focus(total, rng)


def layer(
    draw: Specimen, frames: int, shape: Shape, jitter: Light, rng: np.random.Generator, *, still: float
) -> Light:
    """Draw a specimen that is static (probability `still`), drifts, flows, bleaches or lights up locally.

    Parameters
    ----------
    draw : Specimen
        Specimen to draw.
    frames : int
        Number of frames.
    shape : (int, int)
        Rows and columns.
    jitter : ndarray, shape (T, 2)
        Additional shift of every frame in pixels.
    rng : Generator
        Source of randomness.
    still : float
        Probability, 0 to 1, that the specimen is static.

    Returns
    -------
    ndarray, shape (T, Y, X)
        Emitted light, 0 or more.
    """
    resting, time = rng.random() < still, np.linspace(-1, 1, frames)
    if resting and not jitter.any():
        stack = np.repeat(draw(shape, rng)[None], frames, axis=0)
    else:
        canvas = draw((shape[0] + 2 * MARGIN, shape[1] + 2 * MARGIN), rng)
        shifts, flows, pace = jitter, np.zeros((0, 2, *shape)), np.zeros((0, frames))
        if not resting and rng.random() < 0.6:
            shifts = shifts + drift(frames, rng)
        if not resting and (shifts is jitter or rng.random() < 0.4):
            flows, pace = flow(frames, shape, rng)
        stack = np.stack([warp(canvas, shifts[t], flows, pace[:, t]) for t in range(frames)])
    if rng.random() < 0.25:  # bleaching
        stack *= np.exp(-rng.uniform(0.1, 1.2) * (time + 1))[:, None, None]
    if draw in FLUORESCENT and rng.random() < 0.25:  # parts light up, as in calcium imaging
        where = soft(band(shape, rng.uniform(6, 40), 1, rng) - rng.uniform(0, 1.5), 0.15)
        when = np.exp(-(((time - rng.uniform(-1, 1)) / rng.uniform(0.1, 1)) ** 2))
        stack *= 1 + rng.uniform(0.3, 3) * when[:, None, None] * where
    return stack


def clock(frames: int) -> Light:
    """Return the time of every frame, 0 in the middle: one unit per frame, but at most 4 units in total."""
    time: Light = np.arange(frames, dtype=float) - (frames - 1) / 2
    return time * min(1.0, 4 / max(frames - 1, 1))


def drift(frames: int, rng: np.random.Generator) -> Light:
    """Draw a smooth path (T, 2) in pixels, with position 0 in the middle and at most 8 pixels per frame."""
    speed, time = np.exp(rng.uniform(np.log(0.1), np.log(8))), clock(frames)
    heading = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.15) * time
    return np.stack([speed * time * np.sin(heading), speed * time * np.cos(heading)], axis=1)


def flow(frames: int, shape: Shape, rng: np.random.Generator) -> tuple[Light, Light]:
    """Draw two smooth displacement fields (2, 2, Y, X) in pixels, and their weights in time (2, T)."""
    knots, size = int(rng.integers(3, 9)), np.exp(rng.uniform(np.log(0.3), np.log(4)))
    fields = size * np.stack([[undulation(shape, knots, rng) for _ in range(2)] for _ in range(2)])
    time = clock(frames)
    turn = rng.uniform(0.1, 0.8) * time + rng.uniform(0, 2 * np.pi)
    return fields, np.stack([0.6 * time, np.sin(turn)])


def warp(canvas: Light, shift: Light, flows: Light, shares: Light) -> Light:
    """Shift a canvas and deform it by weighted displacement fields; crop its margin."""
    rows, columns = (n - 2 * MARGIN for n in canvas.shape)
    y, x = np.mgrid[:rows, :columns] + (MARGIN - shift)[:, None, None]
    for field, share in zip(flows, shares, strict=True):
        y, x = y - share * field[0], x - share * field[1]
    return np.asarray(ndimage.map_coordinates(canvas, [y, x], order=1, mode="reflect"), float)


def swarm(frames: int, shape: Shape, jitter: Light, rng: np.random.Generator) -> Light:
    """Draw puncta, rods or rings that move independently; some appear and disappear.

    Steps are 0.5 to 14 pixels per frame: persistent, random, or interrupted by rests. In some sequences the
    objects are blurred along their path during the exposure.
    """
    number = int(np.exp(rng.uniform(np.log(4), np.log(300))))
    speed = np.exp(rng.uniform(np.log(0.5), np.log(14))) * rng.gamma(4, 0.25, number)
    turn = np.cumsum(rng.normal(0, rng.choice([0.05, 0.3, 3.0]), (frames + 1, number)), axis=0)
    heading = rng.uniform(0, 2 * np.pi, number) + turn
    going = rng.random((frames + 1, number)) < rng.choice([0.6, 1.0])
    steps = np.stack([np.sin(heading), np.cos(heading)]) * speed * going
    place = rng.uniform(-20, 20 + np.array(shape)[:, None], (2, number))
    path = place[:, None] + np.cumsum(steps, axis=1) - steps.sum(axis=1, keepdims=True) / 2

    body, radius = _body(rng)
    number_long = rng.uniform(0.6, 1.6, number)
    brightness = rng.gamma(rng.uniform(1, 6), 1.0, number)
    shown = np.ones((frames, number))
    if rng.random() < 0.45:  # blinking, or appearing and disappearing once
        shown = (rng.random((frames, number)) < rng.uniform(0.3, 0.95)).astype(float)
        if rng.random() < 0.6:
            when = rng.uniform(-frames, frames, number), rng.uniform(0, 2 * frames, number)
            now = np.arange(frames)[:, None]
            shown = ((now >= when[0]) & (now <= when[1])).astype(float)
    parts = int(rng.choice([1, 3]))
    open_for = rng.uniform(0, 1)
    stack = np.zeros((frames, *shape))
    for t in range(frames):
        for part in range(parts):
            y, x = path[:, t] + steps[:, t + 1] * open_for * part / parts + jitter[t][:, None]
            sine, cosine = np.sin(heading[t]), np.cos(heading[t])
            along, across = body[0][:, None] * number_long, body[1][:, None]
            weight = np.broadcast_to(brightness * shown[t] / parts / len(body[0]), along.shape)
            y, x = y + along * sine + across * cosine, x + along * cosine - across * sine
            stack[t] += splat(shape, y, x, weight)
        stack[t] = optics.gaussian(stack[t], radius)
    lit = stack[stack >= 0.02 * stack.max()]
    return np.asarray(stack / (np.percentile(lit, 95) + 1e-9), float)


def _body(rng: np.random.Generator) -> tuple[tuple[Light, Light], float]:
    """Return the points of a punctum, rod or ring along and across its heading, and the blur to join them."""
    chance = rng.random()
    if chance < 0.6:
        return (np.zeros(1), np.zeros(1)), rng.uniform(0.5, 1.6)
    if chance < 0.85:  # bacteria
        radius, half = rng.uniform(1.5, 4.5), rng.uniform(1, 10)
        along, across = np.meshgrid(
            np.arange(-half - radius, half + radius, 0.7), np.arange(-radius, radius + 0.1, 0.7)
        )
        inside = np.hypot(along - np.clip(along, -half, half), across) <= radius
        return (along[inside], across[inside]), 0.6
    angle, radius = np.linspace(0, 2 * np.pi, 60, endpoint=False), rng.uniform(2, 8)
    return (radius * np.sin(angle), radius * np.cos(angle)), 0.7


def _focus(stack: Light, rng: np.random.Generator) -> Light:
    """Blur every frame by the same microscope, with focus drift in some sequences; add haze."""
    width: NDArray[np.float64] = np.full(len(stack), np.exp(rng.uniform(np.log(0.45), np.log(2.4))))
    if rng.random() < 0.15:
        time = np.linspace(-1, 1, len(stack)) - rng.uniform(-1, 1)
        width = np.hypot(width, rng.uniform(0.5, 3) * time)
    share, reach = rng.uniform(0.1, 0.9) * (rng.random() < 0.4), rng.uniform(5, 18)
    for frame, sigma in zip(stack, width, strict=True):
        frame[...] = optics.gaussian(frame, sigma)
        if share:
            frame[...] = optics.with_haze(frame, share, reach)
    return stack
