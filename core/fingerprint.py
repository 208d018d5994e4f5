"""Identification of a stack by its content."""

from __future__ import annotations

import hashlib
from typing import Any

from core.stack import Stack, plane_regions


def fingerprint(stack: Stack) -> dict[str, Any]:
    """Return name, axes, shape, type, and a SHA-256 of the first, middle and last plane of a stack."""
    regions = plane_regions(stack.shape)
    digest = hashlib.sha256()
    for index in sorted({0, len(regions) // 2, len(regions) - 1}):
        digest.update(stack.read(regions[index]).tobytes())
    return {
        "name": stack.meta.name, "axes": stack.axes, "shape": list(stack.shape),
        "dtype": stack.dtype.name, "sha256": digest.hexdigest(),
    }  # fmt: skip
