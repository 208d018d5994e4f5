"""Filters of file dialogs: names and endings of each kind of file."""

from __future__ import annotations

from collections.abc import Sequence

from core.paths import MODEL_ENDING, RECIPE_ENDING, TIFF_ENDINGS, ZARR_ENDINGS

ALL = "All files (*)"


def kind(words: str, endings: Sequence[str], *others: str) -> str:
    """Return a file dialog filter such as ``TIFF (*.tif *.tiff)``, followed by `others`."""
    return ";;".join((f"{words} ({' '.join(f'*{ending}' for ending in endings)})", *others))


def images() -> str:
    """Return the filter of all images that can be opened."""
    from core.files import READERS

    return kind("Images", READERS.endings, ALL)


EXPORTS = kind("TIFF and OME-Zarr", (*TIFF_ENDINGS, *ZARR_ENDINGS))
RECIPES = kind("Recipes and exported stacks", (RECIPE_ENDING, *TIFF_ENDINGS), ALL)
NETWORKS = kind("Trained networks", (MODEL_ENDING,), ALL)
NOISE_MODELS = kind("Noise models", (".json",), ALL)
TABLES = kind("Comma-separated values", (".csv",))
