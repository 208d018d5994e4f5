"""Names of temporary files that tell which process writes them, and removal of those whose process ended."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import threading
from contextlib import suppress
from pathlib import Path

from core.paths import shorten

_NAME = re.compile(r"\..*\.([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}\.part", re.DOTALL)

_own: set[Path] = set()
"""Temporary files that this process is writing."""

_creating = threading.RLock()
"""Held while one is created, and from the removal of all of them to the end of the process."""

LEEWAY = 2
"""Seconds by which two readings of the time at which a process started may differ."""


def name(final: str) -> str:
    """Return a unique name for the temporary file of a file, which tells the computer and the process."""
    import psutil

    process = psutil.Process()
    owner = f"{_computer()}-{process.pid}-{int(process.create_time())}-{secrets.token_hex(4)}"
    return shorten(f".{final}", f".{owner}.part")


def create(path: Path, *, folder: bool = False) -> Path:
    """Create an empty temporary file, or a folder, beside a file, for its content."""
    part = path.with_name(name(path.name))
    with _creating:
        _own.add(part)
        if folder:
            part.mkdir()
        else:
            part.touch(exist_ok=False)
    return part


def remove(part: Path) -> None:
    """Remove a temporary file or folder of this process, unless it has got its final name."""
    _remove(part)
    _own.discard(part)


def _remove(part: Path) -> None:
    with suppress(OSError):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def remove_own() -> None:
    """Remove all temporary files of this process, which is about to end without unwinding.

    Threads that go on until then create no other.
    """
    _creating.acquire(timeout=1.0)  # never released
    for part in tuple(_own):
        remove(part)


def remove_orphans(folder: Path) -> None:
    """Remove temporary files in a folder that ended processes of this computer left behind."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found and found[1] == _computer() and not _runs(int(found[2]), int(found[3])):
                _remove(Path(entry.path))


def _computer() -> str:
    """Return a code for what numbers the processes: this computer, or a container on it."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:  # not Linux
        space = 0
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def _runs(number: int, started: int) -> bool:
    """Return whether a process runs, and its number has not passed to another one since."""
    import psutil

    try:
        process = psutil.Process(number)
        same = abs(process.create_time() - started) <= LEEWAY
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:  # the system does not tell
        return True
