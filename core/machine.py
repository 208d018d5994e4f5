"""What the machine offers: free memory and processors."""

from __future__ import annotations

import os


def available_memory() -> int:
    """Return the bytes of memory that can be used without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


def used_memory() -> int:
    """Return the bytes of memory that this process occupies (its resident set)."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def processor_count() -> int:
    """Return the number of processors this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # Linux: set by taskset, containers and the queues of clusters
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
