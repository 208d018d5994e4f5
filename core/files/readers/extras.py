"""Loads the optional libraries that read a format, and says what to install where one is missing."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

from core.errors import QuietfieldError


def load_library(module: str, path: Path, what: str, extra: str) -> Any:
    """Return an optional library, which is imported only when a file needs it.

    Parameters
    ----------
    module : str
        Name of the library.
    path : Path
        File that needs it.
    what : str
        Kind of file in a sentence, such as "a Nikon ND2 file".
    extra : str
        Name of the optional dependencies that contain it.

    Raises
    ------
    QuietfieldError
        If it is not installed.
    """
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise QuietfieldError(
            f"{path} is {what}; the library that reads it ({module}) is not installed. Install it with: "
            f'python -m pip install "quietfield[{extra}]" (or ".[{extra}]" in the folder of Quietfield)'
        ) from error
    # what it warns of is checked by the readers, and told as findings
    warnings.filterwarnings("ignore", module=rf"{module}\b")
    return found
