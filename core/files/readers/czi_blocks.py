"""Reads the blocks of pixels in a CZI file: where they lie, and what their bytes mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.stack import Pixels

_RAW, _JPEG, _LZW, _JPEG_XR, _ZSTD, _ZSTD_PACKED = 0, 1, 2, 4, 5, 6
LARGEST = 2**31
"""Most rows, columns or bytes of one block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of pixels at full resolution.

    Attributes
    ----------
    number : int
        Its number in the directory of the file.
    starts : dict of str to int
        Index along each dimension; first row and column for Y and X.
    height, width : int
        Numbers of its rows and columns.
    dtype : numpy.dtype
        Type of the pixels.
    samples : int
        Number of colours of a pixel; 1 for grey.
    present : bool
        Whether its pixels are in the file.
    """

    number: int
    starts: Mapping[str, int]
    height: int
    width: int
    dtype: np.dtype[Any]
    samples: int
    present: bool


def list_blocks(path: Path, file: Any, size: int) -> tuple[list[Block], int, int]:
    """Return the blocks of a file, the number of those at lower resolution, and of those in other files.

    Parameters
    ----------
    path : Path
        The file, for messages.
    file : czifile.CziFile
        The open file.
    size : int
        Length of the file in bytes.

    Raises
    ------
    QuietfieldError
        If a block has an impossible size.
    """
    found, reduced, elsewhere = [], 0, 0
    last = _last_complete(file, size)
    for number, entry in enumerate(file.subblock_directory):
        sizes = {
            d.dimension: (int(d.start), int(d.size), int(d.stored_size)) for d in entry.dimension_entries
        }
        if "Y" not in sizes or "X" not in sizes:
            continue
        if entry.pyramid_type != 0 or any(size != stored for _, size, stored in sizes.values()):
            reduced += 1
            continue
        elsewhere += entry.file_part != 0
        height, width = sizes["Y"][1], sizes["X"][1]
        if height <= 0 or width <= 0 or height * width >= LARGEST:
            raise QuietfieldError(f"{path} claims a block of {width} x {height} pixels; it is damaged.")
        kind = np.dtype(entry.dtype)
        found.append(
            Block(
                number=number, starts={axis: start for axis, (start, _, _) in sizes.items()}, height=height,
                width=width, dtype=kind.base, samples=int(np.prod(kind.shape, dtype=int)),
                present=entry.file_part == 0 and 0 < entry.file_position <= last,
            )
        )  # fmt: skip
    return found, reduced, elsewhere


def _last_complete(file: Any, size: int) -> int:
    """Return the place of the last block whose pixels lie inside the file; -1 if there is none."""
    places = {int(e.file_position): e for e in file.subblock_directory if e.file_part == 0}
    for place in sorted((p for p in places if 0 < p < size), reverse=True):
        try:
            segment = places[place].data_segment()
        except Exception:  # cut off within the head of the block
            continue
        if segment.data_offset + segment.data_size <= size:
            return place
    return -1


def decode(file: Any, block: Block) -> Pixels:
    """Return the pixels of a block: rows, columns, and colours as red, green, blue.

    Parameters
    ----------
    file : czifile.CziFile
        The open file.
    block : Block
        One of its blocks.

    Raises
    ------
    ValueError
        If its bytes are damaged, or compressed in an unknown way.
    """
    entry = file.subblock_directory[block.number]
    segment = entry.data_segment()
    if not 0 <= segment.data_size < LARGEST:
        raise ValueError(f"it claims {segment.data_size} bytes")
    shape = (block.height, block.width, block.samples)
    pixels = _decompress(segment.data(raw=True), entry.compression, shape, block.dtype)
    if block.samples >= 3 and entry.compression != _JPEG_XR:  # stored as blue, green, red
        pixels = pixels[..., [2, 1, 0, *range(3, block.samples)]]
    return pixels


def _decompress(data: bytes, compression: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Pixels:
    import imagecodecs

    size = int(np.prod(shape)) * dtype.itemsize
    if compression == _JPEG:
        return np.asarray(imagecodecs.jpeg_decode(data)).reshape(shape)
    if compression == _JPEG_XR:
        return np.asarray(imagecodecs.jpegxr_decode(data)).reshape(shape)
    if compression == _LZW:
        data = bytes(imagecodecs.lzw_decode(data, out=size))
    elif compression in (_ZSTD, _ZSTD_PACKED):
        head = data[0] if compression == _ZSTD_PACKED else 0
        packed = head == 3 and data[1] == 1 and bool(data[2] & 1)
        data = bytes(imagecodecs.zstd_decode(data[head:], out=size))
        if packed:  # low bytes of all pixels first, then the high ones
            data = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, -1).T.tobytes()
    elif compression != _RAW:
        raise ValueError(f"its compression {compression} is not known")
    return np.frombuffer(data, dtype, int(np.prod(shape))).reshape(shape)
