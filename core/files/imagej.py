"""Reads the metadata of ImageJ TIFF files."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from core.files import calibration, scifio
from core.files.spacing import SMALLEST, Spacing
from core.files.units import number, unescape
from core.findings import Finding

RESOLUTION = "quietfield resolution"
"""Key in `Metadata.imagej` for the tags XResolution, YResolution and ResolutionUnit."""

COLOURS = "quietfield colour map"
"""Key in `Metadata.imagej` for the tag ColorMap."""

ORDER = "TZC"
"""Order of the planes in ImageJ's files, slowest first; labels are in this order."""

POSITIONED = ("ROI", "Overlays", "Plot")
"""Keys of what belongs to single planes: the selection, overlays, and the data of a plot."""

_STEPS = {"Z": ("spacing", "zunit"), "T": ("finterval", "tunit", "fps")}
_ANIMATION_SPEED = 7.0
_CENTIMETRE = 3
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


def spacing(about: Mapping[str, Any], axes: str) -> Spacing:
    """Return the spacing along the axes of a stack, as ImageJ and SCIFIO compute it."""
    found = Spacing(axes)
    if scifio.KEY in about and (described := scifio.axes(about)):
        for one in described:
            (found.time if one.letter == "T" else found.length)(one.letter, one.scale, one.unit)
        return found
    unit, tags = str(about.get("unit", "")), about.get(RESOLUTION)
    density = {a: _ratio(v) for a, v in zip("XY", tags[:2] if tags else (None, None), strict=True)}
    if unit and not _is_calibrated(unit, density):
        unit = ""
    elif unit and tags:
        # ImageJ takes centimetres in the tags literally only where the description says "um", SCIFIO always
        scale = 1e4 if tags[2] == _CENTIMETRE and (unit == "um" or scifio.KEY in about) else 1.0
        for axis, key in (("X", "unit"), ("Y", "yunit")):
            found.length(axis, scale / (density[axis] or math.inf), str(about.get(key, unit)))
    elif tags:
        found.steps |= {a: v for a, v in tag_spacing(tags).items() if a in axes}
    found.length("Z", about.get("spacing"), str(about.get("zunit", unit)))
    found.time("T", about.get("finterval"), str(about.get("tunit", "sec")))
    fps = number(about.get("fps"))
    if "T" in axes and "T" not in found.steps and fps is not None and fps != _ANIMATION_SPEED:
        found.steps["T"] = 1.0 / fps
    return found


def _is_calibrated(unit: str, density: Mapping[str, float | None]) -> bool:
    """Return whether somebody set the pixel size: by itself, ImageJ leaves 1 pixel a unit, or a printer's."""
    name, values = unescape(unit).lower(), set(density.values())
    return not (
        (values == {1.0} and name in ("cm", "inch", "mm")) or (name == "inch" and values <= set(_PRINTERS))
    )


def interpret(
    about: Mapping[str, Any], axes: str, channels: int, planes: int, dtype: np.dtype[Any]
) -> tuple[dict[str, Any], list[Finding]]:
    """Return the fields of `Metadata` that follow from ImageJ metadata, and findings on what is not used.

    Parameters
    ----------
    about : dict
        ``TiffFile.imagej_metadata`` with the keys `RESOLUTION` and `COLOURS` where known.
    axes : str
        Axes of the stack.
    channels, planes : int
        Number of channels and planes of the stack.
    dtype : numpy.dtype
        Type of the pixels in the file.
    """
    steps, function = spacing(about, axes), calibration.unapplied(about, dtype)
    # the value unit of floating-point pixels needs no function
    gone = () if function else tuple(k for k in calibration.KEYS if k != "vunit" or dtype.kind != "f")
    known: dict[str, Any] = {
        "imagej": {key: value for key, value in about.items() if key not in gone},
        "unit": unescape(str(about.get("unit", ""))), "spacing": steps.steps,
        "display_ranges": _ranges(about, channels, calibration.display_offset(about, dtype)),
    }  # fmt: skip
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
    return known, steps.findings + ([function.finding()] if function else [])


def _ranges(about: Mapping[str, Any], channels: int, offset: int) -> tuple[tuple[float, float], ...]:
    """Return the display range of each channel; `offset` is what ImageJ adds to the values of pixels."""
    flat = list(about.get("Ranges", ()))
    if len(flat) < 2 * channels and channels == 1 and "min" in about and "max" in about:
        flat = [about["min"], about["max"]]
    try:
        values = np.array(flat[: 2 * channels], np.float64)
    except (TypeError, ValueError):
        return ()
    low, high = values[::2], values[1::2]
    if len(values) != 2 * channels or not np.isfinite(values).all() or not (low < high).all():
        return ()
    offset = 0 if (values < 0).any() else offset  # a negative value cannot have anything added
    return tuple((float(a) - offset, float(b) - offset) for a, b in zip(low, high, strict=True))


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


def of_other_axes(about: Mapping[str, Any], changed: Collection[str], *, moved: bool) -> dict[str, Any]:
    """Return what still holds after the axes of a stack were given another meaning.

    Parameters
    ----------
    about : dict
        ImageJ's metadata of the stack.
    changed : collection of str
        Axes whose meaning changed.
    moved : bool
        Whether planes have another place in ImageJ's order.
    """
    gone = {key for axis in changed for key in _STEPS.get(axis, ())} | set(POSITIONED if moved else ())
    return {key: value for key, value in about.items() if key not in gone}


def of_several(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the first of several files holds for all of them."""
    gone = {"images", "channels", "slices", "frames", "Labels", *POSITIONED}
    return {key: value for key, value in about.items() if key not in gone}


def same_order(about: Mapping[str, Any]) -> bool:
    """Return whether the planes are in ImageJ's usual order, to which its labels belong."""
    return str(about.get("order", "czt")).lower() in ("czt", "default")
