"""Reading of untrusted texts and JSON, with limits on size, depth and kind of file."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import QuietfieldError

MOST_BYTES = 4 * 2**20
"""Maximum size of a text in bytes."""

MOST_DEPTH = 32
"""Maximum nesting of JSON; files of Quietfield have six levels."""


def check_regular(path: Path) -> os.stat_result:
    """Check that a path is a regular file. Reading a device or a pipe might never end.

    Returns
    -------
    os.stat_result
        Status of the file.

    Raises
    ------
    QuietfieldError
        If it is not a regular file.
    OSError
        If it does not exist or is inaccessible.
    """
    known = path.stat()
    if stat.S_ISDIR(known.st_mode):
        raise QuietfieldError(f"{path} is a folder. Choose a file.")
    if not stat.S_ISREG(known.st_mode):
        raise QuietfieldError(f"{path} is a device or a pipe, not a file. Copy what it gives into a file.")
    return known


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """Return the text in a file, which is in UTF-8.

    Raises
    ------
    QuietfieldError
        If it cannot be read, is no text, or is longer than `most` bytes.
    """
    try:
        size = check_regular(path).st_size
        if size > most:
            raise QuietfieldError(
                f"{path} has {size / 1e6:,.0f} MB; a file of its kind has {most / 1e6:.0f} MB at most. "
                "Check the name."
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise QuietfieldError(f"{path} cannot be read ({cause or error}). Check the name.") from error


def parse_json(text: str, *, whole: bool = True, most: int = MOST_BYTES) -> Any:
    """Return the value of a JSON text.

    Parameters
    ----------
    text : str
        JSON text.
    whole : bool
        Whether nothing may follow the value.
    most : int
        Maximum length of the text in characters.

    Raises
    ------
    ValueError
        If it is no JSON, is too long, or is nested too deeply.
    """
    if len(text) > most:
        raise ValueError(f"it has {len(text):,} characters; {most:,} are the most")
    try:
        found = json.loads(text) if whole else json.JSONDecoder().raw_decode(text.lstrip())[0]
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level, depth = [found], 0
    while level:
        depth += 1
        level = [inner for value in level for inner in _inside(value)]
    if depth > MOST_DEPTH:
        raise ValueError("it is nested too deeply")
    return found


def _inside(value: object) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
