"""The file that tifffile reads: parsing it can be cancelled, and its chain of directories has an end."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from core.errors import QuietfieldError
from core.files.unchanged import Unchanged
from core.progress import Context

MOST_TAGS = 4096
"""Most entries of a directory; tifffile stops at a directory with more."""

CHECK = 1000
"""Directories between two looks at a cancellation."""


class TiffStream(io.BufferedReader):
    """An open TIFF file.

    A directory names the place of the next one. In damaged files that may be the place of an earlier one, and
    a parser would never end; such a place is read as 0, which means that no directory follows.

    Parameters
    ----------
    path : Path
        The file.
    context : Context
        Cancels reading, until `release`.

    Attributes
    ----------
    context : Context
        What may cancel reading.
    circular : bool
        Whether the chain of directories led back to itself.
    cut : bool
        Whether the file ends within the last directory, which is left out.
    unchanged : Unchanged
        Notices that another program writes the file.

    Raises
    ------
    QuietfieldError
        If the directories would take more space than there is, because they overlap.
    """

    def __init__(self, path: Path, context: Context) -> None:
        super().__init__(io.FileIO(os.path.realpath(path)))
        self.context, self._blank, self.cut = context, (0, 0), False
        self.unchanged = Unchanged(path, self.fileno())
        try:
            self._blank = self._find_circle(path)
        except BaseException:
            self.close()
            raise
        self.circular = self._blank[1] > 0 and not self.cut
        self.seek(0)

    def release(self) -> None:
        """Let pixels be read from now on, whatever becomes of the context."""
        self.context = Context()

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes of the file."""
        self.context.check()
        start = self.tell() if self._blank[1] else 0
        data = super().read(size)
        first, last = (min(max(place - start, 0), len(data)) for place in self._blank)
        return data[:first] + bytes(last - first) + data[last:] if first < last else data

    def _find_circle(self, path: Path) -> tuple[int, int]:
        """Return start and end of the bytes that lead back to an earlier directory; (0, 0) for none."""
        size, layout = os.fstat(self.fileno()).st_size, _layout(super().read(4), path)
        place, seen, length = layout.first, {0}, layout.first
        while (offset := self._number(place, layout.offset)) < size:
            if offset in seen:
                return (place, place + layout.offset.size) if offset else (0, 0)
            seen.add(offset)
            if len(seen) % CHECK == 0:
                self.context.check()
            tags = self._number(offset, layout.count)
            if tags > MOST_TAGS:
                break
            link, place = place, offset + layout.count.size + tags * layout.tag
            if place <= size < place + layout.offset.size:
                # tifffile would read the last directory for ever, as the place of the next one is cut off
                self.cut = True
                return link, link + layout.offset.size
            length += place - offset + layout.offset.size
            if length > size:
                raise QuietfieldError(
                    f"{path} lists more planes than fit into its {size:,} bytes; it is damaged. "
                    "Copy or export it again."
                )
        return 0, 0

    def _number(self, place: int, form: struct.Struct) -> int:
        """Return a number of the file; 0 behind its end."""
        self.seek(place)
        data = super().read(form.size)
        number: int = form.unpack(data)[0] if len(data) == form.size else 0
        return number


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where directories are, and how their numbers are stored."""

    first: int
    count: struct.Struct
    tag: int
    offset: struct.Struct


def _layout(head: bytes, path: Path) -> _Layout:
    order = ">" if head[:2] == b"MM" else "<"
    if head[2:4] in (b"\x2b\x00", b"\x00\x2b"):  # BigTIFF
        return _Layout(8, struct.Struct(f"{order}Q"), 20, struct.Struct(f"{order}Q"))
    offset = "Q" if path.suffix == ".ndpi" else "I"
    return _Layout(4, struct.Struct(f"{order}H"), 12, struct.Struct(f"{order}{offset}"))
