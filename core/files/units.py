"""Converts units of length and time as files spell them."""

from __future__ import annotations

import contextlib
import math
import re
import unicodedata
from collections.abc import Mapping

# Greek mu: `_plain` replaces the micro sign by it
_PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "": 0, "d": -1,
    "c": -2, "m": -3, "μ": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip
_SPELLED = {"": 0, "kilo": 3, "deci": -1, "centi": -2, "milli": -3, "micro": -6, "nano": -9, "pico": -12}


def _prefixed(symbol: str, words: tuple[str, ...], shift: int) -> dict[str, float]:
    """Return the factors of a unit with every prefix of SI, times ten to the power `shift`."""
    found = {prefix + symbol: power for prefix, power in _PREFIXES.items()}
    found |= {prefix + word: power for prefix, power in _SPELLED.items() for word in words}
    return {name: float(f"1e{power + shift}") for name, power in found.items()}


_INCH = 25400.0
MICROMETRES: Mapping[str, float] = {
    **_prefixed("m", ("meter", "meters", "metre", "metres"), 6),
    **dict.fromkeys(("um", "micron", "microns", "mikron", "μ", "?m", "\ufffdm"), 1.0),
    **dict.fromkeys(("Å", "å", "angstrom", "angstroms", "ångström", "ångstrom"), 1e-4),
    **dict.fromkeys(("in", "inch", "inches", '"'), _INCH),
    "thou": _INCH / 1000, "mil": _INCH / 1000, "pt": _INCH / 72, "li": _INCH / 12, "ft": _INCH * 12,
    "yd": _INCH * 36, "mi": _INCH * 63360, "ua": 149597870700e6, "ly": 9.4607304725808e21, "pc": 3.0856776e22,
}  # fmt: skip
"""Micrometres in each unit of length: all of the OME schema, and words that programs write."""

SECONDS: Mapping[str, float] = {
    **_prefixed("s", ("second", "seconds", "sec", "secs"), 0),
    **{f"{prefix}sec{end}": float(f"1e{_PREFIXES[prefix]}") for prefix in "mμn" for end in ("", "s")},
    **dict.fromkeys(("us", "usec", "usecs"), 1e-6),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}  # fmt: skip
"""Seconds in each unit of time: all of the OME schema, and words that programs write."""

_NO_UNITS = {
    "", "pixel", "pixels", "px", "pix", "voxel", "voxels", "frame", "frames", "plane", "planes", "slice",
    "slices", "null", "none", "unknown", "n/a", "a.u.", "reference frame", "referenceframe",
}  # fmt: skip

_ESCAPE = re.compile(r"\\+u([0-9A-Fa-f]{4})")
_EACH = re.compile(r"\s*(?:/|\bper\b)\s*(?:px|pix|pixel|voxel|plane|slice|frame)s?$", re.IGNORECASE)


def unescape(text: str) -> str:
    r"""Decode ImageJ's ``\u00B5`` and the like to characters."""
    found = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def escape(text: str) -> str:
    r"""Encode characters outside ASCII as ImageJ does: ``\u00B5``."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))
    return "".join(chr(c) if c < 128 else f"\\u{c:04X}" for c in codes)


def factor(unit: str, known: Mapping[str, float]) -> float | None:
    """Return the factor of a unit in `MICROMETRES` or `SECONDS`; None if it is not among them.

    Case matters for symbols (mm, Mm), as in the OME schema, but not for words (Micron).
    """
    plain = _plain(unit)
    return known.get(plain, known.get(plain.lower()))


def is_no_unit(unit: str) -> bool:
    """Return whether a file says by this unit that a length or time is unknown, such as "pixel"."""
    return _plain(unit).lower() in _NO_UNITS


def _plain(unit: str) -> str:
    text = unescape(unit).strip()
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")  # UTF-8 that was taken for Latin-1: Âµm
    return _EACH.sub("", unicodedata.normalize("NFKC", text)).strip()


def number(value: object) -> float | None:
    """Return a value as a positive finite number, or None if it is none."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) and found > 0 else None
