"""How much memory is free, and what to do where it is too little."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.errors import QuietfieldError

Result = TypeVar("Result")


def available() -> int | None:
    """Bytes of memory that can be used without driving others out; None where the system does not say.

    On macOS, which has no such figure at hand, half of the memory there is.
    """
    if sys.platform == "win32":
        return _windows()
    if sys.platform == "linux":
        try:
            return parse(Path("/proc/meminfo").read_text(encoding="ascii"))
        except OSError:
            return None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError):
        return None


def parse(text: str) -> int | None:
    """Available bytes from what Linux says in ``/proc/meminfo``."""
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    return None


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


def _windows() -> int | None:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong), ("load", ctypes.c_ulong), ("total", ctypes.c_ulonglong),
            ("available", ctypes.c_ulonglong), ("total_page", ctypes.c_ulonglong),
            ("available_page", ctypes.c_ulonglong), ("total_virtual", ctypes.c_ulonglong),
            ("available_virtual", ctypes.c_ulonglong), ("extended", ctypes.c_ulonglong),
        )  # fmt: skip

    status = Status()
    status.length = ctypes.sizeof(status)
    known = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined,unused-ignore]
    return int(status.available) if known else None
