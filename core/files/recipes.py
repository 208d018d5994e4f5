"""Reads recipes from exported files and from JSON, and writes them into metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core import __version__
from core.files import ome
from core.files.opening import open_stack
from core.paths import RECIPE_ENDING
from core.reading import parse_json, read_text
from core.stack import Metadata

MARK = "Quietfield recipe:"


def history(recipe: str) -> str:
    """Return a description of the processing, followed by the recipe as JSON; "" without a recipe."""
    if not recipe:
        return ""
    try:
        whole = parse_json(recipe)
        steps = [_words(step) for step in whole["steps"]]
        recipe = json.dumps(whole, indent=1, ensure_ascii=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        steps = []
    done = "; ".join(steps) or "see the recipe"
    return f"Processed with Quietfield {__version__}: {done}\n{MARK}\n{recipe}\n"


def _words(step: dict[str, Any]) -> str:
    given = ", ".join(f"{k}={v}" for k, v in step["params"].items())
    model = f", network {step['model']['file']}" if "model" in step else ""
    return f"{step['method']}({given}{model})"


def read_recipe(path: Path) -> str:
    """Find the recipe in an exported TIFF file or a JSON file.

    Parameters
    ----------
    path : Path
        A TIFF file that Quietfield wrote, or a recipe saved as JSON.

    Returns
    -------
    str
        The recipe as JSON, the last one if the pixels were exported more than once; "" if there is none.

    Raises
    ------
    QuietfieldError
        If the file cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() != RECIPE_ENDING:
        return recipe_in(open_stack(path).meta)
    text = read_text(path)
    return text if _is_recipe(text) else ""


def recipe_in(meta: Metadata) -> str:
    """Return the recipe in the metadata of an exported file, the newest of several; "" without one."""
    found = [*ome.recipes(meta.ome_xml), *_in_info(str(meta.imagej.get("Info", "")))]
    return found[-1] if found and _is_recipe(found[-1]) else ""


def _in_info(info: str) -> list[str]:
    """Return the newest recipe in ImageJ's text on an image, without the text behind it."""
    _, mark, text = info.rpartition(f"{MARK}\n")
    if not mark:
        return []
    try:
        return [json.dumps(parse_json(text, whole=False), indent=1, ensure_ascii=True)]
    except ValueError:
        return []


def _is_recipe(text: str) -> bool:
    try:
        whole = parse_json(text)
    except ValueError:
        return False
    return isinstance(whole, dict) and "steps" in whole and "schema" in whole
