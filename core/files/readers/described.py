"""Describes the recording of a stack in the words of OME, and makes a stack of what a reader found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from core.errors import QuietfieldError
from core.files import ome
from core.files.axes import arrange, rearranged
from core.files.readers.base import Series
from core.findings import Finding, kinds
from core.stack import Metadata, PixelSource, Stack

MOST_EXPANSION = 1000
"""Most bytes of pixels for each byte of a compressed file."""

PROBE = 1024
"""Rows and columns of the first plane that are decoded when a stack is opened."""

MOST_PLANES = 10**7
"""Most planes of one image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Recording of one channel.

    Attributes
    ----------
    name : str
        Name; "" if the file gives none.
    emission, excitation : float or None
        Wavelengths in nanometres.
    colour : tuple of int or None
        Red, green and blue, 0 to 255.
    mode : str
        Acquisition mode in the words of OME, such as "WideField"; "" if unknown.
    """

    name: str = ""
    emission: float | None = None
    excitation: float | None = None
    colour: tuple[int, int, int] | None = None
    mode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Recording of an image, as far as its file describes it.

    Attributes
    ----------
    spacing : dict of str to (object, str)
        Value and unit of the distance between neighbours along X, Y, Z and T.
    channels : sequence of Channel
        One for each channel, or none.
    na, index : float or None
        Numerical aperture, and refractive index of the immersion medium.
    immersion : str
        Immersion medium in the words of OME, such as "Oil"; "" if unknown.
    """

    spacing: Mapping[str, tuple[object, str]] = field(default_factory=dict)
    channels: Sequence[Channel] = ()
    na: float | None = None
    index: float | None = None
    immersion: str = ""


def make_stack(
    listed: Series,
    source: PixelSource,
    recording: Recording,
    *,
    format: str,
    findings: Sequence[Finding] = (),
    certain: bool = True,
    size: int = 0,
    xml: str = "",
    image: int = 0,
) -> Stack:
    """Make a stack of a series, with its axes in order and its recording as metadata.

    Parameters
    ----------
    listed : Series
        The series; its axes are those of the source.
    source : PixelSource
        Its pixels.
    recording : Recording
        How it was recorded.
    format : str
        Name of the format.
    findings : sequence of Finding
        What the reader noticed.
    certain : bool
        Whether the file says what its axes mean.
    size : int
        Length of the file in bytes, to refuse one that claims far more pixels than it can hold; 0 if unknown.
    xml : str
        OME-XML of the file, in place of one made from the recording.
    image : int
        Number of the image in that XML.

    Raises
    ------
    QuietfieldError
        If the pixels cannot be those of an image.
    """
    _check(listed, source, size)
    arrangement = arrange(listed.axes, source.shape)
    pixels = rearranged(source, arrangement.groups)
    axes = "".join(arrangement.groups)
    sizes = dict(zip(axes, pixels.shape, strict=True))
    text = xml or make_xml(recording, sizes, pixels.dtype, listed.name or listed.path.name)
    known, more = ome.interpret(text, image if xml else 0, axes, sizes.get("C", 1), pixels.dtype)
    known["unit"] = "µm" if "X" in known.get("spacing", {}) else ""
    name = listed.path.name + (f" ({listed.name})" if listed.name and listed.index else "")
    stack = Stack(
        pixels, axes,
        Metadata(
            name=name, path=listed.path, format=format,
            findings=(*findings, *arrangement.findings, *more),
            axes_certain=certain and arrangement.certain, **known,
        ),
    )  # fmt: skip
    first = dict.fromkeys(axes[:-2], 0) | {a: slice(0, PROBE) for a in "YX"}
    stack.read(stack.region(**first))  # to check that the compression can be read
    return stack


def _check(listed: Series, source: PixelSource, size: int) -> None:
    shape, dtype = source.shape, source.dtype
    if dtype.kind not in "uifb":
        raise QuietfieldError(
            f"{listed.path} holds pixels of type {dtype}, which Quietfield cannot show. Save real numbers "
            "instead."
        )
    if math.prod(shape) == 0:
        raise QuietfieldError(f"{listed.path} holds an image without pixels {shape}; it is damaged.")
    sizes = dict(zip(listed.axes, shape, strict=True))
    plane = sizes.get("Y", 1) * sizes.get("X", 1) * dtype.itemsize
    planes = math.prod(shape) * dtype.itemsize // max(plane, 1)
    if planes > MOST_PLANES or (size and plane > max(2**28, size * MOST_EXPANSION)):
        raise QuietfieldError(
            f"{listed.path} claims to hold {' x '.join(map(str, shape))} pixels, which cannot be in a file "
            f"of {size:,} bytes. It was cut off or is damaged; copy or export it again."
        )


def make_xml(recording: Recording, sizes: Mapping[str, int], dtype: np.dtype[Any], name: str) -> str:
    """Return OME-XML (schema 2016-06) of a recording.

    Parameters
    ----------
    recording : Recording
        The recording.
    sizes : dict of str to int
        Length of each axis of the stack.
    dtype : numpy.dtype
        Type of its pixels.
    name : str
        Name of the image.
    """
    ET.register_namespace("", ome.NAMESPACE)
    root = _element(None, "OME")
    lens = recording.na is not None or recording.index is not None or recording.immersion
    if lens:
        instrument = _element(root, "Instrument", ID="Instrument:0")
        more = {"Immersion": recording.immersion, "LensNA": _text(recording.na)}
        _element(instrument, "Objective", ID="Objective:0:0", **{k: v for k, v in more.items() if v})
    image = _element(root, "Image", ID="Image:0", Name=ome.printable(name))
    if lens:
        _element(image, "InstrumentRef", ID="Instrument:0")
        index = {"RefractiveIndex": _text(recording.index)} if recording.index else {}
        _element(image, "ObjectiveSettings", ID="Objective:0:0", **index)
    known = {f"Size{a}": str(sizes.get(a, 1)) for a in "XYCZT"}
    kind = {"Type": ome.DTYPES[dtype.name]} if dtype.name in ome.DTYPES else {}
    for axis, (value, unit) in recording.spacing.items():
        if value is not None and axis in sizes:
            key = "TimeIncrement" if axis == "T" else f"PhysicalSize{axis}"
            known |= {key: str(value), f"{key}Unit": unit}
    pixels = _element(image, "Pixels", ID="Pixels:0", DimensionOrder="XYZCT", **kind, **known)
    count = sizes.get("C", 1)
    for number, channel in enumerate(recording.channels if len(recording.channels) == count else ()):
        _element(pixels, "Channel", ID=f"Channel:0:{number}", SamplesPerPixel="1", **_channel(channel))
    _element(pixels, "MetadataOnly")
    return ET.tostring(root, encoding="unicode")


def _channel(channel: Channel) -> dict[str, str]:
    found = {"Name": ome.printable(channel.name), "AcquisitionMode": channel.mode}
    for key, length in (("Emission", channel.emission), ("Excitation", channel.excitation)):
        if text := _text(length):
            found |= {f"{key}Wavelength": text, f"{key}WavelengthUnit": "nm"}
    if channel.colour is not None:
        red, green, blue = channel.colour
        value = red << 24 | green << 16 | blue << 8 | 255
        found["Color"] = str(value - 2**32 if value >= 2**31 else value)
    return {name: value for name, value in found.items() if value}


def _text(number: float | None) -> str:
    """Return a positive number as text; "" for none."""
    good = number is not None and math.isfinite(number) and number > 0
    return repr(round(float(number), 6)) if number is not None and good else ""


def _element(parent: ET.Element | None, tag: str, **attributes: str) -> ET.Element:
    name = f"{{{ome.NAMESPACE}}}{tag}"
    return ET.Element(name, attributes) if parent is None else ET.SubElement(parent, name, attributes)


def colour(text: str) -> tuple[int, int, int] | None:
    """Return red, green and blue of a colour such as ``#FF7E00`` or ``#FFFF7E00`` (with opacity first)."""
    digits = text.strip().removeprefix("#")
    try:
        value = int(digits, 16)
    except ValueError:
        return None
    return (value >> 16 & 255, value >> 8 & 255, value & 255) if len(digits) in (6, 8) else None


def number(value: object) -> float | None:
    """Return a value as a finite number; None if it is none."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def lost_planes(missing: int, total: int) -> tuple[Finding, ...]:
    """Return the finding on planes that a file lacks; nothing if it lacks none."""
    if not missing:
        return ()
    return (Finding(kind=kinds.PLANES_MISSING, value=missing, details={"total": total}),)
