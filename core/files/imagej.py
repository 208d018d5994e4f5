"""Reads and writes the metadata of ImageJ TIFF files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.files.units import SMALLEST, escape, micrometres, number, seconds, unescape
from core.stack import Metadata, Stack

RESOLUTION = "quietfield resolution"
"""Key in `Metadata.imagej` for the tags XResolution, YResolution and ResolutionUnit."""

COLOURS = "quietfield colour map"
"""Key in `Metadata.imagej` for the tag ColorMap."""

DTYPES = ("uint8", "uint16", "int16", "float32")
"""Types of pixels that tifffile writes for ImageJ."""

_NOT_WRITTEN = {
    "images", "channels", "slices", "frames", "ImageJ", "SCIFIO", "order", "axes", "shape",
    RESOLUTION, COLOURS, "Info", "Labels", "Ranges", "LUTs", "min", "max",
}  # fmt: skip
_BINARY = {"ROI", "Overlays", "Plot", "Properties"}
_ANIMATION_SPEED = 7.0
_PRINTERS = (72.0, 96.0, 100.0, 150.0, 200.0, 300.0, 400.0, 600.0, 1200.0, 2400.0)


def resolution(tags: Any) -> tuple[Any, Any, int] | None:
    """Read the tags XResolution, YResolution and ResolutionUnit of a page; None if they make no sense."""
    if "XResolution" not in tags or "YResolution" not in tags:
        return None
    unit = int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else 1
    x, y = tags["XResolution"].value, tags["YResolution"].value
    if _ratio(x) is None or _ratio(y) is None:
        return None
    return x, y, unit if unit in (1, 2, 3) else 1


def tag_spacing(tags: tuple[Any, Any, int] | None) -> dict[str, float]:
    """Return the pixel size in micrometres by the resolution tags, if a microscope can have it."""
    if tags is None or tags[2] not in (2, 3):
        return {}
    found = {}
    for axis, value in zip("XY", tags[:2], strict=True):
        density = _ratio(value)
        size = None if density is None else (25400.0 if tags[2] == 2 else 10000.0) / density
        if size is None or not SMALLEST <= size <= 50.0 or (tags[2] == 2 and density in _PRINTERS):
            return {}
        found[axis] = size
    return found


def _ratio(value: Any) -> float | None:
    try:
        return number(value[0] / value[1]) if isinstance(value, tuple | list) else number(value)
    except (ZeroDivisionError, TypeError, IndexError):
        return None


def spacing(about: Mapping[str, Any]) -> dict[str, float]:
    """Return the spacing along X, Y, Z in micrometres and T in seconds, as ImageJ computes it."""
    found: dict[str, float] = {}
    unit = str(about.get("unit", ""))
    tags = about.get(RESOLUTION)
    if unit and tags is not None:
        sizes = {"X": ("unit", tags[0]), "Y": ("yunit", tags[1])}
        for axis, (key, value) in sizes.items():
            density = _ratio(value)
            size = density and micrometres(1.0 / density, str(about.get(key, unit)))
            if size:
                found[axis] = size
        # ImageJ leaves 1 pixel a unit in files without a calibration
        if {_ratio(t) for t in tags[:2]} == {1.0} and unescape(unit).lower() in ("cm", "inch", "mm"):
            found = {}
    elif tags is not None:
        found = tag_spacing(tags)
    if (depth := micrometres(about.get("spacing"), str(about.get("zunit", unit)))) is not None:
        found["Z"] = depth
    if (interval := seconds(about.get("finterval"), str(about.get("tunit", "sec")))) is not None:
        found["T"] = interval
    elif (fps := number(about.get("fps"))) is not None and fps != _ANIMATION_SPEED:
        found["T"] = 1.0 / fps
    return found


def interpret(about: Mapping[str, Any], axes: str, channels: int, planes: int) -> dict[str, Any]:
    """Return the fields of `Metadata` that follow from ImageJ metadata.

    Parameters
    ----------
    about : dict
        ``TiffFile.imagej_metadata`` with the keys `RESOLUTION` and `COLOURS` where known.
    axes : str
        Axes of the stack.
    channels, planes : int
        Number of channels and planes of the stack.
    """
    known: dict[str, Any] = {"imagej": dict(about), "unit": unescape(str(about.get("unit", "")))}
    known["spacing"] = {a: v for a, v in spacing(about).items() if a in axes}
    known["display_ranges"] = _ranges(about, channels)
    luts = [np.asarray(lut) for lut in about.get("LUTs", ())]
    if not luts and COLOURS in about and np.shape(about[COLOURS]) == (3, 256):
        luts = [(np.asarray(about[COLOURS]) >> 8).astype(np.uint8)]
    if len(luts) == channels and all(lut.shape == (3, 256) and lut.dtype == np.uint8 for lut in luts):
        known["luts"] = tuple(luts)
    labels = about.get("Labels", ())
    labels = [labels] if isinstance(labels, str) else list(labels)
    if len(labels) == planes and all(isinstance(text, str) for text in labels):
        known["labels"] = tuple(labels)
        known["channel_names"] = _channel_names(labels, channels)
    return known


def _ranges(about: Mapping[str, Any], channels: int) -> tuple[tuple[float, float], ...]:
    flat = [float(v) for v in about.get("Ranges", ())]
    if len(flat) < 2 * channels and channels == 1 and "min" in about and "max" in about:
        flat = [about["min"], about["max"]]
    try:
        pairs = [(float(a), float(b)) for a, b in zip(flat[::2], flat[1::2], strict=False)][:channels]
    except (TypeError, ValueError):
        return ()
    good = len(pairs) == channels and all(math.isfinite(a) and math.isfinite(b) and a < b for a, b in pairs)
    return tuple(pairs) if good else ()


def _channel_names(labels: Sequence[str], channels: int) -> tuple[str, ...]:
    """Return channel names if the labels of planes contain them: ``c:1/2 - GFP`` or one label each."""
    if channels < 2 or len(labels) % channels:
        return ()
    names = []
    for c in range(channels):
        texts = {text.partition("\n")[0].rpartition(" - ")[2].strip() for text in labels[c::channels]}
        if len(texts) != 1:
            return ()
        names.append(texts.pop())
    return tuple(names) if all(names) and len(set(names)) == channels else ()


def same_order(about: Mapping[str, Any]) -> bool:
    """Return whether the planes are in ImageJ's usual order, to which its labels belong."""
    return str(about.get("order", "czt")).lower() in ("czt", "default")


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
        about["min"], about["max"] = meta.display_ranges[0]
        about["Ranges"] = tuple(float(v) for pair in meta.display_ranges for v in pair)
    if len(meta.luts) == channels and (channels > 1 or "LUTs" in source):
        about["LUTs"] = [np.ascontiguousarray(lut, np.uint8) for lut in meta.luts]
    if channels > 1:
        about.setdefault("mode", "composite" if channels <= 7 else "color")
        about["hyperstack"] = True
    elif len(meta.luts) == 1 and dtype.name in ("uint8", "uint16", "float32"):
        options["colormap"] = _colour_map(meta)
        about.setdefault("hyperstack", len(stack.axes) > 3)
    return options


def _write_spacing(
    about: dict[str, Any], options: dict[str, Any], meta: Metadata, source: Mapping[str, Any], axes: str
) -> None:
    kept = {a: v for a, v in spacing(source).items() if a in axes}
    tags = source.get(RESOLUTION)
    if source and kept == {a: v for a, v in meta.spacing.items() if a in axes}:
        if tags is not None:
            options["resolution"], options["resolutionunit"] = (tags[0], tags[1]), tags[2]
        return
    for key in ("unit", "yunit", "zunit", "tunit", "spacing", "finterval", "fps"):
        about.pop(key, None)
    known = {a: v for a, v in meta.spacing.items() if a in axes and v > 0}
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
