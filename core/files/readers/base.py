"""What a file format supplies: a reader, and the series that it lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from core.progress import Context
from core.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One image in a file, listed before it is opened.

    Attributes
    ----------
    path : Path
        The file, or a folder of files.
    index : int
        Number of the series in the file, counted from 0.
    name : str
        Name that the file gives it; "" without one.
    axes : str
        Axes as the file names them, one letter for each; the opened stack may have others.
    shape : tuple of int
        Length of each axis.
    dtype : numpy.dtype or None
        Type of the pixels; None where it is unknown.
    files : tuple of Path
        Files that hold the pixels, where they are several.
    origin : object
        Data for opening the series without parsing the file again; only its reader uses it.
    """

    path: Path
    index: int = 0
    name: str = ""
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    files: tuple[Path, ...] = ()
    origin: Any = None

    @property
    def text(self) -> str:
        """Return axes, shape, type of the pixels and name in one line; axes of length 1 are left out."""
        name = f" ({self.name})" if self.name else ""
        kept = [(a, n) for a, n in zip(self.axes, self.shape, strict=True) if n != 1 or a in "YX"]
        axes, lengths = "".join(a for a, _ in kept), " x ".join(str(n) for _, n in kept)
        return f"{axes} {lengths}, {self.dtype}{name}"

    def covers(self, files: Sequence[Path]) -> bool:
        """Return whether this one image is spread over all of these files."""
        return len(files) > 1 and {f.name for f in files} <= {f.name for f in self.files}


class Reader(Protocol):
    """Opens the files of one format.

    Whatever its methods raise on damaged files becomes a sentence, so that only `QuietfieldError` needs care.

    Attributes
    ----------
    name : str
        Name of the format in a sentence, such as "TIFF".
    endings : tuple of str
        Endings of its file names in lower case, such as ``".tif"``.
    priority : int
        Readers of higher priority are asked first.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def endings(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def priority(self) -> int: ...  # noqa: D102

    def supports(self, path: Path, head: bytes) -> bool:
        """Return whether it can open a file that begins with these bytes; b"" for a folder."""

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:
        """Parse a file and list its series, at least one; the context may cancel that."""

    def open(self, series: Series) -> Stack:
        """Open a series that it listed; pixels are read when they are asked for."""


@runtime_checkable
class Peeking(Protocol):
    """A reader that can tell the shape of a plane without parsing the whole file."""

    def peek(self, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and type of the first plane of a file."""
