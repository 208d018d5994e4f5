"""Checks compound files (OLE), in which a damaged list of sectors may have no end."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.files.readers.stream import FileStream

MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NO_SECTOR = 0xFFFFFFFA
"""First number that is no sector."""


def check_chains(path: Path, stream: FileStream) -> None:
    """Check that no chain of sectors in a compound file leads back to itself.

    Parameters
    ----------
    path : Path
        The file, for messages.
    stream : FileStream
        The same file.

    Raises
    ------
    QuietfieldError
        If one does, or the file ends within its head.
    """
    stream.seek(0)
    head = stream.read(512)
    if len(head) < 512 or not head.startswith(MARK):
        raise QuietfieldError(f"{path} ends within its first 512 bytes; it was cut off. Copy it again.")
    (shift,) = struct.unpack_from("<H", head, 30)
    (count,) = struct.unpack_from("<I", head, 44)
    small, small_count, following, following_count = struct.unpack_from("<4I", head, 60)
    if shift not in (9, 12):
        raise QuietfieldError(f"{path} has sectors of an unknown size; it is damaged. Copy it again.")
    size = 2**shift
    lists = list(struct.unpack_from("<109I", head, 76))
    seen: set[int] = set()
    while following < _NO_SECTOR and len(seen) < following_count:
        if following in seen:
            raise _endless(path)
        seen.add(following)
        sector = _sector(stream, following, size)
        lists += sector[:-1].tolist()
        following = int(sector[-1]) if len(sector) else _NO_SECTOR
    chains = [_sector(stream, number, size) for number in lists[:count] if number < _NO_SECTOR]
    table = np.concatenate(chains) if chains else np.zeros(0, np.uint32)
    if _is_endless(table):
        raise _endless(path)
    inner, steps = [], 0
    while small < len(table) and steps < small_count:
        inner.append(_sector(stream, small, size))
        small, steps = int(table[small]), steps + 1
    if inner and _is_endless(np.concatenate(inner)):
        raise _endless(path)


def _endless(path: Path) -> QuietfieldError:
    return QuietfieldError(f"{path} is damaged: a chain of its sectors leads back to itself. Copy it again.")


def _sector(stream: FileStream, number: int, size: int) -> NDArray[np.uint32]:
    stream.seek(size + number * size)
    data = stream.read(size)
    return np.frombuffer(data[: len(data) // 4 * 4], "<u4").astype(np.uint32)


def _is_endless(table: NDArray[np.uint32]) -> bool:
    """Return whether following the table from any entry never leaves it."""
    end = len(table)
    following = np.append(np.minimum(table, end).astype(np.int64), end)
    for _ in range(max(end, 1).bit_length()):
        following = following[following]
    return bool((following != end).any())
