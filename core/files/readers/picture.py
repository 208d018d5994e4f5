"""Reads PNG and JPEG pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import QuietfieldError
from core.files.readers.base import Series
from core.findings import Finding, kinds
from core.progress import Context
from core.stack import Stack

_PNG, _JPEG = b"\x89PNG", b"\xff\xd8\xff"


class PictureReader:
    """Reads single pictures; colours become channels."""

    name = "PNG or JPEG"
    endings = (".png", ".jpg", ".jpeg")
    priority = -10

    def supports(self, path: Path, head: bytes) -> bool:  # noqa: ARG002
        """Return whether a file begins as PNG or JPEG."""
        return head.startswith((_PNG, _JPEG))

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:  # noqa: ARG002
        """Decode a picture, which is its only series.

        Raises
        ------
        QuietfieldError
            If it is damaged.
        """
        import imagecodecs

        try:
            data = path.read_bytes()
            decode = imagecodecs.png_decode if data.startswith(_PNG) else imagecodecs.jpeg_decode
            array = np.asarray(decode(data))
        except Exception as error:
            raise QuietfieldError(f"{path} cannot be decoded ({error}). Copy or export it again.") from error
        axes = "YX"
        if array.ndim == 3:
            array, axes = np.moveaxis(array, -1, 0), "CYX"
        kind = "PNG" if data.startswith(_PNG) else "JPEG"
        findings = (Finding(kind=kinds.JPEG_COMPRESSION),) if kind == "JPEG" else ()
        stack = Stack.of(array, axes, name=path.name, path=path, format=f"{kind} picture", findings=findings)
        return (Series(path=path, axes=axes, shape=stack.shape, dtype=stack.dtype, origin=stack),)

    def open(self, series: Series) -> Stack:
        """Return the decoded picture."""
        stack: Stack = series.origin
        return stack
