"""Reads OIB and OIF files of Olympus FluoView with the library oiffile."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files.readers.base import Series
from core.files.readers.compound import MARK, check_chains
from core.files.readers.described import Channel, Recording, lost_planes, make_stack, number
from core.files.readers.extras import load_library
from core.files.readers.stream import FileStream
from core.files.readers.tiles import Tile, TileSource
from core.progress import Context
from core.stack import Stack

_LETTERS = {"L": "E", "A": "I"}
"""Letters of axes in FluoView that mean something else to Quietfield: wavelengths, and angles."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sequence:
    """TIFF files of one image in an open OIB or OIF: their axes, and the number of the file at each place."""

    file: Any
    stream: FileStream
    lock: Any
    files: tuple[str, ...]
    places: Mapping[tuple[int, ...], int]


class OlympusReader:
    """Reads OIB, and OIF with the folder of TIFF files beside it."""

    name = "Olympus OIB"
    endings = (".oib", ".oif")
    priority = 0

    def supports(self, path: Path, head: bytes) -> bool:
        """Return whether a file is a compound file or a text with the ending of FluoView."""
        ending = path.suffix.lower()
        return (ending == ".oib" and head.startswith(MARK)) or (
            ending == ".oif" and head[:4] in (b"\xff\xfe[\x00", b"[Fil", b"[Pro", b"[Acq")
        )

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:
        """Parse a file and list its images.

        Raises
        ------
        QuietfieldError
            If the library is missing, or the file holds no image.
        """
        oiffile = load_library("oiffile", path, "an Olympus file", "oif")
        stream = FileStream(path, context)
        if path.suffix.lower() == ".oib":
            check_chains(path, stream)
        file = oiffile.OifFile(str(path))
        weakref.finalize(stream, file.close)
        context.check()
        lock = threading.RLock()
        found: list[Series] = []
        for index, sequence in enumerate(file.series):
            axes, shape = str(sequence.axes), tuple(map(int, sequence.shape))
            files = tuple(map(str, sequence))
            first = np.asarray(file.asarray(files[0]))
            if first.ndim != 2:  # a thumbnail in colours
                continue
            letters = "".join(_LETTERS.get(axis, axis) for axis in axes)
            places = {tuple(map(int, place)): k for k, place in enumerate(sequence.indices)}
            one = _Sequence(file=file, stream=stream, lock=lock, files=files, places=places)
            found.append(
                Series(
                    path=path, index=len(found), name="" if index == 0 else Path(files[0]).stem,
                    axes=letters + "YX", shape=(*shape, *first.shape), dtype=first.dtype, origin=one,
                )
            )  # fmt: skip
        stream.release()
        if not found:
            raise QuietfieldError(f"{path} holds no image. The folder with its TIFF files may be empty.")
        return tuple(found)

    def open(self, series: Series) -> Stack:
        """Open one image; its TIFF files are read when they are asked for."""
        one: _Sequence = series.origin
        outer, (height, width) = series.shape[:-2], series.shape[-2:]
        tiles = []
        for index in np.ndindex(*outer):
            k = one.places.get(index)
            tiles.append([] if k is None else [Tile(height=height, width=width, key=one.files[k])])
        source = TileSource(
            series.path, one.stream, outer, (height, width), np.dtype(series.dtype), tiles,
            one.file.asarray, one.lock,
        )  # fmt: skip
        lost = sum(not plane for plane in tiles)
        channels = math.prod(n for a, n in zip(series.axes, series.shape, strict=True) if a in "CE")
        return make_stack(
            series, source, _recording(one.file.mainfile, channels), format="Olympus FluoView",
            findings=lost_planes(lost, len(tiles)),
        )  # fmt: skip


def _recording(about: Mapping[str, Mapping[str, Any]], count: int) -> Recording:
    """Return what the settings say of the recording; nothing of what cannot be read."""
    spacing: dict[str, tuple[object, str]] = {}
    image = about.get("Reference Image Parameter", {})
    for axis, side in (("X", "Width"), ("Y", "Height")):
        spacing[axis] = (number(image.get(f"{side}ConvertValue")), str(image.get(f"{side}Unit", "um")))
    for k in range(8):
        one = about.get(f"Axis {k} Parameters Common", {})
        axis, size = str(one.get("AxisCode", "")), number(one.get("MaxSize")) or 0
        start, stop = number(one.get("StartPosition")), number(one.get("EndPosition"))
        if axis in ("Z", "T") and size > 1 and start is not None and stop is not None:
            spacing[axis] = (abs(stop - start) / (size - 1), str(one.get("UnitName", "")))
    channels = []
    for k in range(1, count + 1):
        one = about.get(f"Channel {k} Parameters", {}) or about.get(f"GUI Channel {k} Parameters", {})
        channels.append(
            Channel(
                name=str(one.get("DyeName") or one.get("CH Name") or ""),
                emission=number(one.get("EmissionWavelength")), mode="LaserScanningConfocalMicroscopy",
                excitation=number(one.get("ExcitationWavelength")),
            )
        )  # fmt: skip
    lens = next((section["ObjectiveLens NAValue"] for section in about.values()
                 if isinstance(section, dict) and "ObjectiveLens NAValue" in section), None)  # fmt: skip
    return Recording(spacing=spacing, channels=channels, na=number(lens))
