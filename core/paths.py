"""Paths: endings of file names, and what lies at a path where the system may refuse to say."""

from __future__ import annotations

from pathlib import Path

MODEL_ENDING = ".quietfield"
"""Ends the name of a trained network."""

RECIPE_ENDING = ".json"
"""Ends the name of a recipe."""

TIFF_ENDINGS = (".tif", ".tiff")
"""Endings of the stacks that Quietfield writes."""

OME_ENDINGS = tuple(f".ome{ending}" for ending in TIFF_ENDINGS)
"""Those of them that ask for OME-TIFF."""


def split_ending(path: Path) -> tuple[str, str]:
    """Split a file name into stem and ending; ``.ome.tif`` is one ending."""
    for ending in OME_ENDINGS:
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return path.name[: -len(ending)], path.name[-len(ending) :]
    return path.stem, path.suffix


def there(path: Path) -> bool:
    """Return whether something lies at a path; False where its name is too long or its folder is locked.

    What is wrong with the path is said when it is opened or written.
    """
    try:
        return path.exists()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether a folder lies at a path; False where the system does not say."""
    try:
        return path.is_dir()
    except OSError:
        return False
