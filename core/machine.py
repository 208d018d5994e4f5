"""Resources of the machine, and what this process uses."""

from __future__ import annotations

import os
import time


def available_memory() -> int:
    """Return the memory available without swapping, in bytes."""
    import psutil

    return int(psutil.virtual_memory().available)


def used_memory() -> int:
    """Return the memory used by this process (its resident set), in bytes."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def process_age() -> float:
    """Return the seconds since this process was started."""
    import psutil

    return time.time() - float(psutil.Process().create_time())


def processor_count() -> int:
    """Return the number of processors this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # Linux: set by taskset, containers and cluster queues
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
