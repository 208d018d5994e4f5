"""What is known about a TIFF series besides its pixels, for every flavour of TIFF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.files import imagej, ome
from core.files.listening import listening
from core.files.units import micrometres, number, seconds

FORMATS = {
    "imagej": "ImageJ TIFF", "ome": "OME-TIFF", "lsm": "Zeiss LSM", "stk": "MetaMorph STK",
    "mmstack": "Micro-Manager TIFF", "ndtiff": "Micro-Manager NDTiff", "scanimage": "ScanImage TIFF",
    "fluoview": "FluoView TIFF", "shaped": "TIFF", "uniform": "TIFF", "generic": "TIFF",
}  # fmt: skip


def describe(
    file: Any, series: Any, index: int, path: Path, axes: str, sizes: Mapping[str, int]
) -> dict[str, Any]:
    """Fields of `Metadata` for one series of an opened file.

    Parameters
    ----------
    file : tifffile.TiffFile
        The opened file.
    series : tifffile.TiffPageSeries
        The series.
    index : int
        Its number.
    path : Path
        Where the file lies.
    axes : str
        Axes of the stack.
    sizes : dict of str to int
        Lengths of the axes.
    """
    channels = sizes.get("C", 1)
    planes = int(np.prod([sizes[a] for a in axes[:-2]], dtype=np.int64))
    kind = str(series.kind)
    known: dict[str, Any] = {"name": path.name, "path": path, "format": FORMATS.get(kind, f"TIFF ({kind})")}
    if file.is_bigtiff and known["format"] == "TIFF":
        known["format"] = "BigTIFF"
    page = series.keyframe
    with listening():
        tags = imagej.resolution(page.tags)
        if kind == "imagej" or (kind in ("uniform", "generic") and file.is_imagej):
            about = dict(file.imagej_metadata or {})
            if tags is not None:
                about[imagej.RESOLUTION] = tags
            if "ColorMap" in page.tags:
                about[imagej.COLOURS] = np.asarray(page.tags["ColorMap"].value)
            known |= imagej.interpret(about, axes, channels, planes)
            if not imagej.same_order(about):
                known["labels"] = ()
            plain_stack = axes == "ZYX" and not about.get("hyperstack") and "spacing" not in about
            known["axes_certain"] = not plain_stack  # any stack ImageJ knows no better of has slices
        elif kind == "ome":
            known |= ome.interpret(file.ome_metadata or "", index, axes, channels)
        else:
            known["spacing"] = imagej.tag_spacing(tags)
            known |= _vendor(file, kind, channels)
    known["spacing"] = {a: v for a, v in known.get("spacing", {}).items() if a in axes}
    if not known.get("unit"):
        known["unit"] = "µm" if "X" in known["spacing"] else ""
    known["notes"] = _colour_notes(page, kind, file)
    return known


def _colour_notes(page: Any, kind: str, file: Any) -> tuple[str, ...]:
    photometric = getattr(page.photometric, "name", str(page.photometric))
    notes = []
    if photometric == "PALETTE" and kind != "imagej":
        notes.append("The pixels are numbers of entries in a colour table, not intensities.")
    elif photometric == "MINISWHITE" and kind != "imagej":
        notes.append("The file says that 0 is white; the values are kept as they are.")
    elif photometric in ("CIELAB", "ICCLAB", "ITULAB"):
        notes.append("The channels are those of the CIE Lab colour space, not red, green and blue.")
    elif photometric == "SEPARATED":
        notes.append("The channels are inks (cyan, magenta, yellow, black), not red, green and blue.")
    if page.dtype is not None and page.dtype.kind == "b":
        notes.append("The image is black and white; its pixels are 0 and 1.")
    if file.is_scanimage and page.dtype is not None and page.dtype.kind == "i":
        notes.append("Values below zero are part of the signal; they are kept.")
    return tuple(notes)


def _vendor(file: Any, kind: str, channels: int) -> dict[str, Any]:
    """Calibration from formats that are TIFF with something more; nothing where it cannot be read."""
    try:
        if kind == "lsm":
            return _lsm(file.lsm_metadata or {}, channels)
        if kind == "stk":
            return _stk(file.stk_metadata or {})
        if kind in ("mmstack", "ndtiff"):
            return _micromanager((file.micromanager_metadata or {}).get("Summary", {}), channels)
    except Exception:  # foreign metadata of any shape; the pixels do not depend on it
        return {}
    return {}


def _lsm(about: Mapping[str, Any], channels: int) -> dict[str, Any]:
    found = {a: micrometres(about.get(f"VoxelSize{a}"), "m") for a in "XYZ"}
    found["T"] = seconds(about.get("TimeIntervall"), "s")
    names = tuple((about.get("ChannelColors") or {}).get("ColorNames", ()))
    known: dict[str, Any] = {"spacing": {a: v for a, v in found.items() if v is not None}}
    if len(names) == channels:
        known["channel_names"] = tuple(map(str, names))
    return known


def _stk(about: Mapping[str, Any]) -> dict[str, Any]:
    unit = str(about.get("CalibrationUnits", ""))
    found = {a: micrometres(about.get(f"{a}Calibration"), unit) for a in "XY"}
    steps = np.abs(np.atleast_1d(about.get("ZDistance", 0.0)))
    if steps.size and np.allclose(steps, steps[-1]):
        found["Z"] = micrometres(steps[-1], unit)
    return {"spacing": {a: v for a, v in found.items() if v is not None}}


def _micromanager(about: Mapping[str, Any], channels: int) -> dict[str, Any]:
    size = micrometres(about.get("PixelSize_um"), "um")
    found = {"X": size, "Y": size, "Z": micrometres(abs(number(about.get("z-step_um")) or 0.0), "um")}
    found["T"] = seconds(about.get("Interval_ms"), "ms")
    names = tuple(map(str, about.get("ChNames", ())))
    known: dict[str, Any] = {"spacing": {a: v for a, v in found.items() if v is not None}}
    if len(names) == channels:
        known["channel_names"] = names
    return known
