"""Files: stacks in, stacks out."""

from core.files.axes import reinterpret
from core.files.opening import list_series, open_stack

__all__ = ["list_series", "open_stack", "reinterpret"]
