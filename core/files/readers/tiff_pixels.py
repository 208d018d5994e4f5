"""Reads the pixels of a TIFF series: as one contiguous piece, or page by page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.files.raw_source import RawSource
from core.files.readers.tiff_layout import Layout
from core.files.readers.tiff_pages import PageSource
from core.files.readers.tiff_parse import ParsedFile


def pixels(path: Path, parsed: ParsedFile, series: Any, layout: Layout) -> RawSource | PageSource:
    """Return the pixel source of a series."""
    if layout.offset is not None:
        dtype = series.dtype.newbyteorder(parsed.file.byteorder)
        source = RawSource(path, dtype, layout.offset, layout.shape)
        parsed.stream.unchanged.check()
        return source
    dtype = np.dtype(np.uint8) if series.dtype.kind == "b" else series.dtype.newbyteorder("=")
    return PageSource(path, parsed, layout.pages, layout.outer, layout.inner, dtype)
