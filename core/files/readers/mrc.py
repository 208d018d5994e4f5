"""Reads MRC files of electron microscopes: the library mrcfile reads the header, pixels are read directly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files.raw_source import RawSource
from core.files.readers.base import Series
from core.files.readers.described import MOST_PLANES, Recording, make_stack
from core.files.readers.extras import load_library
from core.findings import Finding, kinds
from core.progress import Context
from core.stack import Stack

_HEADER = 1024
_MARK = slice(208, 212)
_IMOD, _IMOD_PLACE, _SIGNED = 1146047817, 152, 1
"""Stamp of the program IMOD, its place in the header, and its flag for signed bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the header says: place, type and spacing of the pixels, and how many planes there should be."""

    offset: int
    dtype: np.dtype[Any]
    described: int
    certain: bool
    recording: Recording


class MrcReader:
    """Reads MRC files; a volume has depth, an image stack asks what its planes are."""

    name = "MRC"
    endings = (".mrc", ".mrcs", ".map", ".rec", ".st", ".ali")
    priority = -5

    def supports(self, path: Path, head: bytes) -> bool:
        """Return whether a file has the mark of MRC, or an ending and a header that go with it."""
        if head[_MARK] == b"MAP ":
            return True
        return path.suffix.lower() in self.endings and len(head) >= 212 and 0 in head[:16]

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:  # noqa: ARG002
        """Read the header of a file.

        Raises
        ------
        QuietfieldError
            If the library is missing, or the file ends before its first plane does.
        """
        mrcfile = load_library("mrcfile", path, "an MRC file", "mrc")
        with mrcfile.open(path, permissive=True, header_only=True) as file:
            header = file.header
            dtype = _dtype(header, np.dtype(mrcfile.utils.data_dtype_from_header(header)))
            shape = tuple(map(int, mrcfile.utils.data_shape_from_header(header)))
            volume, stack_of_volumes = int(header.ispg) == 1, len(shape) == 4
            offset = _HEADER + int(header.nsymbt)
            spacing = _spacing(header)
        if min(shape) < 1 or math.prod(shape[:-2]) > MOST_PLANES:
            raise QuietfieldError(f"{path} claims {' x '.join(map(str, shape))} pixels; it is damaged.")
        planes = math.prod(shape[:-2])
        there = max(path.stat().st_size - offset, 0) // (math.prod(shape[-2:]) * dtype.itemsize)
        if there == 0 or offset < _HEADER:
            raise QuietfieldError(
                f"{path} ends before its first plane does; it was cut off. Copy or export it again."
            )
        axes = "IZYX" if stack_of_volumes else ("ZYX" if volume else "IYX")[-len(shape) :]
        if there < planes:
            axes, shape = axes[-3:].replace("Z", "Z" if volume else "I"), (there, *shape[-2:])
        found = _Found(
            offset=offset, dtype=dtype, described=planes, certain=volume or planes == 1,
            recording=Recording(spacing=spacing if volume or stack_of_volumes else _flat(spacing)),
        )  # fmt: skip
        return (Series(path=path, axes=axes, shape=shape, dtype=dtype.newbyteorder("="), origin=found),)

    def open(self, series: Series) -> Stack:
        """Open the image; planes are read when they are asked for."""
        found: _Found = series.origin
        planes, findings = math.prod(series.shape[:-2]), []
        if planes < found.described:
            findings.append(
                Finding(
                    kind=kinds.CUT_SHORT, value=planes, limit=found.described, details={"opened": planes}
                )
            )  # fmt: skip
        source = RawSource(series.path, found.dtype, found.offset, series.shape)
        return make_stack(
            series, source, found.recording, format="MRC", findings=findings, certain=found.certain
        )  # fmt: skip


def _flat(spacing: dict[str, tuple[object, str]]) -> dict[str, tuple[object, str]]:
    return {axis: step for axis, step in spacing.items() if axis != "Z"}


def _dtype(header: Any, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of the pixels: IMOD writes bytes without sign, unless a flag says otherwise.

    Source: https://bio3d.colorado.edu/imod/doc/mrc_format.txt, imodStamp and imodFlags.
    """
    number = np.dtype(np.int32).newbyteorder(header.mode.dtype.byteorder)
    stamp, flags = np.frombuffer(header.tobytes(), number, 2, _IMOD_PLACE)
    unsigned = stamp == _IMOD and not flags & _SIGNED
    return np.dtype(np.uint8) if dtype == np.int8 and unsigned else dtype


def _spacing(header: Any) -> dict[str, tuple[object, str]]:
    """Return the size of a voxel: that of the cell, divided by the number of intervals.

    The header says which axis of the cell columns, rows and sections follow (mapc, mapr, maps).
    """
    found: dict[str, tuple[object, str]] = {}
    order = [int(header.mapc), int(header.mapr), int(header.maps)]
    for axis, along in zip("XYZ", order if sorted(order) == [1, 2, 3] else [1, 2, 3], strict=True):
        cell = "xyz"[along - 1]
        size, count = float(header.cella[cell]), int(header[f"m{cell}"])
        if size > 0 and count > 0:
            found[axis] = (size / count, "Å")
    return found
