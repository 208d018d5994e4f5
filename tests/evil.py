"""Values and texts that somebody may write into JSON, and the places of a document that can hold them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]

VALUES: list[Any] = [
    None, True, "", "x", "../../../etc/passwd", -1, 0, 1, 2, 3.5, 1e9, 1e300, float("nan"), float("inf"),
    -float("inf"), 10**9, 10**18, 2**64, 10**400, [], {}, [1], {"a": 1}, "A" * 100_000, "\x00", "\ud800",
    [0] * 10_000, 65537, "n2v2", "care", "gaussian", "quietfield", "instant", "Z", "mean",
]  # fmt: skip


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """Yield the places in a document, of lists only the first entries."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:3]):
            yield from places(inner, (*at, index))


def put(document: Any, at: Path, value: Any) -> Any:
    """Return a document with another value in one place."""
    changed = copy.deepcopy(document)
    _holder(changed, at)[at[-1]] = value
    return changed


def without(document: Any, at: Path) -> Any:
    """Return a document without one place."""
    changed = copy.deepcopy(document)
    del _holder(changed, at)[at[-1]]
    return changed


def _holder(document: Any, at: Path) -> Any:
    for key in at[:-1]:
        document = document[key]
    return document


def nested(depth: int, ends: str = "[]") -> str:
    """Return JSON of this depth."""
    first, last = (ends[0], ends[1]) if ends == "[]" else ('{"a":', "}")
    return first * depth + "1" + last * depth


def get(document: Any, at: Path) -> Any:
    """Return what a place of a document holds."""
    return _holder(document, at)[at[-1]]
