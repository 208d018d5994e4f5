"""Constants of the network of Instant, available without loading torch."""

from collections.abc import Collection

GRID = 16
"""Sides of images, and positions of tiles, are multiples of this number of pixels."""

REACH = 160
"""Largest distance, in pixels, over which the input affects the output, rounded up to the grid."""

OFFSETS = (-2, -1, 1, 2)
"""Offsets of the neighbouring planes or frames that the network can use."""

DEPTH = max(OFFSETS)
"""Largest offset of a neighbouring plane or frame."""

SPAN = 8
"""Number of frames on each side that are averaged with a frame of a static scene."""

MEAN = "mean"
"""Value of the parameter `neighbours` that denoises the mean of frames."""


def beside(index: int, count: int, without: Collection[int] = ()) -> tuple[int, ...]:
    """Return the indices of the neighbours of a plane or frame, in the order of `OFFSETS`.

    At the ends of the stack, a missing neighbour is replaced by the one on the other side, or by the nearest
    one.

    Parameters
    ----------
    index, count : int
        Index of the plane, and number of planes.
    without : collection of int
        Planes that are treated as missing, unless no other one is near.

    Raises
    ------
    ValueError
        If the stack has only one plane.
    """
    if count < 2 or not 0 <= index < count:
        raise ValueError(f"plane {index} of {count} has no neighbours")
    found = []
    for offset in OFFSETS:
        near = 1 if offset > 0 else -1
        steps = (offset, -offset, near, -near, 2 * near, -2 * near)
        known = [index + step for step in steps if 0 <= index + step < count]
        found.append(next((i for i in known if i not in without), known[0]))
    return tuple(found)


def substitutes(number: int) -> tuple[int, ...]:
    """Return the numbers of the neighbours that replace what a neighbour lacks, the best one first.

    These are the one on the other side, then the nearest ones; neighbours are numbered in the order of
    `OFFSETS`.
    """
    return len(OFFSETS) - 1 - number, 1, 2, 0, 3


def around(index: int, count: int) -> range:
    """Return the indices of the frames averaged around a frame, in a stack of `count` frames."""
    return range(max(index - SPAN, 0), min(index + SPAN + 1, count))
