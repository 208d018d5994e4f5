"""Examines the chain of directories in a TIFF file, and planes that lie in a row behind the first one."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Planes of equal size that follow each other without gaps.

    tifffile and ImageJ write all planes behind the first directory, and the other directories behind the
    planes. If such a file is cut off, only the first directory is left.

    Attributes
    ----------
    offset : int
        Place of the first pixel in the file, in bytes.
    expected : int
        Number of planes that fit in front of the second directory; 0 if there is none.
    present : int
        Number of whole planes that fit into the file.
    """

    offset: int
    expected: int
    present: int


def broken_row(file: Any) -> Row | None:
    """Return the planes in a row of a file whose chain of directories is broken; None if it has none.

    Parameters
    ----------
    file : tifffile.TiffFile
        An open file.
    """
    page = file.pages.first
    if not page.is_final or page.nbytes == 0 or page.subifds or page.dtype is None or page.dtype.kind == "b":
        return None
    last = _next_offset(file)
    if last == 0:
        return None
    offset = int(page.dataoffsets[0])
    count = len(file.pages)
    if count > 1 and int(file.pages[1].dataoffsets[0]) != offset + page.nbytes:
        return None
    second = last if count == 1 else int(file.pages[1].offset)
    return Row(
        offset=offset, expected=max(second - offset, 0) // page.nbytes,
        present=max(file.filehandle.size - offset, 0) // page.nbytes,
    )  # fmt: skip


def _next_offset(file: Any) -> int:
    """Return the offset of the directory that should follow the last one; 0 if there should be none."""
    handle, tiff = file.filehandle, file.tiff
    place = file.pages.next_page_offset
    if place is None:
        return 0
    handle.seek(place)
    data = handle.read(tiff.offsetsize)
    return int(struct.unpack(tiff.offsetformat, data)[0]) if len(data) == tiff.offsetsize else handle.size
