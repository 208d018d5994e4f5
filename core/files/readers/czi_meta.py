"""Reads the XML of CZI files."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from core.files.readers.described import Channel, Recording, colour, number

_METRE = 1e6
_MODES = {
    "WideField", "LaserScanningConfocalMicroscopy", "SpinningDiskConfocal", "SlitScanConfocal",
    "MultiPhotonMicroscopy", "StructuredIllumination", "TotalInternalReflection", "BrightField",
}  # fmt: skip
"""Acquisition modes that OME knows; CZI has a few more."""


def parse(text: str | None) -> ET.Element | None:
    """Return the root of the XML; None if there is none or it is damaged."""
    try:
        return ET.fromstring(text) if text else None
    except (ET.ParseError, ValueError):
        return None


def recording(root: ET.Element | None, channels: Sequence[int]) -> Recording:
    """Return what the XML says of the recording.

    Parameters
    ----------
    root : xml.etree.ElementTree.Element or None
        Root of the XML.
    channels : sequence of int
        Numbers of the channels in the file.
    """
    if root is None:
        return Recording()
    spacing: dict[str, tuple[object, str]] = {}
    for axis in "XYZ":
        value = number(root.findtext(f"./Metadata/Scaling/Items/Distance[@Id='{axis}']/Value"))
        if value:
            spacing[axis] = (value * _METRE, "µm")
    image = root.find("./Metadata/Information/Image")
    if image is None:
        return Recording(spacing=spacing)
    if (step := _interval(image)) is not None:
        spacing["T"] = (step, "s")
    described = image.findall("./Dimensions/Channels/Channel")
    shown = {c.get("Id"): c for c in root.findall("./Metadata/DisplaySetting/Channels/Channel")}
    known = [_channel(c, shown.get(c.get("Id"))) for c in described]
    settings = image.find("./ObjectiveSettings")
    lens = None if settings is None else _lens(root, settings)
    return Recording(
        spacing=spacing, channels=[known[c] for c in channels] if max(channels) < len(known) else (),
        na=None if lens is None else number(lens.findtext("LensNA")),
        immersion="" if lens is None else (lens.findtext("Immersion") or ""),
        index=None if settings is None else number(settings.findtext("RefractiveIndex")),
    )  # fmt: skip


def scene_name(root: ET.Element | None, index: int) -> str:
    """Return the name of a scene; its number without one."""
    path = f"./Metadata/Information/Image/Dimensions/S/Scenes/Scene[@Index='{index}']"
    found = None if root is None else root.find(path)
    name = "" if found is None else (found.get("Name") or "")
    return f"scene {index + 1}" + (f" {name}" if name else "")


def _lens(root: ET.Element, settings: ET.Element) -> ET.Element | None:
    """Return the objective that the image was recorded with; the only one if none is named."""
    named = settings.find("ObjectiveRef")
    every = root.findall("./Metadata/Information/Instrument/Objectives/Objective")
    used = [lens for lens in every if named is not None and lens.get("Id") == named.get("Id")]
    return used[0] if used else every[0] if len(every) == 1 else None


def _channel(described: ET.Element, shown: ET.Element | None) -> Channel:
    text = described.findtext("Color") or (shown.findtext("Color") if shown is not None else "") or ""
    mode = described.findtext("AcquisitionMode") or ""
    name = described.get("Name") or (shown.get("Name") if shown is not None else "") or ""
    return Channel(
        name=name, colour=colour(text), mode=mode if mode in _MODES else "",
        emission=number(described.findtext("EmissionWavelength")),
        excitation=number(described.findtext("ExcitationWavelength")),
    )  # fmt: skip


def _interval(image: ET.Element) -> float | None:
    """Return the time between frames in seconds; the mean of a list of times."""
    positions = "./Dimensions/T/Positions"
    if step := number(image.findtext(f"{positions}/Interval/Increment")):
        return step
    words = (image.findtext(f"{positions}/List/Offsets") or "").split()
    times = [time for word in words if (time := number(word)) is not None]
    return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 and times[-1] > times[0] else None
