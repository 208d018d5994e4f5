"""Reads and writes stacks."""

from core.files.atomic import Taken, free_name, write_text, writing
from core.files.axes import reinterpret
from core.files.opening import (
    READERS,
    images_in,
    is_collection,
    join_files,
    list_series,
    open_series,
    open_stack,
)
from core.files.recipes import read_recipe, recipe_in
from core.files.saving import Format, Saved, save_stack

__all__ = [
    "READERS", "Format", "Saved", "Taken", "free_name", "images_in", "is_collection", "join_files",
    "list_series", "open_series", "open_stack", "read_recipe", "recipe_in", "reinterpret", "save_stack",
    "write_text", "writing",
]  # fmt: skip
