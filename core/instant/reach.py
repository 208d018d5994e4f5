"""How far the network sees and what it gives, for those who must know it without loading torch."""

GRID = 16
"""Images have sides that are multiples of this, and pieces begin at multiples of it."""

REACH = 160
"""Greatest distance in pixels over which the input can change the output, rounded up to the grid."""

OFFSETS = (-2, -1, 1, 2)
"""Neighbouring planes or frames the network may see, by their distance."""

DEPTH = max(OFFSETS)
"""Greatest distance of a neighbouring plane or frame."""

SPAN = 8
"""Frames on each side of one that are averaged with it where a scene stands still."""

MEAN = "mean"
"""Choice of neighbours that denoises the mean of frames."""


def beside(index: int, count: int) -> tuple[int, ...]:
    """Indices of the neighbours of a plane or frame, in the order of `OFFSETS`.

    Where the stack ends, the one on the other side takes the place of the missing one, or else the nearest.

    Raises
    ------
    ValueError
        If there is only one.
    """
    if count < 2 or not 0 <= index < count:
        raise ValueError(f"plane {index} of {count} has no neighbours")
    found = []
    for offset in OFFSETS:
        near = 1 if offset > 0 else -1
        tries = (index + offset, index - offset, index + near, index - near)
        found.append(next(i for i in tries if 0 <= i < count))
    return tuple(found)


def around(index: int, count: int) -> range:
    """Indices of the frames that the mean around one is taken of, in a stack of so many."""
    return range(max(index - SPAN, 0), min(index + SPAN + 1, count))
