"""Reads the metadata of a TIFF series, for every flavour of TIFF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.files import imagej, ome
from core.files.listening import listening
from core.files.units import micrometres, number, seconds
from core.findings import Finding, kinds

FORMATS = {
    "imagej": "ImageJ TIFF", "ome": "OME-TIFF", "lsm": "Zeiss LSM", "stk": "MetaMorph STK",
    "mmstack": "Micro-Manager TIFF", "ndtiff": "Micro-Manager NDTiff", "scanimage": "ScanImage TIFF",
    "fluoview": "FluoView TIFF", "shaped": "TIFF", "uniform": "TIFF", "generic": "TIFF",
}  # fmt: skip
_COLOURS = {
    "PALETTE": kinds.COLOUR_TABLE, "MINISWHITE": kinds.ZERO_IS_WHITE, "SEPARATED": kinds.INK_COLOURS,
    "CIELAB": kinds.LAB_COLOURS, "ICCLAB": kinds.LAB_COLOURS, "ITULAB": kinds.LAB_COLOURS,
}  # fmt: skip


def describe(
    file: Any, series: Any, index: int, path: Path, axes: str, sizes: Mapping[str, int]
) -> dict[str, Any]:
    """Return the fields of `Metadata` for one series of an open file.

    Parameters
    ----------
    file : tifffile.TiffFile
        The opened file.
    series : tifffile.TiffPageSeries
        The series.
    index : int
        Its number.
    path : Path
        Path of the file.
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
            known["axes_certain"] = not plain_stack  # unless told otherwise, ImageJ calls all planes slices
        elif kind == "ome":
            known |= ome.interpret(file.ome_metadata or "", index, axes, channels)
        else:
            known["spacing"] = imagej.tag_spacing(tags)
            known |= _vendor(file, kind, channels)
    known["spacing"] = {a: v for a, v in known.get("spacing", {}).items() if a in axes}
    if not known.get("unit"):
        known["unit"] = "µm" if "X" in known["spacing"] else ""
    known["findings"] = _colour_findings(page, kind, file)
    return known


def _colour_findings(page: Any, kind: str, file: Any) -> tuple[Finding, ...]:
    """Return findings on what the values of pixels mean."""
    photometric = getattr(page.photometric, "name", str(page.photometric))
    found = []
    if kind != "imagej" or photometric not in ("PALETTE", "MINISWHITE"):
        found += [_COLOURS[photometric]] if photometric in _COLOURS else []
    if page.dtype is not None and page.dtype.kind == "b":
        found.append(kinds.BLACK_AND_WHITE)
    if file.is_scanimage and page.dtype is not None and page.dtype.kind == "i":
        found.append(kinds.NEGATIVE_SIGNAL)
    return tuple(Finding(kind=kind) for kind in found)


def _vendor(file: Any, kind: str, channels: int) -> dict[str, Any]:
    """Return the calibration that a vendor's TIFF contains; {} if it cannot be read."""
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
