"""Reads and writes OME-XML (schema 2016-06)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from core.files.spacing import Spacing
from core.files.units import SECONDS, factor
from core.findings import Finding, kinds
from core.stack import Stack

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
RECIPE_NAMESPACE = "quietfield/recipe"
DTYPES = {
    "uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "int8": "int8", "int16": "int16",
    "int32": "int32", "float32": "float", "float64": "double",
}  # fmt: skip
"""OME names of pixel types by their names in numpy."""


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element: ET.Element, tag: str) -> list[ET.Element]:
    return [e for e in element if _tag(e) == tag]


def _images(root: ET.Element) -> list[ET.Element]:
    """Return the images whose pixels are in this file or in one that belongs to it."""
    found = [i for i in _all(root, "Image") for p in _all(i, "Pixels") if _all(p, "TiffData")]
    return found or [i for i in _all(root, "Image") if _all(i, "Pixels")]


def parse(xml: str) -> ET.Element | None:
    """Parse OME-XML; None if it is none."""
    try:
        root = ET.fromstring(xml.encode())
    except (ET.ParseError, ValueError, LookupError):  # LookupError: an encoding that does not exist
        return None
    return root if _tag(root) == "OME" else None


def claimed_planes(xml: str) -> int:
    """Return the number of planes that the XML claims for its largest image."""
    root = parse(xml)
    if root is None:
        return 0
    largest = 0
    for pixels in (p for i in _all(root, "Image") for p in _all(i, "Pixels")):
        count = 1
        for key in ("SizeT", "SizeC", "SizeZ"):
            count *= max(_whole(pixels.get(key)), 1)
        for data in _all(pixels, "TiffData"):
            count = max(count, _whole(data.get("PlaneCount")), _whole(data.get("NumPlanes")))
        largest = max(largest, count)
    return largest


def _whole(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0


def interpret(
    xml: str, series: int, axes: str, channels: int, dtype: np.dtype[Any]
) -> tuple[dict[str, Any], list[Finding]]:
    """Return the fields of `Metadata` that follow from OME-XML, and findings on what does not fit.

    Parameters
    ----------
    xml : str
        OME-XML of the file.
    series : int
        Number of the image.
    axes : str
        Axes of the stack.
    channels : int
        Number of its channels.
    dtype : numpy.dtype
        Type of the pixels in the file.
    """
    known: dict[str, Any] = {"ome_xml": xml}
    root = parse(xml)
    images = _images(root) if root is not None else []
    if series >= len(images):
        return known, []
    pixels = _all(images[series], "Pixels")[0]
    known["unit"] = pixels.get("PhysicalSizeXUnit", "µm") if "PhysicalSizeX" in pixels.attrib else ""
    steps = _spacing(pixels, axes)
    known["spacing"] = steps.steps
    described = _all(pixels, "Channel")
    if len(described) == channels:
        names = tuple(c.get("Name", "") for c in described)
        known["channel_names"] = names if any(names) else ()
        colours = [_lut(c.get("Color")) for c in described]
        if all(lut is not None for lut in colours):
            known["luts"] = tuple(colours)
    if root is not None and len(_all(root, "Image")) > 1:
        known["ome_xml"] = _only_image(root, images[series])
    findings = steps.findings
    said = pixels.get("Type", "").lower()
    if said in DTYPES.values() and said != DTYPES.get(dtype.name, said):
        findings.append(_unfit(f"pixels of type {said} (they are {dtype.name})"))
    return known, findings


def _unfit(described: str) -> Finding:
    return Finding(kind=kinds.DESCRIPTION_UNFIT, details={"described": described})


def _spacing(pixels: ET.Element, axes: str) -> Spacing:
    found = Spacing(axes)
    for axis in "XYZ":
        name = f"PhysicalSize{axis}"
        found.length(axis, pixels.get(name), pixels.get(f"{name}Unit", "µm"))
    found.time("T", pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"))
    if "T" in axes and "T" not in found.steps:
        found.time("T", _mean_interval(pixels), "s")
    return found


def _mean_interval(pixels: ET.Element) -> float | None:
    """Return the mean time between frames in seconds, from the time stamps of their first planes."""
    times: dict[int, float] = {}
    for plane in _all(pixels, "Plane"):
        if plane.get("TheC", "0") == "0" and plane.get("TheZ", "0") == "0" and "DeltaT" in plane.attrib:
            scale = factor(plane.get("DeltaTUnit", "s"), SECONDS)
            time = _number(plane.get("DeltaT"))
            if scale is not None and time is not None:
                times[_whole(plane.get("TheT"))] = time * scale
    if len(times) < 2:
        return None
    first, last = min(times), max(times)
    return max((times[last] - times[first]) / (last - first), 0.0)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _lut(colour: str | None) -> NDArray[np.uint8] | None:
    """Return a look-up table from black to an OME colour: red, green, blue, alpha in a signed integer."""
    if colour is None:
        return None
    value = _whole(colour) & 0xFFFFFFFF
    rgb = np.array([value >> 24 & 255, value >> 16 & 255, value >> 8 & 255])
    if not rgb.any():
        return None
    ramp: NDArray[np.uint8] = (np.arange(256)[None, :] * rgb[:, None] // 255).astype(np.uint8)
    return ramp


def write_xml(stack: Stack, dtype: np.dtype[Any], recipe: str, creator: str) -> bytes:
    """Return OME-XML for a file with the planes of a stack in the order TCZ, Z fastest.

    XML of the source is kept, and values that no longer hold are replaced; without it, new XML is made.
    """
    root = parse(stack.meta.ome_xml) if stack.meta.ome_xml else None
    pixels = _fitting_pixels(root, stack) if root is not None else None
    if root is None or pixels is None:
        root = ET.Element(f"{{{NAMESPACE}}}OME")
        pixels = _new_image(root, stack)
    root.set("Creator", creator)
    root.attrib.pop("UUID", None)
    _patch(pixels, stack, dtype)
    if recipe:
        _annotate(root, recipe)
    return _to_bytes(root)


def _fitting_pixels(root: ET.Element, stack: Stack) -> ET.Element | None:
    """Return the Pixels element of the only image, if it has the sizes of the stack."""
    images = _all(root, "Image")
    if len(images) != 1 or not _all(images[0], "Pixels") or not root.tag.startswith("{"):
        return None
    pixels = _all(images[0], "Pixels")[0]
    samples = {c.get("SamplesPerPixel", "1") for c in _all(pixels, "Channel")}
    fits = all(pixels.get(f"Size{a}") == str(stack.sizes.get(a, 1)) for a in "TCZYX")
    return pixels if fits and samples <= {"1"} else None


def _only_image(root: ET.Element, kept: ET.Element) -> str:
    """Return the XML without all images but one and without references to them."""
    gone = {i.get("ID") for i in _all(root, "Image") if i is not kept}
    for image in [i for i in _all(root, "Image") if i is not kept]:
        root.remove(image)
    for parent in list(root.iter()):
        for child in [e for e in parent if _tag(e) == "ImageRef" and e.get("ID") in gone]:
            parent.remove(child)
    return _to_bytes(root).decode()


def _to_bytes(root: ET.Element) -> bytes:
    ET.register_namespace("", root.tag[1:].partition("}")[0] if root.tag.startswith("{") else NAMESPACE)
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


def _new_image(root: ET.Element, stack: Stack) -> ET.Element:
    image = ET.SubElement(root, f"{{{NAMESPACE}}}Image", ID="Image:0", Name=printable(stack.meta.name))
    attributes = {"ID": "Pixels:0", **{f"Size{a}": str(stack.sizes.get(a, 1)) for a in "XYCZT"}}
    pixels = ET.SubElement(image, f"{{{NAMESPACE}}}Pixels", attributes)
    for c in range(stack.sizes.get("C", 1)):
        channel = ET.SubElement(pixels, f"{{{NAMESPACE}}}Channel", ID=f"Channel:0:{c}", SamplesPerPixel="1")
        if len(stack.meta.luts) == stack.sizes.get("C", 1):
            red, green, blue = (int(v) for v in stack.meta.luts[c][:, -1])
            value = red << 24 | green << 16 | blue << 8 | 255
            channel.set("Color", str(value - 2**32 if value >= 2**31 else value))
    return pixels


def _patch(pixels: ET.Element, stack: Stack, dtype: np.dtype[Any]) -> None:
    uri = pixels.tag[1:].partition("}")[0]
    pixels.set("Type", DTYPES[dtype.name])
    pixels.set("DimensionOrder", "XYZCT")
    for key in ("SignificantBits", "BigEndian", "Interleaved"):
        pixels.attrib.pop(key, None)
    for child in [e for e in pixels if _tag(e) in ("TiffData", "BinData", "MetadataOnly")]:
        pixels.remove(child)
    data = ET.Element(f"{{{uri}}}TiffData", IFD="0", PlaneCount=str(stack.planes))
    pixels.insert(len(_all(pixels, "Channel")), data)
    known = _spacing(pixels, stack.axes)
    negative = {f.details["axis"] for f in known.findings if f.kind is kinds.SPACING_NEGATIVE}
    for axis in (a for a in "XYZT" if a in stack.axes):
        if known.steps.get(axis) != stack.meta.spacing.get(axis) or axis in negative:
            name, unit = (f"PhysicalSize{axis}", "µm") if axis != "T" else ("TimeIncrement", "s")
            _set_quantity(pixels, name, stack.meta.spacing.get(axis), unit)
    names = stack.meta.channel_names
    described = _all(pixels, "Channel")
    if len(names) == len(described):
        for channel, name in zip(described, names, strict=True):
            if name and channel.get("Name") != name:
                channel.set("Name", printable(name))


def _set_quantity(pixels: ET.Element, name: str, value: float | None, unit: str) -> None:
    pixels.attrib.pop(name, None)
    pixels.attrib.pop(f"{name}Unit", None)
    if value is not None and value > 0:
        pixels.set(name, repr(float(value)))
        pixels.set(f"{name}Unit", unit)


def _annotate(root: ET.Element, recipe: str) -> None:
    """Add the recipe as a comment annotation that every image refers to."""
    uri = root.tag[1:].partition("}")[0]
    found = _all(root, "StructuredAnnotations")
    if found:
        box = found[0]
    else:
        box = ET.Element(f"{{{uri}}}StructuredAnnotations")
        before = [i for i, e in enumerate(root) if _tag(e) != "ROI"]
        root.insert(before[-1] + 1 if before else 0, box)
    taken = {e.get("ID") for e in root.iter()}
    number_ = next(n for n in range(len(taken) + 1) if f"Annotation:Quietfield:{n}" not in taken)
    name = f"Annotation:Quietfield:{number_}"
    comment = ET.Element(f"{{{uri}}}CommentAnnotation", ID=name, Namespace=RECIPE_NAMESPACE)
    ET.SubElement(comment, f"{{{uri}}}Value").text = recipe
    box.append(comment)
    for image in _all(root, "Image"):
        places = [i for i, e in enumerate(image) if _tag(e) != "MicrobeamManipulationRef"]
        image.insert(places[-1] + 1, ET.Element(f"{{{uri}}}AnnotationRef", ID=name))


def recipes(xml: str) -> Iterator[str]:
    """Yield the recipes that Quietfield wrote into OME-XML, oldest first."""
    root = parse(xml)
    for comment in root.iter() if root is not None else ():
        if _tag(comment) == "CommentAnnotation" and comment.get("Namespace") == RECIPE_NAMESPACE:
            for value in _all(comment, "Value"):
                yield value.text or ""


def printable(text: str) -> str:
    """Return text without the control characters that XML forbids."""
    return "".join(c for c in text if c in "\t\n\r" or (ord(c) >= 32 and ord(c) not in (0xFFFE, 0xFFFF)))


def companions(xml: str) -> Sequence[str]:
    """Return the names of the files that an OME-TIFF consists of, by its XML."""
    root = parse(xml)
    named = (e.get("FileName") for e in root.iter() if _tag(e) == "UUID") if root is not None else ()
    return sorted({name for name in named if name})
