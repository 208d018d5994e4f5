"""Autocorrelation of noise, from differences of frames."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.noise.blocks import SIDE, Values

REACH = 3
"""Largest distance along each axis, in pixels; noise at larger distances is assumed to be independent."""


def detrend(tiles: Values) -> Values:
    """Subtract from every block its least-squares plane and the means of its quarters."""
    flat: Values = tiles.reshape(len(tiles), -1)
    return (flat - (flat @ _trend()) @ _trend().T).reshape(tiles.shape)


def autocovariance(residuals: Values, weights: Values) -> Values:
    """Return the autocovariance of noise by distance, from detrended blocks.

    Detrending also removes a part of the noise, and more of correlated noise. The linear relation between the
    autocovariance before and after detrending is known, and is inverted here.

    Parameters
    ----------
    residuals : ndarray, shape (N, SIDE, SIDE)
        Blocks from `detrend`.
    weights : ndarray, shape (N,)
        Weight of each block; 1 / expected variance gives all blocks the same influence.

    Returns
    -------
    ndarray, shape (2 * REACH + 1, 2 * REACH + 1)
        Symmetric about its centre, which is the (weighted) variance.
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
    """Return views of all pixels of a block with a partner at a distance, and of the partners."""
    left, shift = max(-right, 0), max(right, 0)
    rows, columns = tiles.shape[1] - down, tiles.shape[2] - abs(right)
    return (
        tiles[:, :rows, left : left + columns],
        tiles[:, down : down + rows, shift : shift + columns],
    )


@lru_cache(maxsize=1)
def _trend() -> Values:
    """Return an orthonormal basis of planes and quarters of a block, shape (SIDE * SIDE, 6)."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    down, right = np.sign(y), np.sign(x)
    basis = np.stack([np.ones((SIDE, SIDE)), y, x, down, right, down * right], -1).reshape(-1, 6)
    unit: Values = np.linalg.qr(basis)[0]
    return unit


@lru_cache(maxsize=1)
def _relation() -> tuple[list[tuple[int, int]], Values]:
    """Return the distances of a half plane, and the mean detrended covariance at each per unit at each."""
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
