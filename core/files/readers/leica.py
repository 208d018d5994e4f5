"""Reads LIF, LOF, XLIF and XLEF files of Leica with the library liffile."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files.readers.base import Series
from core.files.readers.described import Channel, Recording, lost_planes, make_stack, number
from core.files.readers.extras import load_library
from core.files.readers.stream import FileStream
from core.files.readers.tiles import Tile, TileSource
from core.progress import Context
from core.stack import Stack

_XML = (".xlif", ".xlef")
_LETTERS = {"λ": "E", "Λ": "E", "N": "I", "?": "Q"}
"""Letters of dimensions whose letter in liffile means something else to Quietfield."""

_IMMERSION = {"OIL": "Oil", "WATER": "Water", "GLYC": "Glycerol", "DRY": "Air"}
_MODES = {"Confocal": "LaserScanningConfocalMicroscopy", "Camera": "WideField"}
_COLOURS = {
    "red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "gray": (255, 255, 255),
    "cyan": (0, 255, 255), "magenta": (255, 0, 255), "yellow": (255, 255, 0),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Image:
    """One series: an image of an open file, and the tile of its mosaic, if it has one."""

    image: Any
    stream: FileStream
    lock: Any
    tile: int | None = None

    @property
    def loops(self) -> dict[str, int]:
        """Lengths of the dimensions before those of a frame, in the order of the file."""
        frames = self.image.frames
        return {dim: int(frames.sizes[dim]) for dim in frames.dims if dim not in frames.frame_dims}

    @property
    def outer(self) -> dict[str, int]:
        """Lengths of these dimensions without that of the mosaic."""
        return {dim: size for dim, size in self.loops.items() if dim != "M"}


class LeicaReader:
    """Reads files of LAS X; images and the tiles of mosaics are series, wavelengths are channels."""

    name = "Leica LIF"
    endings = (".lif", ".lof", *_XML)
    priority = 0

    def supports(self, path: Path, head: bytes) -> bool:
        """Return whether a file begins as LIF or LOF, or is an XML file that names the images."""
        if head[:4] == b"\x70\0\0\0" and head[8:9] == b"\x2a":
            return True
        return path.suffix.lower() in _XML and b"<" in head[:4]

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:
        """Parse a file and list its images.

        Raises
        ------
        QuietfieldError
            If the library is missing, or the file holds no image.
        """
        liffile = load_library("liffile", path, "a Leica file", "lif")
        stream = FileStream(path, context)
        try:
            file = liffile.LifFile(stream)
            found = _images(file, stream, context)
        except KeyError as error:  # the XML names a block of pixels that is not there
            stream.close()
            raise QuietfieldError(
                f"{path} was cut off, or never completely written: {error} is missing. Copy it again."
            ) from error
        except BaseException:
            stream.close()
            raise
        stream.release()
        if not found:
            raise QuietfieldError(f"{path} holds no image. Choose the file that the microscope saved.")
        return tuple(_listed(path, index, image) for index, image in enumerate(found))

    def open(self, series: Series) -> Stack:
        """Open one image; frames are read when they are asked for.

        Raises
        ------
        QuietfieldError
            If its pixels are not in the file, or are photon arrival times.
        """
        one: _Image = series.origin
        if one.image.is_flim:
            raise QuietfieldError(
                f"{series.path}, {series.name}, holds photon arrival times (FLIM), not an image. Export an "
                "intensity image in LAS X."
            )
        frames = one.image.frames
        outer, loops = tuple(one.outer.values()), one.loops
        inner = series.shape[len(outer) :]
        count = _present(series.path, one, math.prod(inner) * one.image.dtype.itemsize)
        tiles: list[list[Tile]] = []
        for index in np.ndindex(*outer):
            place = {dim: int(i) for dim, i in zip(one.outer, index, strict=True)}
            if one.tile is not None:
                place["M"] = one.tile
            key = tuple(place[dim] for dim in loops)
            position = int(np.ravel_multi_index(key, tuple(loops.values()))) if key else 0
            tiles.append([Tile(height=inner[0], width=inner[1], key=key)] if position < count else [])
        lost = sum(not plane for plane in tiles)
        if lost == len(tiles):
            raise QuietfieldError(
                f"{series.path} was cut off before the pixels of {series.name}. Copy it again."
            )
        source = TileSource(
            series.path, one.stream, outer, inner, np.dtype(series.dtype), tiles,
            lambda key: frames[key] if key else frames[0], one.lock,
        )  # fmt: skip
        recording = _recording(one.image, one.outer)
        return make_stack(
            series, source, recording, format="Leica LIF", findings=lost_planes(lost, len(tiles)),
            size=0 if series.path.suffix.lower() in _XML else one.stream.size,
        )  # fmt: skip


def _images(file: Any, stream: FileStream, context: Context) -> list[_Image]:
    """Return the images of a file, one for each tile of a mosaic."""
    lock, found = threading.RLock(), []
    for image in file.images:
        context.check()
        if image.is_flim:
            found.append(_Image(image=image, stream=stream, lock=lock))
            continue
        tiles: list[int | None] = [None]
        if tiled := _Image(image=image, stream=stream, lock=lock).loops.get("M"):
            tiles = list(range(tiled))
        found += [_Image(image=image, stream=stream, lock=lock, tile=tile) for tile in tiles]
    return found


def _listed(path: Path, index: int, one: _Image) -> Series:
    image = one.image
    name = str(image.name) + (f", tile {one.tile + 1}" if one.tile is not None else "")
    if image.is_flim:
        return Series(
            path=path, index=index, name=f"{name}, FLIM", axes="", shape=(), dtype=None, origin=one
        )  # fmt: skip
    frames = image.frames
    dims = (*one.outer, *frames.frame_dims)
    sizes = {**dict(frames.sizes), **dict(frames.frame_sizes)}
    letters = "".join(_LETTERS.get(dim, dim[:1]) for dim in dims)
    if "Y" not in letters and "X" in letters:  # lines that were scanned again and again
        letters = letters.replace("X", "YX")
    shape = tuple(int(sizes[dim]) for dim in dims)
    if len(letters) > len(shape):
        at = letters.index("Y")
        shape = (*shape[:at], 1, *shape[at:])
    return Series(
        path=path, index=index, name=name, axes=letters, shape=shape, dtype=image.dtype, origin=one
    )  # fmt: skip


def _present(path: Path, one: _Image, size: int) -> int:
    """Return the number of frames whose pixels are in the file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    one : _Image
        The image.
    size : int
        Bytes of one frame.
    """
    total = math.prod(one.loops.values())
    try:
        block = one.image.memory_block
    except (KeyError, ValueError, OSError) as error:
        raise QuietfieldError(
            f"{path} was cut off before the pixels of {one.image.name}, or never completely written. Copy it "
            "again."
        ) from error
    if block.offset < 0 or block.offset + block.size <= one.stream.size:  # in other files, or complete
        return total
    return int(max(one.stream.size - block.offset, 0) // max(size, 1))


def _recording(image: Any, outer: Mapping[str, int]) -> Recording:
    """Return what the file says of the recording; nothing if that cannot be read."""
    try:
        coords, about = dict(image.coords), _settings(dict(image.attrs))
        described = image.xml_element.findall(".//ChannelDescription")
    except Exception:  # foreign metadata of any shape; the pixels do not depend on it
        return Recording()
    spacing: dict[str, tuple[object, str]] = {}
    for axis, unit in (("X", "m"), ("Y", "m"), ("Z", "m"), ("T", "s")):
        places = coords.get(axis)
        if places is not None and len(places) > 1:
            step = float(places[-1] - places[0]) / (len(places) - 1)
            spacing[axis] = (step, unit)
    mode = _MODES.get(str(about.get("DataSourceTypeName")), "")
    channels = [Channel(name=_dye(one), colour=_colour(one), mode=mode) for one in described]
    for dim in ("λ", "Λ"):
        if dim in outer and dim in coords:
            channels = _spectral(channels, [float(length) * 1e9 for length in coords[dim]], dim, mode)
    if len(channels) == 1 and not channels[0].emission:
        length = number(about.get("EmissionWavelengthForPinholeAiryCalculation"))
        channels = [Channel(name=channels[0].name, emission=length, colour=channels[0].colour, mode=mode)]
    immersion = _IMMERSION.get(str(about.get("Immersion", "")).upper(), "")
    return Recording(
        spacing=spacing, channels=channels, na=number(about.get("NumericalAperture")),
        index=number(about.get("RefractionIndex")), immersion=immersion,
    )  # fmt: skip


def _spectral(channels: Sequence[Channel], lengths: Sequence[float], dim: str, mode: str) -> list[Channel]:
    """Return a channel for each channel and wavelength in nanometres."""
    emitted = dim == "λ"
    return [
        Channel(
            name=f"{one.name} {length:.0f} nm".strip() if len(channels) > 1 else f"{length:.0f} nm",
            emission=length if emitted else one.emission, excitation=one.excitation if emitted else length,
            colour=one.colour, mode=mode,
        )
        for one in channels or [Channel()]
        for length in lengths
    ]  # fmt: skip


def _settings(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the microscope, of whatever kind it is."""
    hardware = attrs.get("HardwareSetting") or {}
    found = dict(hardware)
    for kind in ("ATLConfocalSettingDefinition", "ATLCameraSettingDefinition"):
        found |= hardware.get(kind) or {}
    return found


def _dye(described: Any) -> str:
    for one in described.findall("ChannelProperty"):
        if one.findtext("Key") == "DyeName" and (name := one.findtext("Value")):
            return str(name)
    return str(described.get("NameOfMeasuredQuantity") or described.get("LUTName") or "")


def _colour(described: Any) -> tuple[int, int, int] | None:
    return _COLOURS.get(str(described.get("LUTName", "")).lower())
