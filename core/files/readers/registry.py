"""The readers, asked in the order of their priority."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core import stored
from core.errors import QuietfieldError
from core.files.readers.base import Reader, Series
from core.files.readers.sniffing import first_bytes, refusal
from core.findings import Finding, kinds
from core.progress import Cancelled, Context
from core.stack import Stack

MOST_LISTED = 8
"""Series that are named when one of many is opened."""


class Readers:
    """Readers that are tried one after the other, those of higher priority first."""

    def __init__(self, *readers: Reader) -> None:
        self._readers: list[Reader] = []
        for reader in readers:
            self.add(reader)

    def add(self, reader: Reader) -> None:
        """Add a reader; of equal priority, the one added first is asked first."""
        self._readers.append(reader)
        self._readers.sort(key=lambda r: -r.priority)

    def remove(self, reader: Reader) -> None:
        """Remove a reader that was added."""
        self._readers.remove(reader)

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of all files that can be opened."""
        return tuple(dict.fromkeys(ending for reader in self._readers for ending in reader.endings))

    def find(self, path: Path) -> Reader:
        """Return the reader that opens a file or folder.

        Raises
        ------
        QuietfieldError
            If it is missing, empty or unreadable, or no reader supports it.
        """
        head = first_bytes(path)
        for reader in self._readers:
            if reader.supports(path, head):
                return reader
        raise refusal(path, head)

    def series(self, path: Path, context: Context | None = None) -> tuple[Series, ...]:
        """List the series of a file.

        Raises
        ------
        QuietfieldError
            If it cannot be read: one sentence names the file, the cause and the cure.
        Cancelled
            If the context was cancelled meanwhile.
        """
        reader, context = self.find(path), context or Context()
        with _reading(path, reader, context):
            return reader.series(path, context)

    def open(self, series: Sequence[Series], index: int = 0) -> Stack:
        """Open one of the series of a file.

        Raises
        ------
        QuietfieldError
            If there is no such series, or it cannot be opened.
        """
        path = series[0].path
        if not 0 <= index < len(series):
            raise QuietfieldError(f"{path} has no series {index}; there are {len(series)}, numbered from 0.")
        reader = self.find(path)
        with _reading(path, reader, Context()):
            stack = reader.open(series[index])
        if len(series) == 1:
            return stack
        lines = [f"{s.index}: {s.text}" for s in series[:MOST_LISTED]] + ["..."] * (len(series) > MOST_LISTED)
        more = Finding(
            kind=kinds.MORE_SERIES, value=len(series), details={"opened": index, "series": "; ".join(lines)}
        )  # fmt: skip
        return stack.replace(findings=(*stack.meta.findings, more))

    def files_in(self, folder: Path) -> list[Path]:
        """List the images in a folder in natural order: those of the first reader that finds any.

        Raises
        ------
        QuietfieldError
            If there are none, or the folder cannot be read.
        """
        try:
            paths = sorted((p for p in folder.iterdir() if not p.name.startswith(".")), key=natural_key)
        except OSError as error:
            raise QuietfieldError(
                f"{folder} cannot be read ({error.strerror}). Check the permissions of the folder."
            ) from error
        readers = [reader for reader in self._readers if reader.endings]
        for reader in readers:
            named = [path for path in paths if path.name.lower().endswith(reader.endings)]
            if found := [path for path in named if path.is_file() or reader.supports(path, b"")]:
                return found
        raise QuietfieldError(f"{folder} holds no image of a known format. Choose the folder of images.")


def natural_key(path: Path) -> tuple[Any, ...]:
    """Order file names as people do: plane2 before plane10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return tuple((1, int(p), p) if p.isdigit() else (0, 0, p) for p in parts)


@contextmanager
def _reading(path: Path, reader: Reader, context: Context) -> Iterator[None]:
    """Turn whatever a parser makes of foreign bytes, or of a cancellation, into a sentence or `Cancelled`."""
    try:
        yield
        context.check()
    except (QuietfieldError, Cancelled):
        raise
    except MemoryError as error:
        raise QuietfieldError(
            f"{path} claims more planes than fit into memory; it is damaged or too large for this computer."
        ) from error
    except Exception as error:
        context.check()
        words = stored.shorten(" ".join(str(error).split())) or type(error).__name__
        raise QuietfieldError(
            f"{path} cannot be read as {reader.name} ({words}). It is damaged or of another kind; "
            "copy or export it again."
        ) from error
