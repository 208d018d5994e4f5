"""Handling of insufficient memory on a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.errors import QuietfieldError
from core.machine import available_memory, can_get

Result = TypeVar("Result")

RESERVE = 48 * 2**20
"""Memory for everything else while a network runs on the processor, in bytes."""

SHORT = 2**30
"""Available memory, in bytes, below which errors that say little are attributed to memory."""

_CLEAR = (
    "out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc",
    "failed to map segment",
)  # fmt: skip
_UNCLEAR = ("could not create a primitive", "could not create a memory", "can't start new thread")

ADVICE = "Close other programs, or use a part of the stack."


def ran_out(error: BaseException) -> bool:
    """Whether an error of Python, torch or the system's loader means that memory is insufficient."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    if any(words in text for words in _CLEAR):
        return True
    return any(words in text for words in _UNCLEAR) and available_memory() < SHORT


def fits(needed: int, device: str) -> bool:
    """Return whether the processor has this memory, in bytes; True on other devices, which say it themselves.

    Some libraries end the process if they do not get memory. Therefore it is asked for in advance.
    """
    return device != "cpu" or can_get(needed + RESERVE)


def workers_that_fit(wanted: int, each: int) -> int:
    """Return how many processes of a size in bytes fit into the available memory: 1 to `wanted`."""
    return max(1, min(wanted, available_memory() // max(each, 1)))


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
        raise _refusal(device) from error


def in_pieces(
    work: Callable[[int], Result],
    side: int,
    least: int,
    device: str,
    need: Callable[[int], int] = lambda _: 0,
) -> Result:
    """Process an image with a network in tiles, and in smaller tiles if memory is insufficient.

    Parameters
    ----------
    work : callable
        Takes the side of the tiles in pixels; the result does not depend on it.
    side, least : int
        Largest and smallest side in pixels.
    device : str
        Device of the network, for the message.
    need : callable
        Returns the memory for tiles of a side, in bytes, on the processor.

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
        if fits(need(side), device):
            try:
                return work(side)
            except RuntimeError as error:
                if not ran_out(error):
                    raise
        side = max(side // 2, least)
    if not fits(need(side), device):
        raise _refusal(device)
    return enough(lambda: work(side), device)


def _refusal(device: str) -> QuietfieldError:
    return QuietfieldError(
        f"There is not enough memory on {device} to use this network. "
        "Close other programs that use it, or choose another device."
    )
