"""Reads ND2 files of Nikon NIS-Elements with the library nd2."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core import stored
from core.errors import QuietfieldError
from core.files.readers.base import Series
from core.files.readers.described import Channel, Recording, lost_planes, make_stack, number
from core.files.readers.extras import load_library
from core.files.readers.stream import FileStream
from core.files.readers.tiles import Tile, TileSource
from core.progress import Context
from core.stack import Stack

_MODERN, _LEGACY = b"\xda\xce\xbe\x0a", b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_MODES = {
    "laserScanConfocal": "LaserScanningConfocalMicroscopy", "spinningDisk": "SpinningDiskConfocal",
    "camera": "WideField",
}  # fmt: skip
"""Words of Nikon for the modality, and those of OME."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parsed:
    """An open file: shape of its frames (rows, columns, channels, colours), and lengths of its loops."""

    file: Any
    stream: FileStream
    lock: Any
    loops: dict[str, int]
    frame: tuple[int, int, int, int]
    present: frozenset[int]
    recording: Recording


class Nd2Reader:
    """Reads ND2 files; positions are series."""

    name = "Nikon ND2"
    endings = (".nd2",)
    priority = 0

    def supports(self, path: Path, head: bytes) -> bool:
        """Return whether a file begins as ND2, or as the older kind that is JPEG 2000."""
        return head.startswith(_MODERN) or (head.startswith(_LEGACY) and path.suffix.lower() == ".nd2")

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:
        """Parse a file and list its positions.

        Raises
        ------
        QuietfieldError
            If the library is missing, or the file ends too early.
        """
        nd2 = load_library("nd2", path, "a Nikon ND2 file", "nd2")
        stream = FileStream(path, context)
        try:
            file = nd2.ND2File(stream)
            parsed = _parse(path, file, stream)
        except Exception as error:
            stream.close()
            context.check()
            if isinstance(error, QuietfieldError):
                raise
            words = stored.shorten(" ".join(str(error).split()), 120) or type(error).__name__
            raise QuietfieldError(
                f"{path} cannot be read as Nikon ND2 ({words}). Its list of contents is at its end: it was "
                "cut off, never completely written, or is damaged. Copy it again."
            ) from error
        stream.release()
        loops = {axis: size for axis, size in parsed.loops.items() if axis != "P"}
        axes = "".join(axis if axis in "TZ" else "I" for axis in loops) + "YXCS"
        shape = (*loops.values(), *parsed.frame)
        return tuple(
            Series(
                path=path, index=position, name=_name(file, position) if "P" in parsed.loops else "",
                axes=axes, shape=shape, dtype=file.dtype, origin=parsed,
            )
            for position in range(parsed.loops.get("P", 1))
        )  # fmt: skip

    def open(self, series: Series) -> Stack:
        """Open one position; frames are read when they are asked for.

        Raises
        ------
        QuietfieldError
            If no frame of it is in the file.
        """
        parsed: _Parsed = series.origin
        lengths = list(parsed.loops.values())
        grid: Any = np.arange(math.prod(lengths)).reshape(lengths)
        if "P" in parsed.loops:
            grid = grid.take(series.index, list(parsed.loops).index("P"))
        height, width = parsed.frame[:2]
        tiles = [
            [Tile(height=height, width=width, key=int(frame))] if int(frame) in parsed.present else []
            for frame in grid.ravel()
        ]
        lost = sum(not tile for tile in tiles)
        if lost == len(tiles):
            raise QuietfieldError(
                f"{series.path} holds no frame of this image; it was cut off. Copy it again."
            )
        read = parsed.file.read_frame
        source = TileSource(
            series.path, parsed.stream, grid.shape, parsed.frame, np.dtype(series.dtype), tiles,
            lambda frame: _channels_last(read(frame), parsed.frame), parsed.lock,
        )  # fmt: skip
        return make_stack(
            replace(series, name=series.name if "P" in parsed.loops else ""), source, parsed.recording,
            format="Nikon ND2", findings=lost_planes(lost, len(tiles)), size=parsed.stream.size,
        )  # fmt: skip


def _channels_last(pixels: Any, shape: Sequence[int]) -> Any:
    """Return a frame as rows, columns, channels and colours; nd2 gives channels first."""
    height, width, channels, colours = shape
    found = np.asarray(pixels)
    if channels > 1 and found.shape[0] == channels:
        found = np.moveaxis(found, 0, 2)
    return found.reshape(height, width, channels, colours)


def _parse(path: Path, file: Any, stream: FileStream) -> _Parsed:
    about = file.attributes
    sizes = {str(axis): int(size) for axis, size in file.sizes.items()}
    channels = sizes.get("C", 1)
    frame = (int(about.heightPx), int(sizes["X"]), channels, sizes.get("S", 1))
    loops = {axis: size for axis, size in sizes.items() if axis not in "YXCS"}
    count = math.prod(loops.values())
    if count > 10**7:
        raise QuietfieldError(f"{path} claims {count:,} frames, which no file has; it is damaged.")
    return _Parsed(
        file=file, stream=stream, lock=threading.RLock(), loops=loops, frame=frame,
        present=_present(file, stream, count, math.prod(frame) * file.dtype.itemsize),
        recording=_recording(file, loops, channels),
    )  # fmt: skip


def _present(file: Any, stream: FileStream, count: int, size: int) -> frozenset[int]:
    """Return the numbers of the frames that are in the file; nd2 reads the others as zeros."""
    offsets = getattr(getattr(file, "_rdr", None), "_frame_offsets", None)
    if offsets is None:  # the older kind of file, or another version of the library
        return frozenset(range(count))
    packed = file.attributes.compressionType is not None
    return frozenset(
        number for number, offset in offsets.items() if offset + (1 if packed else size) <= stream.size
    )


def _recording(file: Any, loops: dict[str, int], channels: int) -> Recording:
    """Return what the file says of the recording; nothing if that cannot be read."""
    try:
        found = list(getattr(file.metadata, "channels", None) or ())
    except Exception:  # foreign metadata of any shape; the pixels do not depend on it
        found = []
    spacing: dict[str, tuple[object, str]] = {}
    if found:
        volume = found[0].volume
        for axis, size, known in zip("XYZ", volume.axesCalibration, volume.axesCalibrated, strict=False):
            if known:
                spacing[axis] = (size, "µm")
    for loop in getattr(file, "experiment", ()) or ():
        about: Any = getattr(loop, "parameters", None)
        if loop.type == "ZStackLoop" and (step := number(getattr(about, "stepUm", None))):
            spacing["Z"] = (step, "µm")
        elif loop.type in ("TimeLoop", "NETimeLoop") and "T" in loops:
            spacing["T"] = (_interval(list(getattr(about, "periods", ())) or [about]), "ms")
    if not found:
        return Recording(spacing=spacing)
    lens = found[0].microscope
    return Recording(
        spacing=spacing, channels=[_channel(one) for one in found] if len(found) == channels else (),
        na=number(lens.objectiveNumericalAperture), index=number(lens.immersionRefractiveIndex),
    )  # fmt: skip


def _interval(periods: Sequence[Any]) -> float | None:
    """Return the time between frames in milliseconds; None where phases of a recording differ in it."""
    if len({getattr(period, "periodMs", None) for period in periods}) > 1:
        return None
    measured = number(getattr(getattr(periods[0], "periodDiff", None), "avg", None))
    return measured or number(getattr(periods[0], "periodMs", None))


def _channel(one: Any) -> Channel:
    about, modality = one.channel, one.microscope.modalityFlags or ()
    mode = next((words for flag, words in _MODES.items() if flag in modality), "")
    colour = (int(about.color.r), int(about.color.g), int(about.color.b))
    return Channel(
        name=about.name or "", emission=number(about.emissionLambdaNm),
        excitation=number(about.excitationLambdaNm), mode=mode,
        colour=colour if all(0 <= c <= 255 for c in colour) else None,
    )  # fmt: skip


def _name(file: Any, position: int) -> str:
    """Return the name of a position; its number without one."""
    for loop in file.experiment or ():
        if loop.type == "XYPosLoop":
            points = loop.parameters.points
            if position < len(points) and points[position].name:
                return str(points[position].name)
    return f"position {position + 1}"
