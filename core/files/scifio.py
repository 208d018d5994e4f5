"""Reads the lists of axes that SCIFIO (ImageJ2) writes into the description of a TIFF file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "SCIFIO"
"""Key of the version of SCIFIO, with which its descriptions begin."""

KEYS = (KEY, "axes", "lengths", "scales", "units", "bitsPerPixel")
"""Keys in the description that only SCIFIO writes."""

_LETTERS = {
    "X": "X", "Y": "Y", "Z": "Z", "Time": "T", "Channel": "C", "Spectra": "E", "Lifetime": "H", "Phase": "P",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis by SCIFIO's description.

    Attributes
    ----------
    letter : str
        Letter of the axis; Q for one that Quietfield does not know.
    length : int
        Number of positions along it.
    scale : str
        Distance between positions; "" if it is not given.
    unit : str
        Unit of the distance.
    """

    letter: str
    length: int
    scale: str = ""
    unit: str = ""


def axes(about: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Return the axes in the order of the file, the fastest first; () if their lists do not match."""
    if KEY not in about:
        return ()
    names, lengths = _list(about, "axes"), _list(about, "lengths")
    if not names or len(names) != len(lengths) or not all(n.isdecimal() and int(n) > 0 for n in lengths):
        return ()
    scales, units = (_list(about, key) for key in ("scales", "units"))
    scales = scales if len(scales) == len(names) else [""] * len(names)
    units = units if len(units) == len(names) else [""] * len(names)
    return tuple(
        Axis(letter=_LETTERS.get(name, "Q"), length=int(length), scale=scale, unit=unit)
        for name, length, scale, unit in zip(names, lengths, scales, units, strict=True)
    )


def _list(about: Mapping[str, Any], key: str) -> list[str]:
    return [text.strip() for text in str(about[key]).split(",")] if key in about else []
