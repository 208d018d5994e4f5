"""Reads OME-Zarr 0.1 to 0.5 and plain Zarr in folders with the library zarr."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import QuietfieldError
from core.files.readers.base import Series
from core.files.readers.described import Channel, Recording, colour, make_stack
from core.files.readers.extras import load_library
from core.files.readers.zarr_nodes import Image, find_images
from core.files.readers.zarr_source import ZarrSource
from core.findings import Finding, format_kinds, kinds
from core.paths import there
from core.progress import Context
from core.reading import read_text
from core.stack import Stack

MARKS = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
"""Files that make a folder a Zarr."""

_XML = Path("OME") / "METADATA.ome.xml"
_MOST_XML = 2**26


class ZarrReader:
    """Reads Zarr in folders; images of a plate and arrays of a group are series."""

    name = "Zarr"
    endings = (".zarr",)
    priority = 0

    def supports(self, path: Path, head: bytes) -> bool:
        """Return whether a folder is a Zarr, by what it holds or by its name."""
        return head == b"" and (path.suffix.lower() == ".zarr" or any(there(path / mark) for mark in MARKS))

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:
        """List the images of a Zarr.

        Raises
        ------
        QuietfieldError
            If the library or the metadata are missing, or there is no image.
        """
        zarr = load_library("zarr", path, "a Zarr", "zarr")
        if not any(there(path / mark) for mark in MARKS[:3]):
            raise QuietfieldError(
                f"{path} has no metadata: none of {', '.join(MARKS[:3])} is in it. It is not the top folder "
                "of the Zarr, or was copied incompletely."
            )
        found = find_images(zarr.open(store=path, mode="r"), context)
        if not found:
            raise QuietfieldError(f"{path} holds no array with rows and columns; it is not an image.")
        size = _size(path, context)
        return tuple(
            Series(
                path=path, index=index, name=image.name, axes=image.axes,
                shape=tuple(map(int, image.array.shape)), dtype=image.array.dtype,
                origin=(image, _source(path, image, context), size),
            )
            for index, image in enumerate(found)
        )  # fmt: skip

    def open(self, series: Series) -> Stack:
        """Open one image; chunks are read when they are asked for."""
        image, source, size = series.origin
        findings = []
        if source.lost:
            details: dict[str, str | int] = {"total": math.prod(source.grid), "fill": str(source.fill)}
            findings.append(
                Finding(kind=format_kinds.CHUNKS_MISSING, value=source.lost, details=details)
            )  # fmt: skip
        if image.levels > 1:
            findings.append(Finding(kind=kinds.MORE_RESOLUTIONS, value=image.levels))
        xml, number = _xml(series.path, image.name)
        return make_stack(
            series, source, Recording(spacing=image.scale, channels=_channels(image.channels)), size=size,
            format=f"OME-Zarr {image.version}" if image.version else "Zarr", findings=findings,
            certain=image.certain, xml=xml, image=number,
        )  # fmt: skip


def _source(path: Path, image: Image, context: Context) -> ZarrSource:
    return ZarrSource(path, image.array, path / str(image.array.path), context)


def _size(path: Path, context: Context) -> int:
    """Return the bytes of all files in a folder."""
    total = 0
    for base, _, files in os.walk(path):
        context.check()
        for name in files:
            with suppress(OSError):
                total += (Path(base) / name).stat().st_size
    return total


def _xml(path: Path, name: str) -> tuple[str, int]:
    """Return the OME-XML beside the images of a Zarr, and the number of an image in it; "" without."""
    file = path / _XML
    if not there(file) or (name and not name.isdigit()):
        return "", 0
    try:
        return read_text(file, _MOST_XML), int(name or 0)
    except QuietfieldError:
        return "", 0


def _channels(described: Sequence[Mapping[str, Any]]) -> list[Channel]:
    return [
        Channel(name=str(one.get("label") or ""), colour=colour(str(one.get("color") or "")))
        for one in described
        if isinstance(one, dict)
    ]
