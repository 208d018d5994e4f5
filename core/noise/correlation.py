"""Autocorrelation of noise, from differences of frames."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.noise.blocks import SIDE, Values

REACH = 3
"""Largest distance along each axis, in pixels; noise farther apart counts as independent."""


def detrended(tiles: Values) -> Values:
    """Subtract from every block its best plane and the means of its quarters (least squares)."""
    flat: Values = tiles.reshape(len(tiles), -1)
    return (flat - (flat @ _trend()) @ _trend().T).reshape(tiles.shape)


def autocovariance(residuals: Values, weights: Values) -> Values:
    """Autocovariance of noise by distance, from blocks whose trends were subtracted.

    A subtracted trend takes part of the noise with it, and more of correlated noise: the linear relation of
    what is left to what there was is known, and inverted here.

    Parameters
    ----------
    residuals : ndarray, shape (N, SIDE, SIDE)
        Blocks from `detrended`.
    weights : ndarray, shape (N,)
        Weight of each block: 1 over its expected variance makes all count the same.

    Returns
    -------
    ndarray, shape (2 * REACH + 1, 2 * REACH + 1)
        Symmetric about its middle, which holds the (weighted) variance.
    """
    distances, relation = _relation()
    seen = []
    for down, right in distances:
        first, second = _pairs(residuals, down, right)
        seen.append(float(np.einsum("nyx,nyx,n->", first, second, weights)) / first[0].size / len(weights))
    found = np.linalg.solve(relation, np.array(seen))
    patch = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    for (down, right), value in zip(distances, found, strict=True):
        patch[REACH + down, REACH + right] = patch[REACH - down, REACH - right] = value
    return patch


def _pairs(tiles: Values, down: int, right: int) -> tuple[Values, Values]:
    """Views of all pixels of a block that have a partner at a distance, and of the partners."""
    left, shift = max(-right, 0), max(right, 0)
    rows, columns = tiles.shape[1] - down, tiles.shape[2] - abs(right)
    return (
        tiles[:, :rows, left : left + columns],
        tiles[:, down : down + rows, shift : shift + columns],
    )


@lru_cache(maxsize=1)
def _trend() -> Values:
    """Orthonormal basis of planes and quarters over a block, shape (SIDE * SIDE, 6)."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    down, right = np.sign(y), np.sign(x)
    basis = np.stack([np.ones((SIDE, SIDE)), y, x, down, right, down * right], -1).reshape(-1, 6)
    unit: Values = np.linalg.qr(basis)[0]
    return unit


@lru_cache(maxsize=1)
def _relation() -> tuple[list[tuple[int, int]], Values]:
    """Distances of one half plane, and the mean covariance seen at each for a unit at each."""
    distances = [(0, right) for right in range(REACH + 1)]
    distances += [(down, right) for down in range(1, REACH + 1) for right in range(-REACH, REACH + 1)]
    rest = np.eye(SIDE * SIDE) - _trend() @ _trend().T
    y, x = (grid.ravel() for grid in np.mgrid[:SIDE, :SIDE])
    down_all, right_all = y[None, :] - y[:, None], x[None, :] - x[:, None]
    at = [
        ((down_all == down) & (right_all == right)) | ((down_all == -down) & (right_all == -right))
        for down, right in distances
    ]
    relation = np.empty((len(distances), len(distances)))
    for column, unit in enumerate(at):
        left = rest @ unit.astype(np.float64) @ rest
        relation[:, column] = [left[where].mean() for where in at]
    return distances, relation
