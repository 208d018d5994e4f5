"""Writes files whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import QuietfieldError
from core.paths import split_ending

_CAUSES = {
    errno.ENOSPC: "the disk is full. Free some space, or save to another disk.",
    errno.EDQUOT: "your share of the disk is used up. Free some space, or save to another disk.",
    errno.EACCES: "writing there is not permitted. Choose another folder.",
    errno.EPERM: "writing there is not permitted. Choose another folder.",
    errno.EROFS: "the disk is write-protected. Choose another folder.",
    errno.ENOENT: "the folder does not exist. Choose another folder.",
    errno.ENOTDIR: "the folder does not exist. Choose another folder.",
    errno.EISDIR: "there is a folder of that name. Choose another name.",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter one.",
    errno.EFBIG: "the disk cannot hold so large a file. Save to another disk.",
}


def unwritable(path: Path, error: OSError) -> QuietfieldError:
    """Return the error for a file that could not be written."""
    cause = _CAUSES.get(error.errno or 0, f"{error.strerror or error}. Choose another folder or name.")
    return QuietfieldError(f"{path} could not be written: {cause}")


def check_room(path: Path, needed: int) -> None:
    """Check that the disk has room for a file of `needed` bytes.

    Raises
    ------
    QuietfieldError
        If it has not, or the system does not say.
    """
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        raise unwritable(path, error) from error
    if free < needed:
        raise QuietfieldError(
            f"{path} needs {needed / 1e6:,.0f} MB, but only {free / 1e6:,.0f} MB are free on that disk. "
            "Free some space, or save to another disk."
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder, which is renamed to `path` at the end.

    After a failure or a cancellation the temporary file is removed, and a file at `path` is unchanged.

    Raises
    ------
    QuietfieldError
        If the system refuses to write: disk full, no permission, file open elsewhere.
    """
    part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        part.touch(exist_ok=False)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield part
        _flush(part)
        _rename(part, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Write the bytes to the disk before the rename: after a power cut the file must not be empty."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _rename(part: Path, path: Path) -> None:
    try:
        part.replace(path)
    except PermissionError as error:  # Windows, while another program has the file open
        raise QuietfieldError(
            f"{path} could not be replaced, perhaps because it is open in another program. "
            "Close it there, or save under another name."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def free_name(path: Path) -> Path:
    """Return `path` itself, or the first of ``stem-2.tif``, ``stem-3.tif`` ... that is not taken."""
    stem, ending = split_ending(path)
    number, free = 1, path
    while free.exists() or free.is_symlink():
        number += 1
        free = path.with_name(f"{stem}-{number}{ending}")
    return free
