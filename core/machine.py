"""Resources of the machine, and what this process uses."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path


def available_memory() -> int:
    """Return the memory that this process can still get without swapping, in bytes.

    It is limited by the machine, by the container or job (control groups of Linux), and by the address space
    of the process (``ulimit -v``), of which it may reuse more than this.
    """
    import psutil

    free = [int(psutil.virtual_memory().available), *free_in_groups()]
    most = _address_space()
    if most is not None:
        free.append(most - int(psutil.Process().memory_info().vms))
    return max(0, min(free))


def can_get(needed: int) -> bool:
    """Return whether this process can get an amount of memory in bytes, in sixteen pieces."""
    import numpy as np
    import psutil

    if needed > min([int(psutil.virtual_memory().available), *free_in_groups()]):
        return False
    if _address_space() is None:
        return True
    try:
        pieces = [np.empty(needed // 16, np.uint8) for _ in range(16)]
    except MemoryError:
        return False
    return len(pieces) == 16


def _address_space() -> int | None:
    """Return the limit of the address space of this process in bytes; None without a limit."""
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if most == resource.RLIM_INFINITY else most


def free_in_groups(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> list[int]:
    """Return the memory that is left in each limited control group of this process, in bytes."""
    found = []
    with suppress(OSError, ValueError):
        for line in own.read_text().splitlines():
            number, kinds, path = line.split(":", 2)
            if number == "0":
                base, names = root, ("memory.max", "memory.current", "inactive_file")
            elif "memory" in kinds.split(","):
                base = root / "memory"
                names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            else:
                continue
            group = base / path.lstrip("/")
            for folder in (group, *group.parents):
                with suppress(OSError, ValueError):  # no limit is the word "max"
                    most, used = (int((folder / name).read_text()) for name in names[:2])
                    facts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                    found.append(most - used + int(facts.get(names[2], 0)))  # cached files give way
                if folder == base:
                    break
    return found


def used_memory() -> int:
    """Return the memory used by this process (its resident set), in bytes."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def private_memory() -> int:
    """Return the memory of this process in bytes, without pages of files that are mapped into memory.

    The system drops those pages when memory is short, and may keep them long after a file was closed.
    """
    import psutil

    process = psutil.Process()
    info = process.memory_info()
    if hasattr(info, "shared"):  # Linux
        return int(info.rss - info.shared)
    private = getattr(info, "private", None)  # Windows
    return int(process.memory_full_info().uss if private is None else private)


class MemoryWatch:
    """Measures how much memory this process needs for what it does while the watch is entered.

    Attributes
    ----------
    peak : int
        Largest increase of the memory in use, in bytes. Work that runs at the same time counts too; memory
        that the process had set aside before does not.
    """

    def __init__(self) -> None:
        self.peak = 0
        self._before = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._before = used_memory()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._measure()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self._measure()

    def _measure(self) -> None:
        self.peak = max(self.peak, used_memory() - self._before)


def process_age() -> float:
    """Return the seconds since this process was started."""
    import psutil

    return time.time() - float(psutil.Process().create_time())


def processor_count() -> int:
    """Return the number of processors this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # Linux: set by taskset, containers and cluster queues
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
