"""Reads and writes stacks."""

from core.files.atomic import free_name, replacing, write_text
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
    "READERS", "Format", "Saved", "free_name", "images_in", "is_collection", "join_files", "list_series",
    "open_series", "open_stack", "read_recipe", "recipe_in", "reinterpret", "replacing", "save_stack",
    "write_text",
]  # fmt: skip
