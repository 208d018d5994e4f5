"""Correlation of noise between neighbouring planes or frames, as caused by running averages."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from core.noise.blocks import SIDE, block_means
from core.noise.unit import unit_of
from core.recorded import Recorded
from core.stack import Stack, middle

LARGEST = 256
"""Maximum side of the examined region, in pixels."""

LEAST = 2048
"""Minimum number of pixels of a plane for a reliable correlation."""

PLANES = 6
"""Maximum number of consecutive planes that are examined, in the middle of the axis."""

LIMIT = 0.4
"""Correlation above which planes are considered to share their noise."""

Images = NDArray[np.float64]


def shared_noise(stack: Stack, axis: str) -> float:
    """Return the correlation of the noise of neighbouring planes or frames, the maximum over all channels.

    Parameters
    ----------
    stack : Stack
        Stack; only the central part of some planes is read.
    axis : {"T", "Z"}
        Axis along which they are neighbours.

    Returns
    -------
    float
        0 for independent noise, at most 1; 0 for fewer than three planes.
    """
    count = stack.sizes.get(axis, 1)
    at: dict[str, slice | int] = {a: stack.sizes[a] // 2 for a in "TZ" if a in stack.axes}
    at |= {axis: middle(count, PLANES)} | {a: middle(stack.sizes[a], LARGEST) for a in "YX"}
    found = [0.0]
    for channel in range(stack.sizes.get("C", 1) if count > 2 else 0):
        here = at | ({"C": channel} if "C" in stack.axes else {})
        pixels = Recorded.of(stack).measured(stack.region(**here))
        found.append(correlation(pixels.reshape(-1, *pixels.shape[-2:])))
    return max(found)


def correlation(planes: NDArray[np.generic]) -> float:
    """Return the correlation of the noise of consecutive planes (N, Y, X), three or more.

    If the noise is independent, each difference of successive planes reverses half of the one before it,
    whatever is static. Highest frequencies are used, since they contain little of a moving scene. The darker
    half of the central region is examined. Copies of one plane share all of its noise.
    """
    inner = tuple(middle(n, LARGEST) for n in planes.shape[1:])
    some = planes[:, *inner].astype(np.float64)
    values: Images = np.where(np.isfinite(some), some, np.nan) / unit_of(some)
    rows, columns = ((n - 2) // SIDE * SIDE for n in values.shape[1:])
    # steps from and to planes without any finite pixel say nothing
    full = np.array([np.isfinite(image).any() for image in values], bool)
    steps = [
        _high((after - before)[None])[0, :rows, :columns] if both else None
        for before, after, both in zip(values[:-1], values[1:], full[:-1] & full[1:], strict=True)
    ]
    pairs = [(one, two) for one, two in itertools.pairwise(steps) if one is not None and two is not None]
    if rows * columns < LEAST or not pairs:
        return 0.0
    energies = [block_means(np.square(step)) for step in steps if step is not None]
    products = [block_means(one * two) for one, two in pairs]
    dark = block_means(values[full].mean(0)[1 : rows + 1, 1 : columns + 1])
    good = np.isfinite(dark + sum(energies) + sum(products))
    if not good.any():
        return 0.0
    kept = good & (dark <= np.median(dark[good]))
    energy = sum(float(block[kept].sum()) for block in energies) / len(energies)
    taken = sum(float(block[kept].sum()) for block in products) / len(products)
    if energy == 0:  # all planes are equal: copies, or planes without noise
        return float((np.abs(_high(values[full][:1])) > 0).any())
    known = 0 < energy < np.inf and np.isfinite(taken)
    return float(np.clip(1 + 2 * taken / energy, 0, 1)) if known else 0.0


def _high(images: Images) -> Images:
    """Return second differences along Y and X."""
    return np.diff(np.diff(images, n=2, axis=1), n=2, axis=2)
