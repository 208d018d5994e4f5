"""Filter an image tile by tile, as an independent check for seams."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

SIDE = 90
"""Rows and columns of a piece: with its margin it is smaller than what the filters cut images into."""


def filtered_by_pieces(
    pixels: np.ndarray, radius: Sequence[int], run: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Filter pieces (Z, `SIDE`, `SIDE`) of an image (Z, Y, X) with the margin that each needs."""
    out = np.empty(pixels.shape, np.float32)
    for y in range(0, pixels.shape[1], SIDE):
        for x in range(0, pixels.shape[2], SIDE):
            top, left = max(y - radius[1], 0), max(x - radius[2], 0)
            piece = pixels[:, top : y + SIDE + radius[1], left : x + SIDE + radius[2]]
            target = out[:, y : y + SIDE, x : x + SIDE]
            inner = run(np.ascontiguousarray(piece))[:, y - top :, x - left :]
            target[...] = inner[:, : target.shape[1], : target.shape[2]]
    return out
