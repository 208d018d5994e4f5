"""Writes the metadata of ImageJ TIFF files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.files import calibration, scifio
from core.files.imagej import COLOURS, RESOLUTION, spacing
from core.files.units import escape
from core.stack import Metadata, Stack

_NOT_WRITTEN = {
    "images", "channels", "slices", "frames", "ImageJ", "order", "shape", "name", *scifio.KEYS,
    *calibration.KEYS, RESOLUTION, COLOURS, "Info", "Labels", "Ranges", "LUTs", "min", "max",
}  # fmt: skip
_BINARY = {"ROI", "Overlays", "Plot", "Properties"}


def write_options(stack: Stack, dtype: np.dtype[Any], history: str) -> dict[str, Any]:
    """Return keyword arguments of `tifffile.imwrite` that keep the metadata of a stack for ImageJ.

    Parameters
    ----------
    stack : Stack
        The stack; its planes are to be written in the order of the axes TZCYX.
    dtype : numpy.dtype
        Type of the pixels as they are written.
    history : str
        Text to add to the information on the image ("Info").
    """
    meta, sizes = stack.meta, stack.sizes
    channels = sizes.get("C", 1)
    source = meta.imagej
    about: dict[str, Any] = {
        _plain(key): _plain(value) if isinstance(value, str) and key not in _BINARY else value
        for key, value in source.items()
        if key not in _NOT_WRITTEN
    }
    about |= calibration.kept(source, stack.dtype, dtype)
    about["axes"] = "TZCYXS"
    options: dict[str, Any] = {"imagej": True, "metadata": about}
    _write_spacing(about, options, meta, source, stack.axes)
    info = str(source.get("Info", ""))
    if history and info and not info.endswith("\n"):
        info += "\n"
    if info or history:
        about["Info"] = info + history
    if meta.labels and len(meta.labels) == stack.planes:
        about["Labels"] = list(meta.labels)
    elif meta.channel_names and len(meta.channel_names) == channels > 1:
        about["Labels"] = [
            meta.channel_names[i % channels] for i in range(stack.planes)
        ]  # channels are the innermost planes of an ImageJ stack
    if len(meta.display_ranges) == channels:
        offset = calibration.display_offset({}, dtype)
        ranges = [float(v) + offset for pair in meta.display_ranges for v in pair]
        if offset:  # less than 0 would be read as a range of the values themselves
            ranges = [max(v, 0.0) for v in ranges]
        about["min"], about["max"] = ranges[:2]
        about["Ranges"] = tuple(ranges)
    if len(meta.luts) == channels and (channels > 1 or "LUTs" in source):
        about["LUTs"] = [np.ascontiguousarray(lut, np.uint8) for lut in meta.luts]
    if channels > 1:
        about.setdefault("mode", "composite" if channels <= 7 else "color")
        about["hyperstack"] = True
    else:
        about.pop("mode", None)
        if len(meta.luts) == 1 and dtype.name in ("uint8", "uint16", "float32"):
            options["colormap"] = _colour_map(meta)
            about.setdefault("hyperstack", len(stack.axes) > 3)
    return options


def _write_spacing(
    about: dict[str, Any], options: dict[str, Any], meta: Metadata, source: Mapping[str, Any], axes: str
) -> None:
    """Keep the spacing of the source in its units if it still holds; else write it in micrometres."""
    tags = source.get(RESOLUTION)
    known = {a: v for a, v in meta.spacing.items() if a in axes}
    if source and known == spacing({**about, RESOLUTION: tags}, axes).steps:
        if tags is not None:
            options["resolution"], options["resolutionunit"] = (tags[0], tags[1]), tags[2]
        if "Z" in known and "spacing" in about:
            about["spacing"] = abs(about["spacing"])
        return
    for key in ("unit", "yunit", "zunit", "tunit", "spacing", "finterval", "fps"):
        about.pop(key, None)
    if "X" in known or "Y" in known:
        x = known.get("X", known.get("Y", 1.0))
        options["resolution"], options["resolutionunit"] = (1.0 / x, 1.0 / known.get("Y", x)), 1
        about["unit"] = escape("µm")
    if "Z" in known:
        about["spacing"] = known["Z"]
        if "unit" not in about:  # else ImageJ would take the pixels for micrometres
            about["unit"], about["zunit"] = "pixel", escape("µm")
    if "T" in known:
        about["finterval"] = known["T"]


def _colour_map(meta: Metadata) -> NDArray[np.uint16]:
    known, lut = meta.imagej.get(COLOURS), np.asarray(meta.luts[0], np.uint16)
    if known is not None and np.array_equal(np.asarray(known) >> 8, lut):
        return np.asarray(known, np.uint16)
    return lut * np.uint16(257)


def _plain(text: str) -> str:
    """Return text as one line of ASCII, for the description of an ImageJ file."""
    return escape(text).replace("\n", " ")
