"""Energy of an image in small blocks, in frequency bands where noise dominates structure.

Every filter has unit energy: white noise of variance v has the energy v in each band. Structure blurred by
the optics has little energy in these bands, and less in the higher one.
"""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIDE = 8
"""Rows and columns of a block."""

MARGIN = 2
"""Width of the border of a plane, in pixels, that is used only by the filters."""

Plane = NDArray[np.float32]
Values = NDArray[np.float64]


class Blocks(NamedTuple):
    """One value per block, or per half block (the pixels of one colour of a chessboard).

    Attributes
    ----------
    energy : ndarray, shape (N,)
        Mean square in the band, in counts squared.
    mean : ndarray, shape (N,)
        Mean of the pixels, in counts.
    instrument : ndarray, shape (N,)
        A mean whose noise is independent of `mean` and `energy`; equal to `mean` if its noise is negligible.
    structure : ndarray, shape (N,)
        Mean square in another band, in which structure is stronger.
    """

    energy: Values
    mean: Values
    instrument: Values
    structure: Values

    def select(self, keep: NDArray[np.bool_]) -> Blocks:
        """Return the blocks for which `keep` is true."""
        return Blocks(*(values[keep] for values in self))


def interior(plane: Plane) -> Plane:
    """Crop a plane to the part covered by blocks; its sides are multiples of `SIDE`."""
    rows, columns = ((n - 2 * MARGIN) // SIDE * SIDE for n in plane.shape)
    return plane[MARGIN : MARGIN + rows, MARGIN : MARGIN + columns]


def block_means(pixels: NDArray[np.generic], side: int = SIDE) -> Values:
    """Return the mean of every block, shape (rows / side, columns / side)."""
    rows, columns = (n // side for n in pixels.shape)
    # rows first: adding whole rows is fast, and leaves little work along rows
    sums = pixels.reshape(rows, side, -1).sum(axis=1, dtype=np.float32)
    means: Values = sums.reshape(rows, columns, side).sum(axis=2, dtype=np.float64) / side**2
    return means


def tiles(pixels: Plane) -> Plane:
    """Return the blocks of the interior of a plane, shape (N, SIDE, SIDE), in the order of their means."""
    rows, columns = (n // SIDE for n in pixels.shape)
    return pixels.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)


def high_band(plane: Plane) -> Blocks:
    """Return block energies near the highest frequencies along both axes (fourth differences along Y and X).

    The structure band is second differences along one axis, smoothed along the other.
    """
    fourth = np.diff(np.diff(plane, 4, axis=0), 4, axis=1)
    fourth *= 1 / comb(8, 4)
    inner = plane[1:-1, 1:-1]
    structure = np.square(_second(_smooth(inner, 0), 1)) + np.square(_second(_smooth(inner, 1), 0))
    rows, columns = interior(plane).shape
    means = block_means(interior(plane)).ravel()
    energy = block_means(np.square(fourth[:rows, :columns])).ravel()
    return Blocks(energy, means, means, block_means(structure[:rows, :columns]).ravel() / 72)


def chessboard_band(plane: Plane) -> Blocks:
    """Return block energies of each colour of a chessboard, with the mean of the other colour.

    Second differences along both diagonals use pixels of one colour only, so the two halves of a block have
    independent noise. One half determines brightness and structure of the block without a selection bias on
    the noise of the other half.
    """
    diagonal = plane[2:, 2:] - 2 * plane[1:-1, 1:-1] + plane[:-2, :-2]
    cross = diagonal[2:, :-2] - 2 * diagonal[1:-1, 1:-1] + diagonal[:-2, 2:]
    rows, columns = interior(plane).shape
    energy = np.square(cross[:rows, :columns])
    energy *= 1 / 36
    return halves(energy, interior(plane))


def halves(energy: NDArray[np.generic], pixels: NDArray[np.generic]) -> Blocks:
    """Split energies and pixels, both with the shape of whole blocks, by the colours of a chessboard."""
    white, black = _colours(energy)
    bright_white, bright_black = _colours(pixels)
    energies = np.concatenate([white, black])
    means = np.concatenate([bright_white, bright_black])
    return Blocks(
        energies, means, np.concatenate([bright_black, bright_white]), np.concatenate([black, white])
    )


def _colours(pixels: NDArray[np.generic]) -> tuple[Values, Values]:
    """Return the mean of every block over the pixels of each colour."""
    rows, columns = (n // SIDE for n in pixels.shape)
    even, odd = (
        pixels[start::2].reshape(rows, SIDE // 2, -1).sum(axis=1, dtype=np.float32) for start in (0, 1)
    )
    white, black = even[:, ::2] + odd[:, 1::2], even[:, 1::2] + odd[:, ::2]
    half = SIDE**2 // 2
    first, second = (
        colour.reshape(rows, columns, SIDE // 2).sum(axis=2, dtype=np.float64).ravel() / half
        for colour in (white, black)
    )
    return first, second


def _second(pixels: Plane, axis: int) -> Plane:
    return np.diff(pixels, 2, axis=axis)


def _smooth(pixels: Plane, axis: int) -> Plane:
    """Convolve with 1, 2, 1 along an axis; the border is removed."""
    first, middle, last = (pixels[_along(axis, start, pixels)] for start in range(3))
    smooth: Plane = first + 2 * middle + last
    return smooth


def _along(axis: int, start: int, pixels: Plane) -> tuple[slice, slice]:
    window = slice(start, pixels.shape[axis] - 2 + start)
    return (window, slice(None)) if axis == 0 else (slice(None), window)
