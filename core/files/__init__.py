"""Files: stacks in, stacks out."""

from core.files.atomic import free_name, replacing, write_text
from core.files.axes import reinterpret
from core.files.opening import list_series, open_stack
from core.files.recipes import read_recipe
from core.files.saving import Saved, save_stack

__all__ = [
    "Saved", "free_name", "list_series", "open_stack", "read_recipe", "reinterpret", "replacing",
    "save_stack", "write_text",
]  # fmt: skip
