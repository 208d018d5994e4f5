"""The region of a stack on which a preview is computed."""

from __future__ import annotations

from collections.abc import Mapping

from app.shell.view_state import View
from core.stack import Region, Stack


def visible_region(
    stack: Stack, position: Mapping[str, int], view: View | None, limit: int | None = None
) -> Region:
    """Return the visible region of the current plane; the whole plane if the view is unknown.

    Parameters
    ----------
    stack : Stack
        Stack.
    position : dict of str to int
        Index along T, C and Z.
    view : View or None
        Visible rows and columns; parts outside the plane are ignored.
    limit : int, optional
        Maximum number of rows and columns; of a larger view the centre is used.

    Returns
    -------
    tuple of slice
        One slice for each axis of the stack.
    """
    at: dict[str, slice | int] = {axis: position.get(axis, 0) for axis in stack.axes[:-2]}
    rows, columns = stack.shape[-2:]
    visible = (0, rows), (0, columns)
    if view is not None:
        visible = (view.top, view.bottom), (view.left, view.right)
    for axis, size, (start, stop) in zip("YX", (rows, columns), visible, strict=True):
        start, stop = max(0, start), min(size, stop)
        if start >= stop:
            start, stop = 0, size
        if limit is not None and stop - start > limit:
            start += (stop - start - limit) // 2
            stop = start + limit
        at[axis] = slice(start, stop)
    return stack.region(**at)
