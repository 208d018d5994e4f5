"""File name endings, and existence tests that tolerate inaccessible paths."""

from __future__ import annotations

from pathlib import Path

MODEL_ENDING = ".quietfield"
"""Ending of trained networks."""

RECIPE_ENDING = ".json"
"""Ending of recipes."""

TIFF_ENDINGS = (".tif", ".tiff")
"""Endings of the stacks that Quietfield writes."""

OME_ENDINGS = tuple(f".ome{ending}" for ending in TIFF_ENDINGS)
"""Endings that select OME-TIFF."""


def split_ending(path: Path) -> tuple[str, str]:
    """Split a file name into stem and ending; ``.ome.tif`` is one ending."""
    for ending in OME_ENDINGS:
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return path.name[: -len(ending)], path.name[-len(ending) :]
    return path.stem, path.suffix


def there(path: Path) -> bool:
    """Return whether a path exists; False if its name is too long or its folder is inaccessible.

    Opening or writing the path reports the error.
    """
    try:
        return path.exists()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder; False if it is inaccessible."""
    try:
        return path.is_dir()
    except OSError:
        return False
