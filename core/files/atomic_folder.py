"""Folders that appear whole or not at all, as `core.files.atomic` does for files."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import QuietfieldError
from core.files import drafts
from core.files.atomic import Draft, Taken, free_name, unwritable
from core.paths import shorten


def discard(path: Path) -> None:
    """Remove a file, or a folder with all it holds."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def writing_folder(path: Path, taken: Taken, marks: tuple[str, ...]) -> Iterator[Draft]:
    """Give a temporary folder beside the wanted one that gets its name when everything succeeded.

    On any failure, and when the work is cancelled, the temporary folder is removed and what is at `path`
    stays as it is.

    Parameters
    ----------
    path : Path
        The folder. A symbolic link stands for its target.
    taken : {"refuse", "replace", "rename"}
        What to do if there is something of that name, or appears before the new one is finished.
    marks : tuple of str
        Files of which a folder holds one if it may be replaced.

    Raises
    ------
    QuietfieldError
        If the system refuses to write, or the name is taken by something that must not be replaced.
    """
    real = Path(os.path.realpath(path)) if path.is_symlink() else path
    if os.path.lexists(real):
        if taken == "refuse":
            raise QuietfieldError(f"{path} exists already. Choose another name, or allow to replace it.")
        if taken == "replace":
            _check_kind(path, real, marks)
    drafts.remove_orphans(real.parent)
    try:
        draft = Draft(part=drafts.create(real, folder=True), path=path)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield draft
        if taken == "replace" and os.path.lexists(real):
            _check_kind(path, real, marks)  # it may have been made meanwhile
            _exchange(draft.part, real)
        else:
            made = _place(draft.part, real, taken)
            draft.path = path if made == real else made
    except FileExistsError as error:
        raise QuietfieldError(
            f"{path} was made by another program meanwhile, and is not replaced. Choose another name."
        ) from error
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        drafts.remove(draft.part)


def _check_kind(path: Path, real: Path, marks: tuple[str, ...]) -> None:
    """Check that what is to be replaced is a folder of the same kind."""
    if not any((real / mark).is_file() for mark in marks):
        raise QuietfieldError(f"{path} is not a Zarr, and is not replaced by one. Choose another name.")


def _place(part: Path, path: Path, taken: Taken) -> Path:
    """Give a finished folder its name, or the next free one; nothing else is replaced."""
    found = path
    while True:
        try:
            if os.name != "nt":  # renaming replaces an empty folder there, and nothing else
                found.mkdir()
            part.rename(found)
            return found
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                if os.name != "nt":
                    with suppress(OSError):
                        found.rmdir()
                raise
            if taken != "rename":
                raise FileExistsError(str(found)) from error
        found = free_name(path)


def _exchange(part: Path, path: Path) -> None:
    """Put a finished folder in the place of another one, which is then removed.

    After a crash in between, the other one is still there, under its temporary name.
    """
    former = free_name(path.with_name(shorten(f".{path.name}", ".former")))
    path.rename(former)
    try:
        part.rename(path)
    except OSError:
        former.rename(path)
        raise
    shutil.rmtree(former, ignore_errors=True)
