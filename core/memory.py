"""What to do when memory on a device runs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.errors import QuietfieldError

Result = TypeVar("Result")


def ran_out(error: RuntimeError) -> bool:
    """Whether an error of torch means that memory ran out."""
    text = str(error).lower()
    return (
        type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in text
        or "can't allocate memory" in text
        or "not enough memory" in text
    )


def enough(work: Callable[[], Result], device: str) -> Result:
    """Do something with a network; too little memory for it becomes a sentence.

    Raises
    ------
    QuietfieldError
        If there is too little memory on the device.
    """
    try:
        return work()
    except RuntimeError as error:
        if not ran_out(error):
            raise
        raise QuietfieldError(
            f"There is not enough memory on {device} to use this network. "
            "Close other programs that use it, or choose another device."
        ) from error


def in_pieces(work: Callable[[int], Result], side: int, least: int, device: str) -> Result:
    """Send something through a network piece by piece, and again in smaller pieces when memory runs out.

    Parameters
    ----------
    work : callable
        Takes the side of the pieces in pixels; gives the same whatever it is.
    side, least : int
        Largest side in pixels, and the smallest to try.
    device : str
        Where the network is, for the error.

    Raises
    ------
    QuietfieldError
        If there is too little memory for the smallest pieces.
    """
    while side > least:
        try:
            return work(side)
        except RuntimeError as error:
            if not ran_out(error):
                raise
        side = max(side // 2, least)
    return enough(lambda: work(side), device)
