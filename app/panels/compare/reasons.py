"""What the buttons of the Compare panel do, or why they cannot now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.learning.base import Learned

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.work.contest import Entry

CLOSED = "No stack is open. Drop a TIFF stack on the window or open the sample."
RUNNING = "A comparison is running; wait for it or cancel it."
NOTHING = "There is no result yet. Compare methods first."

SHEET = "Show all results side by side, best first, with one zoom and contrast."
REPORT = (
    "Write a report for any browser, with images, ranking, noise, commands and a methods text; beside it the "
    "table as CSV, and recipes."
)


def start(shape: tuple[int, ...] | None, *, methods: int, referenced: bool, waiting: str, busy: bool) -> str:
    """Return why no comparison can be started, or "".

    Parameters
    ----------
    shape : tuple of int or None
        Rows and columns of the region; None without a stack.
    methods : int
        Number of ticked methods.
    referenced : bool
        Whether there is a reference.
    waiting : str
        What the methods are still waiting for; "" for nothing.
    busy : bool
        Whether a comparison is running.
    """
    if shape is None:
        return CLOSED
    if busy:
        return RUNNING
    if waiting:
        return waiting
    if methods < 2:
        return "Tick two methods or more."
    if referenced:
        return ""
    from core.quality.judge import LEAST

    rows, columns = shape
    if min(rows, columns) >= LEAST:
        return ""
    return (
        f"The region has {rows} x {columns} pixels; errors can be estimated from {LEAST} x {LEAST} on. Zoom "
        "out, choose the whole plane, or use a reference."
    )


def apply(chosen: Entry | None) -> str:
    """Return what is applied to the stack."""
    if chosen is None:
        return NOTHING
    trained = ", with the network that was trained here" if isinstance(chosen.method, Learned) else ""
    return f"Run {chosen.label} on the whole stack{trained}, and add the result."
