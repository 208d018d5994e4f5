"""Files that appear whole or not at all, and never in place of another without being asked."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import QuietfieldError
from core.files import drafts
from core.paths import shorten, split_ending

Taken = Literal["refuse", "replace", "rename"]
"""What to do where a file has the wanted name already: refuse, replace it, or take the next free name."""

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
    errno.ELOOP: "it is a link that leads to itself. Choose another name.",
}


def unwritable(path: Path, error: OSError) -> QuietfieldError:
    """Return the error for a file that could not be written."""
    cause = _CAUSES.get(error.errno or 0, f"{error.strerror or error}. Choose another folder or name.")
    return QuietfieldError(f"{path} could not be written: {cause}")


def check_room(path: Path, needed: int) -> None:
    """Check before work begins that a file of so many bytes fits on its disk.

    Raises
    ------
    QuietfieldError
        If it does not fit, or if the system cannot tell.
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


def destination(path: Path) -> Path:
    """Return the file that writing to a path would create or replace: the target of a symbolic link.

    Raises
    ------
    QuietfieldError
        If that is a folder, a device, a pipe or a link that leads to itself, or its name is too long.
    """
    real = path
    try:
        real = Path(os.path.realpath(path)) if path.is_symlink() else path
        mode = real.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return real
    except OSError as error:
        raise unwritable(path, error) from error
    if stat.S_ISDIR(mode):
        raise QuietfieldError(f"{path} is a folder. Choose another name.")
    if not stat.S_ISREG(mode):
        raise QuietfieldError(f"{path} is a device or a pipe, not a file. Choose another name.")
    return real


@dataclass(slots=True, kw_only=True)
class Draft:
    """A file that is being written.

    Attributes
    ----------
    part : Path
        Temporary file that receives the content.
    path : Path
        Name that the file gets; the one it got when it is finished.
    """

    part: Path
    path: Path


@contextmanager
def writing(path: Path, taken: Taken = "replace") -> Iterator[Draft]:
    """Give a temporary file in the same folder that gets its name when everything succeeded.

    On any failure, and when the work is cancelled, the temporary file is removed and what is at `path` stays
    as it is. Temporary files in the folder whose processes have ended are removed as well.

    Parameters
    ----------
    path : Path
        The file. A symbolic link stands for its target.
    taken : {"refuse", "replace", "rename"}
        What to do if there is a file of that name, or one appears before the new one is finished.

    Raises
    ------
    QuietfieldError
        If the system refuses to write (disk full, no permission, file open elsewhere), or the name is taken.
    """
    real = destination(path)
    if taken == "refuse" and os.path.lexists(real):
        raise QuietfieldError(f"{path} exists already. Choose another name, or allow to replace it.")
    drafts.remove_orphans(real.parent)
    try:
        draft = Draft(part=drafts.create(real), path=path)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield draft
        _flush(draft.part)
        if taken == "replace":
            _replace(draft.part, real)
        else:
            made = _create(draft.part, real, taken)
            draft.path = path if made == real else made
    except FileExistsError as error:
        raise QuietfieldError(
            f"{path} was made by another program meanwhile, and is not replaced. Choose another name."
        ) from error
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        drafts.remove(draft.part)


def _flush(path: Path) -> None:
    """Wait until the bytes are on the disk: a rename must not outlive them in a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _replace(part: Path, path: Path) -> None:
    with suppress(OSError):  # a file that only its owner may read remains so
        shutil.copymode(path, part)
    try:
        part.replace(path)
    except PermissionError as error:  # Windows, while another program has the file open
        raise QuietfieldError(
            f"{path} could not be replaced, perhaps because it is open in another program. "
            "Close it there, or save under another name."
        ) from error


def _create(part: Path, path: Path, taken: Taken) -> Path:
    """Give a finished file its name, or the next free one; no other file is replaced."""
    found = path
    while True:
        try:
            _link(part, found)
            return found
        except FileExistsError:
            if taken == "refuse":
                raise
        found = free_name(path)


def _link(part: Path, path: Path) -> None:
    """Give a file a second name.

    Raises
    ------
    FileExistsError
        If the name is taken, even if that happened at this moment.
    """
    try:
        os.link(part, path)
    except FileExistsError:
        if not path.samefile(part):  # a network folder may repeat a request that succeeded
            raise
    except OSError:  # a file system without hard links, such as that of memory cards
        if os.name == "nt":
            part.rename(path)  # refuses names that are taken
        else:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            try:
                part.replace(path)
            except BaseException:
                path.unlink(missing_ok=True)
                raise


def write_text(path: Path, text: str, taken: Taken = "replace") -> Path:
    """Write a text file in UTF-8, whole or not at all; return its path."""
    with writing(path, taken) as draft:
        draft.part.write_text(text, encoding="utf-8", newline="\n")
    return draft.path


def write_texts(folder: Path, texts: Mapping[str, str], taken: Taken = "refuse") -> tuple[Path, ...]:
    """Write several text files in UTF-8 into a folder: all of them, or none.

    Parameters
    ----------
    folder : Path
        Folder; it is made if necessary, and removed again if nothing could be written.
    texts : dict of str to str
        Content of each file by its name.
    taken : {"refuse", "replace", "rename"}
        What to do with existing files of the same names.

    Returns
    -------
    tuple of Path
        Written files.

    Raises
    ------
    QuietfieldError
        If a file cannot be written, or a name is taken; the folder is as it was then.
    """
    made = not os.path.lexists(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    finished = False
    try:
        with ExitStack() as files:
            begun = [files.enter_context(writing(folder / name, taken)) for name in texts]
            for draft, text in zip(begun, texts.values(), strict=True):
                try:
                    draft.part.write_text(text, encoding="utf-8", newline="\n")
                    _flush(draft.part)
                except OSError as error:
                    raise unwritable(draft.path, error) from error
        finished = True
    finally:
        if made and not finished:
            with suppress(OSError):  # what another program has put there stays
                folder.rmdir()
    return tuple(draft.path for draft in begun)


def free_name(path: Path) -> Path:
    """Return `path` itself, or the first of ``stem-2.tif``, ``stem-3.tif`` ... that is not taken."""
    stem, ending = split_ending(path)
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(shorten(stem, f"-{number}{ending}"))
    return free
