"""How much memory is free."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path


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
