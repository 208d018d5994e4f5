"""Reads TIFF files of every kind."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files import calibration
from core.files.axes import arrange, rearranged
from core.files.listening import damage, listening
from core.files.readers import tiff_meta
from core.files.readers.base import Series
from core.files.readers.tiff_layout import Layout, find_layout
from core.files.readers.tiff_pages import PageSource
from core.files.readers.tiff_parse import ParsedFile, check_claim, parse
from core.files.readers.tiff_pixels import pixels
from core.findings import Finding, kinds
from core.paths import TIFF_ENDINGS
from core.progress import Context
from core.stack import Metadata, PixelSource, Stack


class TiffReader:
    """Reads TIFF files of every kind: ImageJ, OME-TIFF, BigTIFF, Micro-Manager, LSM, STK and others."""

    name = "TIFF"
    endings = (*TIFF_ENDINGS, ".btf", ".tf2", ".tf8", ".lsm", ".stk")
    priority = 0

    def supports(self, path: Path, head: bytes) -> bool:  # noqa: ARG002
        """Return whether a file begins with the byte order of a TIFF."""
        return head[:2] in (b"II", b"MM", b"EP")

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:
        """Parse a file and list its series."""
        parsed = parse(path, context)
        found = tuple(_listed(path, parsed, index) for index in range(len(parsed.series)))
        parsed.stream.release()
        return found

    def open(self, series: Series) -> Stack:
        """Open one series; its pixels are read when they are asked for.

        Raises
        ------
        QuietfieldError
            If the file is damaged, or the series holds nothing that can be a stack.
        """
        parsed, layout = series.origin
        with parsed.lock, listening() as heard:
            heard += parsed.heard
            return _stack(series, parsed, layout, heard)

    def peek(self, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and type of the first page of a file."""
        import tifffile

        with listening(), tifffile.TiffFile(path) as file:
            page = file.pages.first
            return tuple(map(int, page.shape)), np.dtype(page.dtype)


def _listed(path: Path, parsed: ParsedFile, index: int) -> Series:
    """Return one series of a file as it will be opened; as tifffile reads it if it cannot be opened."""
    series, layout = parsed.series[index], None
    dtype: np.dtype[Any] | None = series.dtype
    with listening(), suppress(Exception):  # told when it is opened
        layout = find_layout(path, parsed, index)
        about = tiff_meta.imagej_description(parsed.file, series)
        dtype = dtype if dtype is None else calibration.signed(about, dtype) or dtype
    return Series(
        path=path, index=index, name=series.name, axes=layout.axes if layout else series.axes,
        shape=layout.shape if layout else tuple(map(int, series.shape)), dtype=dtype, files=_files(series),
        origin=(parsed, layout),
    )  # fmt: skip


def _files(series: Any) -> tuple[Path, ...]:
    """Return the files of a series that is spread over several; else nothing."""
    if not series.is_multifile:
        return ()
    return tuple(dict.fromkeys(Path(page.parent.filehandle.path) for page in series if page is not None))


def _stack(listed: Series, parsed: ParsedFile, layout: Layout | None, heard: list[str]) -> Stack:
    path, file, series = listed.path, parsed.file, parsed.series[listed.index]
    dtype = series.dtype
    if dtype is None or dtype.kind not in "uifb":
        what = "complex numbers" if dtype is not None and dtype.kind == "c" else "pixels of an unknown type"
        cure = " Save their magnitude instead." if what.startswith("complex") else ""
        raise QuietfieldError(f"{path} holds {what}, which Quietfield cannot show.{cure}")
    if math.prod(listed.shape) == 0 or not listed.shape:
        raise QuietfieldError(f"{path} holds an image without pixels {listed.shape}; it is damaged.")
    check_claim(path, file, series)
    layout = layout or find_layout(path, parsed, listed.index)
    raw = pixels(path, parsed, series, layout)
    findings = [*parsed.findings, *layout.findings]
    arrangement = arrange(layout.axes, layout.shape)
    source = rearranged(_calibrated(file, series, raw), arrangement.groups)
    letters = "".join(arrangement.groups)
    sizes = dict(zip(letters, source.shape, strict=True))
    known = tiff_meta.describe(file, series, listed.index, path, letters, sizes)
    planes = math.prod(n for a, n in sizes.items() if a not in "YX")
    findings += _damage(heard, planes, noticed=bool(findings))
    findings += [*arrangement.findings, *known.pop("findings")]
    if len(series.levels) > 1:
        findings.append(Finding(kind=kinds.MORE_RESOLUTIONS, value=len(series.levels)))
    known["axes_certain"] = known.get("axes_certain", True) and arrangement.certain and layout.certain
    stack = Stack(source, letters, Metadata(findings=tuple(findings), **known))
    _probe(stack, raw)
    return stack


def _calibrated(file: Any, series: Any, raw: PixelSource) -> PixelSource:
    """Return signed pixels where ImageJ's description says that a file stores them as unsigned ones."""
    dtype = calibration.signed(tiff_meta.imagej_description(file, series), raw.dtype)
    return raw if dtype is None else calibration.SignedSource(raw, dtype)


def _probe(stack: Stack, raw: PixelSource) -> None:
    """Decode one plane, to check that the compression can be read."""
    if isinstance(raw, PageSource):
        raw.page(next(i for i, page in enumerate(raw.pages) if page is not None))
    else:
        stack.plane()


def _damage(heard: list[str], planes: int, *, noticed: bool) -> list[Finding]:
    """Return what the parser logged of damage, unless missing planes were noticed already."""
    found = damage(heard)
    if found is None:
        return []
    if found.lost:
        return [Finding(kind=kinds.PART_MISSING, details={"file": found.lost})]
    if noticed:
        return []
    if found.cut:
        return [Finding(kind=kinds.INCOMPLETE, value=planes)]
    return [Finding(kind=kinds.DAMAGED, details={"cause": found.cause})]
