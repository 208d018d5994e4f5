"""Pages of text, drawn with strokes: a target whose sharp edges show what a deconvolution recovers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from core.simulation.drawing import Light, soft

LETTERS = {
    "a": "26-36-45-42 44-34-23-32-42", "b": "18-12 15-26-36-45-43-32-22-13", "c": "45-36-26-15-13-22-32-43",
    "d": "48-42 45-36-26-15-13-22-32-43", "e": "14-44-45-36-26-15-13-22-42", "f": "22-27-38-48 15-45",
    "g": "46-41-30-20-11 45-36-26-15-13-22-32-43", "h": "18-12 15-26-36-45-42", "i": "26-22 28-29",
    "j": "36-31-20-10 38-39", "k": "18-12 46-14-42", "l": "28-23-32", "m": "16-12 15-26-34-32 34-46-56-52",
    "n": "16-12 15-26-36-45-42", "o": "26-36-45-43-32-22-13-15-26", "p": "16-10 15-26-36-45-43-32-22-13",
    "q": "46-40 45-36-26-15-13-22-32-43", "r": "16-12 15-26-36", "s": "45-36-26-15-24-34-43-32-22-13",
    "t": "28-23-32-42 16-46", "u": "16-13-22-32-43 46-42", "v": "16-22-46", "w": "16-22-35-42-56",
    "x": "16-42 46-12", "y": "16-32 46-20-10", "z": "16-46-12-42",
}  # fmt: skip
"""Strokes of each letter: points "xy" joined by dashes. Height 2 is the base line, 6 the height of an x."""

BODY = 10
"""Distance of lines in units of the letters."""

SIZES = (1.0, 1.6, 2.6)
"""Units of the letters in pixels, one line after the other; an x is 4 units high."""

Shape = tuple[int, int]


def page(shape: Shape, rng: np.random.Generator, sizes: tuple[float, ...] = SIZES) -> Light:
    """Draw a page of random words in lines of several sizes.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    rng : Generator
        Source of randomness.
    sizes : tuple of float
        Units of the letters in pixels, one line after the other.

    Returns
    -------
    ndarray, shape (Y, X)
        1 in the strokes, 0 outside.
    """
    light = np.zeros(shape)
    top, line = 0.0, 0
    while top < shape[0]:
        size = sizes[line % len(sizes)] * rng.uniform(0.9, 1.1)
        base = top + 8 * size
        for letter, left in _words(shape[1] / size, rng):
            for one, other in _strokes(letter):
                start = (base - (one[1] - 2) * size, (left + one[0]) * size)
                stop = (base - (other[1] - 2) * size, (left + other[0]) * size)
                _draw_stroke(light, start, stop, 0.35 * size)
        top += BODY * size
        line += 1
    return light


def _words(width: float, rng: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Yield letters and their positions, in units of the letters, until a line is full."""
    at, letters = float(rng.uniform(-3, 1)), sorted(LETTERS)
    while at < width:
        for _ in range(int(rng.integers(2, 9))):
            letter = letters[int(rng.integers(len(letters)))]
            yield letter, at
            at += 7.0 if letter in "mw" else 3.6 if letter in "il" else 5.2
        at += 3.0


def _strokes(letter: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for line in LETTERS[letter].split():
        points = [(int(point[0]), int(point[1])) for point in line.split("-")]
        yield from pairwise(points)


def _draw_stroke(light: Light, start: tuple[float, float], stop: tuple[float, float], radius: float) -> None:
    """Draw a stroke with round ends, in place."""
    reach = radius + 1.5
    rows = slice(*_limits(start[0], stop[0], reach, light.shape[0]))
    columns = slice(*_limits(start[1], stop[1], reach, light.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    y, x = np.mgrid[rows, columns].astype(float)
    dy, dx = stop[0] - start[0], stop[1] - start[1]
    along = np.clip(((y - start[0]) * dy + (x - start[1]) * dx) / (dy**2 + dx**2), 0, 1)
    distance = np.hypot(y - start[0] - along * dy, x - start[1] - along * dx)
    light[rows, columns] = np.maximum(light[rows, columns], soft(radius - distance, 0.35))


def _limits(one: float, other: float, reach: float, size: int) -> tuple[int, int]:
    low, high = min(one, other) - reach, max(one, other) + reach
    return max(0, int(np.floor(low))), min(size, int(np.ceil(high)) + 1)
