"""Kinds of findings about files of microscopes' own formats."""

from __future__ import annotations

from core.findings.finding import Kind, Level

AXES_REMEMBERED = Kind(
    code="axes-remembered", level=Level.NOTE,
    words="The planes are read as {axis}, as you answered before; Image > Axes changes that.",
)  # fmt: skip
MOSAIC_JOINED = Kind(
    code="mosaic-joined", level=Level.NOTE,
    words="Up to {value:.0f} tiles of a plane were put together at their recorded places; where they "
    "overlap, the later one is shown, and pixels outside of all tiles count as not recorded.",
)  # fmt: skip
REDUCED_LEFT_OUT = Kind(
    code="reduced-left-out", level=Level.NOTE,
    words="The file also contains the image at lower resolutions ({value:.0f} blocks); the full one was "
    "opened.",
)  # fmt: skip
BLOCKS_ELSEWHERE = Kind(
    code="blocks-elsewhere", level=Level.CAUTION,
    words="{value:.0f} blocks of pixels are in other files that belong to this one and are not read; they "
    "count as not recorded.",
)  # fmt: skip
CHUNKS_MISSING = Kind(
    code="chunks-missing", level=Level.CAUTION,
    words="{value:,.0f} of {total:,} chunks were never written or are lost: their pixels have the fill value "
    "{fill} and count as not recorded. Programs leave out empty chunks.",
)  # fmt: skip
