"""Chooses how the pixels of a TIFF series are read: as one contiguous piece, or page by page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files.raw_source import RawSource
from core.files.readers.tiff_pages import PageSource
from core.files.readers.tiff_parse import ParsedFile
from core.findings import Finding, kinds

Source = RawSource | PageSource


def pixels(path: Path, parsed: ParsedFile, series: Any) -> tuple[Source, str, list[Finding]]:
    """Return the pixel source of a series, its axes as the file names them, and findings on missing planes.

    Raises
    ------
    QuietfieldError
        If the file ends before its first plane does, or stores planes in an unknown way.
    """
    file, axes = parsed.file, str(series.axes)
    rescued = _cut_imagej(path, file, series)
    if rescued is not None:
        return rescued
    found = _in_one_piece(path, file, series)
    if found is not None:
        return found, axes, []
    dtype = np.dtype(np.uint8) if series.dtype.kind == "b" else series.dtype.newbyteorder("=")
    source, findings = _paged(path, parsed, series, dtype)
    return source, axes, findings


def _in_one_piece(path: Path, file: Any, series: Any) -> RawSource | None:
    """Return the source of a series that is contiguous and uncompressed in the file, else None."""
    if series.is_multifile or series.dtype.kind == "b" or series.dataoffset is None:
        return None
    if series.dataoffset + math.prod(series.shape) * series.dtype.itemsize > file.filehandle.size:
        return None
    dtype = series.dtype.newbyteorder(file.byteorder)
    return RawSource(path, dtype, int(series.dataoffset), tuple(map(int, series.shape)))


def _cut_imagej(path: Path, file: Any, series: Any) -> tuple[Source, str, list[Finding]] | None:
    """Return the remaining planes of a truncated ImageJ stack.

    ImageJ writes the planes in one piece, and the directories of all but the first after them. A truncated
    file therefore seems to hold one plane.
    """
    page = file.pages.first
    about = file.imagej_metadata if file.is_imagej else None
    if not about or len(series) != 1 or not page.is_final or math.prod(page.shape) != math.prod(series.shape):
        return None
    lengths = [max(int(about.get(key, 1)), 1) for key in ("frames", "slices", "channels")]
    claimed = max(math.prod(lengths), int(about.get("images", 1)))
    offset = page.dataoffsets[0]
    count = min((file.filehandle.size - offset) // page.nbytes, claimed)
    if count < 2 or claimed < 2:
        return None
    axes = [(a, n) for a, n in zip("TZC", lengths, strict=True) if n > 1]
    inner = math.prod(n for _, n in axes[1:])
    if not axes or math.prod(lengths) != claimed or count < inner or about.get("order", "czt") != "czt":
        axes, inner = [("I", claimed)], 1
    shape = (count // inner, *(n for _, n in axes[1:]), *page.shape)
    dtype = page.dtype.newbyteorder(file.byteorder)
    source = RawSource(path, dtype, int(offset), tuple(map(int, shape)))
    letters = "".join(a for a, _ in axes) + page.axes
    return source, letters, [_cut_short(count, claimed, count // inner * inner)] if count < claimed else []


def _cut_short(count: int, claimed: int, opened: int) -> Finding:
    return Finding(kind=kinds.CUT_SHORT, value=count, limit=claimed, details={"opened": opened})


def _paged(
    path: Path, parsed: ParsedFile, series: Any, dtype: np.dtype[Any]
) -> tuple[PageSource, list[Finding]]:
    shape = tuple(map(int, series.shape))
    size = math.prod(series.keyframe.shape)
    cut = next((k for k in range(len(shape) + 1) if math.prod(shape[k:]) == size), None)
    if cut is None:
        raise QuietfieldError(
            f"{path} stores its planes in a way that Quietfield cannot read "
            f"({shape} in pages of {series.keyframe.shape}). Open it in Fiji and save it as TIFF."
        )
    outer, inner = shape[:cut], shape[cut:]
    count = math.prod(outer)
    pages = [None if p is None or not _complete(p) else p for p in series][:count]
    pages += [None] * (count - len(pages))
    missing = [i for i, page in enumerate(pages) if page is None]
    if len(missing) == count:
        raise QuietfieldError(
            f"{path} ends before its first plane does; it was cut off. Copy or export it again."
        )
    findings = []
    if missing:
        rest = count // outer[0] if outer else 1
        whole = missing[0] // rest
        if missing == list(range(missing[0], count)) and whole > 0:
            findings.append(_cut_short(missing[0], count, whole * rest))
            outer, pages = (whole, *outer[1:]), pages[: whole * rest]
        else:
            total = {"total": count}
            findings.append(Finding(kind=kinds.PLANES_MISSING, value=len(missing), details=total))
    return PageSource(path, parsed, pages, outer, inner, dtype), findings


def _complete(page: Any) -> bool:
    """Return whether the pixels of a page lie inside its file."""
    end = page.parent.filehandle.size
    return all(o + n <= end for o, n in zip(page.dataoffsets, page.databytecounts, strict=False))
