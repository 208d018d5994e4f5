"""Converts units of length and time as files spell them."""

from __future__ import annotations

import math
import re

MICROMETRES = {
    "m": 1e6, "meter": 1e6, "metre": 1e6, "dm": 1e5, "cm": 1e4, "centimeter": 1e4, "centimetre": 1e4,
    "mm": 1e3, "millimeter": 1e3, "millimetre": 1e3, "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0,
    "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0, "nm": 1e-3, "nanometer": 1e-3,
    "nanometre": 1e-3, "pm": 1e-6, "å": 1e-4, "angstrom": 1e-4, "inch": 25400.0, "inches": 25400.0,
    "in": 25400.0,
}  # fmt: skip
SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3,
    "milliseconds": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "min": 60.0, "minute": 60.0,
    "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86400.0,
}  # fmt: skip

SMALLEST, LARGEST = 1e-6, 1000.0
"""Range of pixel sizes in micrometres that a microscope can have; others are of printers or errors."""

_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")


def unescape(text: str) -> str:
    r"""Decode ImageJ's ``\u00B5`` and the like to characters."""
    found = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def escape(text: str) -> str:
    r"""Encode characters outside ASCII as ImageJ does: ``\u00B5``."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))
    return "".join(chr(c) if c < 128 else f"\\u{c:04X}" for c in codes)


def micrometres(value: object, unit: str) -> float | None:
    """Return a pixel size in micrometres, or None if the unit is unknown or the value impossible."""
    factor = MICROMETRES.get(unescape(unit).strip().lower())
    size = number(value)
    if factor is None or size is None or not SMALLEST <= size * factor <= LARGEST:
        return None
    return size * factor


def seconds(value: object, unit: str) -> float | None:
    """Return a time in seconds, or None if the unit is unknown or the value impossible."""
    factor = SECONDS.get(unescape(unit).strip().lower())
    time = number(value)
    return None if factor is None or time is None else time * factor


def number(value: object) -> float | None:
    """Return a value as a positive finite number, or None if it is none."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) and found > 0 else None
