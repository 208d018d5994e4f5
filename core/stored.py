"""Checked access to values that were read from JSON, and short forms of them for messages."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any

MOST_CHARACTERS = 1000
"""Maximum length of a text, by default."""

MOST_VALUE = 2**21
"""Maximum length of a text that is the value of a parameter, such as a whole PSF."""

MOST_COUNT = 2**53
"""Maximum of a whole number, by default: the largest that every program reads exactly."""

_MISSING: Any = object()
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
_short.maxlist, _short.maxdict, _short.maxlevel, _short.maxlong = 4, 2, 2, 30


def brief(value: object) -> str:
    """Return a value for a message, in one line of about 60 characters at most."""
    try:
        return _short.repr(value)
    except ValueError:  # a whole number with more digits than Python prints
        return "a number of thousands of digits"


def shorten(text: str, most: int = 160) -> str:
    """Return a text for a message, in one line of at most about `most` characters."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= most else line[: most - 3] + "..."


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """Return a value that is an object of JSON.

    Raises
    ------
    ValueError
        If it is something else; all functions of this module name the entry and its value.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{what} is {brief(value)} instead of an object")
    return value


def entry(given: Mapping[str, Any], name: str) -> Any:
    """Return an entry of an object of JSON."""
    if name not in given:
        raise ValueError(f"{name} is missing")
    return given[name]


def text(given: Mapping[str, Any], name: str, default: str | None = None, most: int = MOST_CHARACTERS) -> str:
    """Return an entry that is a text of at most `most` characters."""
    value = given.get(name, default) if default is not None else entry(given, name)
    if not isinstance(value, str) or len(value) > most:
        raise ValueError(f"{name} is {brief(value)} instead of a text of at most {most:,} characters")
    return value


def file_name(given: Mapping[str, Any], name: str) -> str:
    """Return an entry that can be the name of a file."""
    value = text(given, name, most=255)
    if not value or not value.isprintable():
        raise ValueError(f"{name} is {brief(value)}, which is no name of a file")
    return value


def whole(
    given: Mapping[str, Any], name: str, default: int | None = None, *, low: int = 0, high: int = MOST_COUNT
) -> int:
    """Return an entry that is a whole number from `low` to `high`."""
    value = given.get(name, default) if default is not None else entry(given, name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is {brief(value)} instead of a whole number from {low} to {high}")
    return value


def number(given: Mapping[str, Any], name: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """Return an entry that is a finite number from `low` to `high`."""
    return finite(entry(given, name), name, low=low, high=high)


def finite(value: object, name: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a value that is a finite number from `low` to `high`."""
    found = real(value, name)
    if not math.isfinite(found) or not low <= found <= high:
        limits = "" if math.isinf(low) and math.isinf(high) else f" from {low:g} to {high:g}"
        raise ValueError(f"{name} is {brief(value)} instead of a finite number{limits}")
    return found


def real(value: object, name: str) -> float:
    """Return a value that is a number; it may be infinite or undefined."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is {brief(value)} instead of a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is {brief(value)}, which is too large") from None


def items(given: Mapping[str, Any], name: str, most: int) -> list[Any]:
    """Return an entry that is a list of at most `most` values."""
    value = entry(given, name)
    if not isinstance(value, list):
        raise ValueError(f"{name} is {brief(value)} instead of a list")
    if len(value) > most:
        raise ValueError(f"{name} has {len(value):,} entries; at most {most:,} are possible")
    return value
