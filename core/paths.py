"""File name endings, the folder of the user's data, and existence tests that tolerate inaccessible paths."""

from __future__ import annotations

import os
from pathlib import Path

NAME_BYTES = 255
"""Longest file name that common file systems allow."""

MODEL_ENDING = ".quietfield"
"""Ending of trained networks."""

RECIPE_ENDING = ".json"
"""Ending of recipes."""

TIFF_ENDINGS = (".tif", ".tiff")
"""Endings of the stacks that Quietfield writes."""

OME_ENDINGS = tuple(f".ome{ending}" for ending in TIFF_ENDINGS)
"""Endings that select OME-TIFF."""

ZARR_ENDINGS = (".ome.zarr", ".zarr")
"""Endings that select OME-Zarr, which is a folder."""


def data_folder() -> Path:
    """Return the folder of the user's data, such as calibrations of cameras.

    The variable ``QUIETFIELD_CONFIG`` overrides it, as it does the folder of the preferences.
    """
    given = os.environ.get("QUIETFIELD_CONFIG", "")
    if given:
        return Path(given) / "data"
    import platformdirs  # needed only where something is saved or loaded by name

    return Path(platformdirs.user_data_dir("Quietfield", appauthor=False))


def is_zarr_name(path: Path) -> bool:
    """Return whether a name is that of an OME-Zarr, which is a folder."""
    return path.name.lower().endswith(ZARR_ENDINGS)


def split_ending(path: Path) -> tuple[str, str]:
    """Split a file name into stem and ending; ``.ome.tif`` is one ending."""
    for ending in (*OME_ENDINGS, *ZARR_ENDINGS):
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return path.name[: -len(ending)], path.name[-len(ending) :]
    return path.stem, path.suffix


def shorten(stem: str, ending: str) -> str:
    """Join a stem and an ending to a file name, without the end of the stem if the name would be too long."""
    room = NAME_BYTES - len(os.fsencode(ending))
    while stem and len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + ending


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
