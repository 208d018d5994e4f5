"""Reads CZI files of Zeiss ZEN with the library czifile."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from core import stored
from core.errors import QuietfieldError
from core.files.readers import czi_meta
from core.files.readers.base import Series
from core.files.readers.czi_blocks import Block, decode, list_blocks
from core.files.readers.described import MOST_PLANES, lost_planes, make_stack
from core.files.readers.extras import load_library
from core.files.readers.stream import FileStream
from core.files.readers.tiles import Tile, TileSource
from core.findings import Finding, format_kinds, kinds
from core.progress import Context
from core.stack import Stack

_SERIES = {"S": "scene", "V": "view", "H": "phase", "I": "illumination", "R": "rotation", "B": "block"}
"""Dimensions for which a stack has no axis; every combination of their indices is a series."""

_AXES = "TZC"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Image:
    """One series: its file, its blocks, and what was noticed."""

    file: Any
    stream: FileStream
    lock: Any
    root: ET.Element | None
    blocks: Sequence[Block]
    findings: tuple[Finding, ...]

    def places(self, axis: str) -> list[int]:
        """Return the indices along an axis that blocks have, in order; [0] for an axis that they lack."""
        return sorted({block.starts.get(axis, 0) for block in self.blocks})

    @property
    def corner(self) -> tuple[int, int]:
        """First row and column of all blocks."""
        return min(b.starts["Y"] for b in self.blocks), min(b.starts["X"] for b in self.blocks)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis: T, Z, C, Y, X and colours."""
        top, left = self.corner
        height = max(b.starts["Y"] + b.height for b in self.blocks) - top
        width = max(b.starts["X"] + b.width for b in self.blocks) - left
        return (*(len(self.places(a)) for a in _AXES), height, width, self.blocks[0].samples)


class CziReader:
    """Reads CZI files; scenes, phases and the like are series, the tiles of a mosaic are put together."""

    name = "Zeiss CZI"
    endings = (".czi",)
    priority = 0

    def supports(self, path: Path, head: bytes) -> bool:  # noqa: ARG002
        """Return whether a file begins as CZI."""
        return head.startswith(b"ZISRAWFILE")

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:
        """Parse a file and list its series.

        Raises
        ------
        QuietfieldError
            If the library is missing, or the file ends too early or holds no image.
        """
        czifile = load_library("czifile", path, "a Zeiss CZI file", "czi")
        stream = FileStream(path, context)
        try:
            file = czifile.CziFile(stream, multifile=False)
            found = _images(path, file, stream)
        except Exception as error:
            stream.close()
            context.check()
            if isinstance(error, QuietfieldError):
                raise
            words = stored.shorten(" ".join(str(error).split()), 120) or type(error).__name__
            raise QuietfieldError(
                f"{path} cannot be read as Zeiss CZI ({words}). It was cut off, never completely written, or "
                "is damaged. Copy or export it again."
            ) from error
        stream.release()
        return tuple(
            Series(
                path=path, index=index, name=name, axes=_AXES + "YXS", shape=image.shape,
                dtype=image.blocks[0].dtype, origin=image,
            )
            for index, (name, image) in enumerate(found)
        )  # fmt: skip

    def open(self, series: Series) -> Stack:
        """Open one series; blocks are read when they are asked for."""
        image: _Image = series.origin
        places = {axis: {start: k for k, start in enumerate(image.places(axis))} for axis in _AXES}
        outer, (top, left) = series.shape[: len(_AXES)], image.corner
        tiles: list[list[Tile]] = [[] for _ in range(math.prod(outer))]
        blocks = {block.number: block for block in image.blocks if block.present}
        for block in sorted(blocks.values(), key=lambda b: b.starts.get("M", 0)):
            index = [found[block.starts.get(axis, 0)] for axis, found in places.items()]
            tiles[int(np.ravel_multi_index(index, outer))].append(
                Tile(
                    top=block.starts["Y"] - top, left=block.starts["X"] - left, height=block.height,
                    width=block.width, key=block.number,
                )
            )  # fmt: skip
        findings = list(image.findings)
        most = max(map(len, tiles))
        if most > 1:
            findings.append(Finding(kind=format_kinds.MOSAIC_JOINED, value=most))
        findings += lost_planes(sum(not plane for plane in tiles), len(tiles))
        source = TileSource(
            series.path, image.stream, outer, series.shape[len(_AXES) :], np.dtype(series.dtype), tiles,
            lambda number: decode(image.file, blocks[number]), image.lock,
        )  # fmt: skip
        recording = czi_meta.recording(image.root, list(places["C"]))
        size = image.stream.size * most if most > 1 else image.stream.size
        return make_stack(series, source, recording, format="Zeiss CZI", findings=findings, size=size)


def _images(path: Path, file: Any, stream: FileStream) -> list[tuple[str, _Image]]:
    """Return names and images of a file: one for each scene, phase and so on, and type of pixels."""
    if file.header.file_part:
        raise QuietfieldError(f"{path} is a part of a larger CZI file. Open the first one.")
    blocks, reduced, elsewhere = list_blocks(path, file, stream.size)
    if len(blocks) > MOST_PLANES:
        raise QuietfieldError(f"{path} claims {len(blocks):,} blocks, which no file has; it is damaged.")
    if not any(block.present for block in blocks):
        why = "its pixels are in other files" if elsewhere else "it was cut off, or never completely written"
        raise QuietfieldError(f"{path} holds no image that can be opened: {why}. Copy or export it again.")
    root = czi_meta.parse(file.metadata() if file.header.metadata_position else None)
    findings = _findings(file, reduced, elsewhere)
    groups: dict[tuple[Any, ...], list[Block]] = {}
    for block in blocks:
        place = tuple(block.starts.get(axis, 0) for axis in _SERIES)
        groups.setdefault((*place, block.dtype.str, block.samples), []).append(block)
    varied = [axis for n, axis in enumerate(_SERIES) if len({key[n] for key in groups}) > 1]
    typed = len({key[len(_SERIES) :] for key in groups}) > 1
    lock = threading.RLock()
    found = []
    for key, members in sorted(groups.items(), key=lambda pair: pair[0]):
        index = dict(zip(_SERIES, key, strict=False))
        words = [
            czi_meta.scene_name(root, index[a]) if a == "S" else f"{_SERIES[a]} {index[a] + 1}"
            for a in varied
        ]
        words += [members[0].dtype.name] if typed else []
        image = _Image(file=file, stream=stream, lock=lock, root=root, blocks=members, findings=findings)
        found.append((", ".join(words), image))
    return found


def _findings(file: Any, reduced: int, elsewhere: int) -> tuple[Finding, ...]:
    found = []
    if reduced:
        found.append(Finding(kind=format_kinds.REDUCED_LEFT_OUT, value=reduced))
    if elsewhere:
        found.append(Finding(kind=format_kinds.BLOCKS_ELSEWHERE, value=elsewhere))
    if file.header.update_pending:
        cause = "ZEN did not finish writing it"
        found.append(Finding(kind=kinds.DAMAGED, details={"cause": cause}))
    return tuple(found)
