"""Handling of insufficient memory on a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.errors import QuietfieldError

Result = TypeVar("Result")


def ran_out(error: RuntimeError) -> bool:
    """Whether an error of torch means that memory is insufficient."""
    text = str(error).lower()
    return (
        type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in text
        or "can't allocate memory" in text
        or "not enough memory" in text
    )


def enough(work: Callable[[], Result], device: str) -> Result:
    """Run a function that uses a network, and convert memory errors to a message.

    Parameters
    ----------
    work : callable
        Function without arguments.
    device : str
        Device of the network, for the message.

    Returns
    -------
    object
        Result of `work`.

    Raises
    ------
    QuietfieldError
        If the device has too little memory.
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
    """Process an image with a network in tiles, and in smaller tiles after a memory error.

    Parameters
    ----------
    work : callable
        Takes the side of the tiles in pixels; the result does not depend on it.
    side, least : int
        Largest and smallest side in pixels.
    device : str
        Device of the network, for the message.

    Returns
    -------
    object
        Result of `work`.

    Raises
    ------
    QuietfieldError
        If the memory is too small for the smallest tiles.
    """
    while side > least:
        try:
            return work(side)
        except RuntimeError as error:
            if not ran_out(error):
                raise
        side = max(side // 2, least)
    return enough(lambda: work(side), device)
