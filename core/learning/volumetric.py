"""Decisions about networks for volumes: whether a stack suits them, and how they treat its Z axis."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import QuietfieldError
from core.stack import Stack

LEAST_PLANES = 4
"""Smallest number of planes of a training patch, also after the last pooling along Z."""

ALIKE = 1.5
"""Planes are pooled if they then are at most this many (pooled) pixels apart."""


def check_volume(label: str, along: str, stack: Stack) -> None:
    """Check that a network for volumes can be trained on a stack.

    Parameters
    ----------
    label : str
        Name of the method.
    along : {"", "Z", "T"}
        Axis of neighbouring planes or frames.
    stack : Stack
        Training stack.

    Raises
    ------
    QuietfieldError
        If it has too few planes, or neighbours are asked for.
    """
    planes = stack.sizes.get("Z", 1)
    if planes < LEAST_PLANES:
        raise QuietfieldError(
            f"{label} for volumes needs at least {LEAST_PLANES} planes along Z, and {stack.meta.name} has "
            f"{planes}. Choose a network for planes (space: 2D), or correct the axes of the stack."
        )
    if along:
        raise QuietfieldError(
            f"{label} for volumes sees all planes of a volume, and no neighbours along {along}. Set the "
            "neighbours to none, or choose a network for planes (space: 2D)."
        )


def poolings_along_z(spacing: Mapping[str, float], depth: int, planes: int) -> int:
    """Return how many poolings of a network also halve the number of planes.

    Parameters
    ----------
    spacing : dict of str to float
        Pixel size along each axis, in any unit; without that of X or Z, planes are not pooled.
    depth : int
        Levels of the network.
    planes : int
        Number of planes of a training patch.
    """
    if not (spacing.get("X") and spacing.get("Z")):
        return 0
    step, found = spacing["Z"] / spacing["X"], 0
    while (
        found + 1 < depth
        and step * 2 ** (found + 1) <= ALIKE * 2 ** (depth - 1)
        and planes >= LEAST_PLANES * 2 ** (found + 1)
    ):
        found += 1
    return found
