"""What the pixels of a stack say about how to train on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.learning.strategy import Direction
from core.noise.estimate import LARGEST, estimate_stack
from core.noise.model import BLIND_SPOT_LIMIT
from core.stack import Stack

UNLIKE = 0.2
"""Difference of the correlations along both axes that structure, having no direction, does not explain."""


def lines(stack: Stack, reach: int) -> tuple[Direction, str]:
    """Along which axes neighbours share their noise, as measured in every channel, and that in a sentence.

    Where fine structure covers the image, so that the noise estimate cannot tell it from correlated
    noise, the two axes are compared: only one along which neighbours are far more alike is named.

    Parameters
    ----------
    stack : Stack
        What is to be trained on.
    reach : int
        Pixels that will be covered on each side of a hidden one.
    """
    channels = range(stack.sizes.get("C", 1))
    found = [estimate_stack(stack, C=channel) for channel in channels]
    known = [noise for noise in found if noise.reliable]
    if known:
        along_x = max((noise.correlation_x for noise in known), key=abs)
        along_y = max((noise.correlation_y for noise in known), key=abs)
        x, y = abs(along_x) > BLIND_SPOT_LIMIT, abs(along_y) > BLIND_SPOT_LIMIT
    else:
        planes = [_plane(stack, channel) for channel in channels]
        pairs = [(alike(plane), alike(plane.T)) for plane in planes]
        along_x, along_y = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
        x, y = along_x > along_y + UNLIKE, along_y > along_x + UNLIKE
    line: Direction = "both" if x and y else "x" if x else "y" if y else ""
    measured = f"Neighbours share noise: {along_x:.2f} along rows, {along_y:.2f} along columns"
    if line:
        where = {"x": "rows", "y": "columns", "both": "both"}[line]
        return line, f"{measured}: lines of {2 * reach + 1} pixels along {where} are covered."
    if known:
        return line, f"{measured}: too little to cover lines. Single pixels are hidden, as in Noise2Void."
    return line, (
        "Fine structure covers the image, so that correlated noise cannot be told from it. Single pixels are "
        "hidden, as in Noise2Void; choose the covered line yourself where you see stripes."
    )


def alike(plane: NDArray[np.floating]) -> float:
    """Correlation of neighbours in a row, after third differences across rows, which leave little structure.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Pixels; at least 5 x 5. Those that are not finite are left out.
    """
    change = np.diff(plane, n=3, axis=0)
    change -= np.nanmean(change) if np.isfinite(change).any() else 0.0
    first, second = change[:, :-1], change[:, 1:]
    good = np.isfinite(first) & np.isfinite(second)
    both = float((np.square(first[good]) + np.square(second[good])).sum()) / 2
    return float((first[good] * second[good]).sum()) / both if both > 0 else 0.0


def _plane(stack: Stack, channel: int) -> NDArray[np.float64]:
    """Middle of the middle plane of a channel, NaN where it is not finite."""
    at: dict[str, slice | int] = {axis: stack.sizes[axis] // 2 for axis in "TZ" if axis in stack.axes}
    if "C" in stack.axes:
        at["C"] = channel
    for axis in "YX":
        spare = max(0, (stack.sizes[axis] - LARGEST) // 2)
        at[axis] = slice(spare, spare + LARGEST)
    pixels = stack.read(stack.region(**at))
    plane = pixels.reshape(pixels.shape[-2:]).astype(np.float64)
    plane[~np.isfinite(plane)] = np.nan
    return plane
