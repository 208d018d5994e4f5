"""Finds the stacks that files, folders and patterns name, in natural order."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import QuietfieldError
from core.files.opening import READERS, is_collection, list_series
from core.files.readers.registry import natural_key
from core.paths import is_folder, there
from core.progress import Context

COMPANIONS = (".oif.files",)
"""Endings of folders that hold parts of a file beside them."""


def gather(given: Sequence[Path], *, without: Path | None = None) -> tuple[Path, ...]:
    """List the stacks that paths name, each once.

    Parameters
    ----------
    given : sequence of Path
        Files, which are kept as they are; folders, which stand for all files of known formats in them and in
        their subfolders; and patterns such as ``*.nd2`` or ``**/*.tif``. A folder that is a stack itself,
        such as an OME-Zarr, is one stack.
    without : Path, optional
        Folder that is left out where another folder or a pattern contains it.

    Returns
    -------
    tuple of Path
        Paths in the order given, those of a folder in natural order. What contains no stack is kept:
        opening it gives the reason.
    """
    left_out = without.resolve() if without is not None else None
    found: dict[Path, Path] = {}
    for path in given:
        for one in list(_expand(path, left_out)) or [path]:
            found.setdefault(one.resolve(), one)
    return tuple(found.values())


def without_parts(paths: Sequence[Path], context: Context | None = None) -> tuple[Path, ...]:
    """Leave out files whose pixels belong to a stack that an earlier file opens, as in multi-file OME-TIFF.

    Parameters
    ----------
    paths : sequence of Path
        Files in their order; their headers are read.
    context : Context, optional
        Progress and cancellation.
    """
    context, parts, kept = context or Context(), set[Path](), []
    for number, path in enumerate(paths):
        context.step(number / len(paths), path.name)
        if path.resolve() in parts:
            continue
        kept.append(path)
        try:
            series = list_series(path, context.silent())
        except QuietfieldError:  # told when it is opened
            continue
        parts.update(file.resolve() for one in series for file in one.files)
    return tuple(kept)


def path_key(path: Path) -> tuple[Any, ...]:
    """Order paths as people do, folder by folder."""
    return tuple(natural_key(Path(part)) for part in path.parts)


def _expand(path: Path, left_out: Path | None) -> Iterator[Path]:
    if not there(path) and glob.has_magic(str(path)):
        names = glob.glob(str(path), recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        for match in sorted(map(Path, names), key=path_key):
            if left_out is None or not match.resolve().is_relative_to(left_out):
                yield from _stacks(match, left_out)
    elif is_folder(path):
        yield from _stacks(path, left_out)
    else:
        yield path


def _stacks(path: Path, left_out: Path | None) -> Iterator[Path]:
    """Yield a stack, or those in a folder and its subfolders."""
    if not is_folder(path):
        if path.name.lower().endswith(READERS.endings):
            yield path
        return
    if path.name.lower().endswith(COMPANIONS):
        return
    if not is_collection(path):
        yield path
        return
    try:
        inside = sorted(path.iterdir(), key=lambda one: (is_folder(one), natural_key(one)))
    except OSError:  # told when it is opened
        return
    for one in inside:
        linked = one.is_symlink() and is_folder(one)
        if not one.name.startswith(".") and not linked and one.resolve() != left_out:
            yield from _stacks(one, left_out)
