"""Reads the metadata of a TIFF series, for every flavour of TIFF."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.files import imagej, ome
from core.files.listening import listening
from core.files.spacing import Spacing
from core.files.units import number
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


def imagej_description(file: Any, series: Any) -> dict[str, Any]:
    """Return ImageJ's metadata of a series; {} if it has none."""
    if series.kind not in ("imagej", "uniform", "generic") or not file.is_imagej:
        return {}
    with listening():
        return dict(file.imagej_metadata or {})


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
        if about := imagej_description(file, series):
            if tags is not None:
                about[imagej.RESOLUTION] = tags
            if "ColorMap" in page.tags:
                about[imagej.COLOURS] = np.asarray(page.tags["ColorMap"].value)
            more, findings = imagej.interpret(about, axes, channels, planes, page.dtype)
            known |= more
            if not imagej.same_order(about):
                known["labels"] = ()
            plain_stack = axes == "ZYX" and not about.get("hyperstack") and "spacing" not in about
            known["axes_certain"] = not plain_stack  # unless told otherwise, ImageJ calls all planes slices
        elif kind == "ome":
            more, findings = ome.interpret(file.ome_metadata or "", index, axes, channels, page.dtype)
            known |= more
        else:
            steps = Spacing(axes)
            steps.steps |= {a: v for a, v in imagej.tag_spacing(tags).items() if a in axes}
            known |= _vendor(file, series, channels, steps)
            known["spacing"], findings = steps.steps, steps.findings
    if not known.get("unit"):
        known["unit"] = "µm" if "X" in known["spacing"] else ""
    known["findings"] = (*findings, *_colour_findings(page, kind, file))
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


def _vendor(file: Any, series: Any, channels: int, steps: Spacing) -> dict[str, Any]:
    """Return the channels in a vendor's TIFF, and collect its spacing; {} if they cannot be read."""
    kind = str(series.kind)
    try:
        if kind == "lsm":
            return _lsm(file.lsm_metadata or {}, channels, steps)
        if kind == "stk":
            return _stk(file.stk_metadata or {}, steps)
        if kind in ("mmstack", "ndtiff"):
            return _micromanager((file.micromanager_metadata or {}).get("Summary", {}), channels, steps)
        if kind == "scanimage":
            return _scanimage(file, steps)
        if kind == "shaped":
            return _shaped(json.loads(series.keyframe.shaped_description), steps)
    except Exception:  # foreign metadata of any shape; the pixels do not depend on it
        return {}
    return {}


def _lsm(about: Mapping[str, Any], channels: int, steps: Spacing) -> dict[str, Any]:
    for axis in "XYZ":
        steps.length(axis, about.get(f"VoxelSize{axis}"), "m")
    steps.time("T", about.get("TimeIntervall"), "s")
    names = tuple((about.get("ChannelColors") or {}).get("ColorNames", ()))
    return {"channel_names": tuple(map(str, names))} if len(names) == channels else {}


def _stk(about: Mapping[str, Any], steps: Spacing) -> dict[str, Any]:
    unit = str(about.get("CalibrationUnits", ""))
    for axis in "XY":
        steps.length(axis, about.get(f"{axis}Calibration"), unit)
    distances = np.atleast_1d(about.get("ZDistance", 0.0))
    if distances.size and np.allclose(distances, distances[-1]):
        steps.length("Z", float(distances[-1]), unit)
    times = np.atleast_1d(about.get("TimeCreated", 0)).astype(np.float64)  # since midnight
    if len(times) > 1 and (waits := np.diff(times)).min() > 0:
        steps.time("T", float(waits.mean()), "ms")
    return {}


def _micromanager(about: Mapping[str, Any], channels: int, steps: Spacing) -> dict[str, Any]:
    for axis in "XY":
        steps.length(axis, about.get("PixelSize_um"), "um")
    steps.length("Z", about.get("z-step_um"), "um")
    steps.time("T", about.get("Interval_ms"), "ms")
    names = tuple(map(str, about.get("ChNames", ())))
    return {"channel_names": names} if len(names) == channels else {}


def _scanimage(file: Any, steps: Spacing) -> dict[str, Any]:
    """Collect the step and the times of ScanImage 2016 and later, and the field of view where it is given."""
    about = dict((file.scanimage_metadata or {}).get("FrameData") or {})
    for line in str(file.pages.first.software).splitlines():  # files whose header lacks them
        name, equals, value = line.partition("=")
        if equals and name.startswith("SI."):
            about.setdefault(name.strip(), value.strip())
    steps.length("Z", about.get("SI.hStackManager.stackZStepSize"), "um")
    volumes = number(about.get("SI.hRoiManager.scanVolumeRate")) if "Z" in steps.axes else None
    period = number(about.get("SI.hRoiManager.scanFramePeriod"))
    averaged = number(about.get("SI.hScan2D.logAverageFactor")) or 1.0
    if volumes is not None:
        steps.time("T", 1 / volumes, "s")
    elif period is not None and "Z" not in steps.axes:
        steps.time("T", period * averaged, "s")
    corners = np.array(
        re.findall(r"-?[0-9.]+(?:e-?[0-9]+)?", str(about.get("SI.hRoiManager.imagingFovUm", "")))
    )
    several = str(about.get("SI.hRoiManager.mroiEnable", "")).lower() in ("1", "true")  # in one image
    if corners.size == 8 and not several:  # x and y of four corners
        width, height = np.ptp(corners.astype(np.float64).reshape(4, 2), axis=0)
        page = file.pages.first
        steps.length("X", float(width) / page.imagewidth, "um")
        steps.length("Y", float(height) / page.imagelength, "um")
    return {}


def _shaped(about: Mapping[str, Any], steps: Spacing) -> dict[str, Any]:
    """Collect what tifffile writes as JSON, in words of ImageJ or OME."""
    unit = str(about.get("unit", ""))
    steps.length("Z", about.get("spacing"), unit)
    steps.time("T", about.get("finterval"), str(about.get("tunit", "sec")))
    for axis in "XYZ":
        steps.length(axis, about.get(f"PhysicalSize{axis}"), str(about.get(f"PhysicalSize{axis}Unit", "µm")))
    steps.time("T", about.get("TimeIncrement"), str(about.get("TimeIncrementUnit", "s")))
    return {}
