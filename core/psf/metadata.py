"""Optics of a microscope from the metadata of a stack."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

from core.errors import QuietfieldError
from core.files import ome
from core.files.units import MICROMETRES, factor
from core.params import Param, Value, describe
from core.psf.optics import Optics
from core.stack import Metadata

IMMERSION: Mapping[str, float] = {
    "oil": 1.515, "glycerol": 1.47, "glycerin": 1.47, "water": 1.333, "waterdipping": 1.333, "air": 1.0,
    "dry": 1.0, "multi": 1.4,
}  # fmt: skip
"""Refractive indices of immersion media by their OME names."""

SCANNED = ("confocal", "scanning", "spinning")
"""Words in the OME acquisition mode of a confocal microscope."""

_INFO: Mapping[str, str] = {
    "na": r"numerical\s*aperture|lens\s*na|objective\s*na|\bna\b",
    "n": r"refractive\s*index",
    "emission": r"emission\s*wavelength",
    "excitation": r"excitation\s*wavelength",
}
"""Names in the Info of ImageJ files, as written by Bio-Formats and others."""


def find_optics(meta: Metadata, channel: int = 0) -> dict[str, Value]:
    """Return the parameters of `Optics` that the metadata of a stack give; others are missing.

    Parameters
    ----------
    meta : Metadata
        Metadata: pixel size, OME-XML, and the Info of ImageJ.
    channel : int
        Index of the channel, for wavelengths and pinhole.
    """
    found: dict[str, float | str] = {}
    if meta.spacing.get("X"):
        found["pixel"] = meta.spacing["X"]
    if meta.spacing.get("Z"):
        found["step"] = meta.spacing["Z"]
    found |= dict(_from_info(str(meta.imagej.get("Info", ""))))
    if meta.ome_xml:
        found |= dict(_from_ome(meta.ome_xml, channel))
    known = {p.name: p for p in describe(Optics)}
    return {name: value for name, value in found.items() if _allowed(known[name], value)}


def _allowed(p: Param, value: Value) -> bool:
    try:
        p.check(value)
    except QuietfieldError:
        return False
    return True


def _from_info(info: str) -> Iterator[tuple[str, float]]:
    for name, words in _INFO.items():
        match = re.search(rf"(?im)^[^\n=:]*(?:{words})[^\n=:]*[=:]\s*([0-9.]+)", info)
        if match:
            number = _number(match.group(1))
            if number is not None:
                yield name, number


def _from_ome(xml: str, channel: int) -> Iterator[tuple[str, float | str]]:
    root = ome.parse(xml)
    if root is None:
        return
    settings = _every(root, "ObjectiveSettings")[:1]
    used = settings[0].get("ID") if settings else None
    for element in _every(root, "Objective"):
        if used is not None and element.get("ID") != used:  # another lens of the same microscope
            continue
        na, medium = _number(element.get("LensNA")), (element.get("Immersion") or "").lower()
        if na is not None:
            yield "na", na
        if medium in IMMERSION:
            yield "n", IMMERSION[medium]
    for element in settings:
        index = _number(element.get("RefractiveIndex"))
        if index is not None:
            yield "n", index
    channels = _every(root, "Channel")
    if channel >= len(channels):
        return
    here = channels[channel]
    for name, key in (("emission", "EmissionWavelength"), ("excitation", "ExcitationWavelength")):
        length = _number(here.get(key))
        scale = factor(here.get(f"{key}Unit") or "nm", MICROMETRES)
        if length is not None and scale:
            yield name, round(length * scale * 1000, 3)
    mode = (here.get("AcquisitionMode") or "").lower()
    if mode:
        yield "kind", "confocal" if any(word in mode for word in SCANNED) else "widefield"


def _every(root: ET.Element, tag: str) -> list[ET.Element]:
    return [element for element in root.iter() if element.tag.rpartition("}")[2] == tag]


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None
