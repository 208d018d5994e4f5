"""Layout of the planes of a TIFF series, reconciled from description, pages and file length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import QuietfieldError
from core.files import scifio
from core.files.readers import tiff_meta
from core.files.readers.tiff_chain import broken_row
from core.files.readers.tiff_claim import Claim, described_by_imagej, described_by_series, scifio_planes
from core.files.readers.tiff_parse import ParsedFile
from core.findings import Finding, kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Positions of the planes of a series.

    Attributes
    ----------
    axes : str
        Axes as the file names them, the axes of a page last.
    outer, inner : tuple of int
        Lengths of the axes before those of a page, and of the axes of a page.
    offset : int or None
        Position of the first pixel in the file in bytes, if the planes are contiguous.
    pages : sequence of tifffile.TiffPage, TiffFrame or None
        Pages otherwise; None for a missing page.
    certain : bool
        Whether the description agrees with the number of planes.
    findings : tuple of Finding
        Findings about missing planes, and about planes missing in the description.
    """

    axes: str
    outer: tuple[int, ...]
    inner: tuple[int, ...]
    offset: int | None
    pages: Sequence[Any]
    certain: bool = True
    findings: tuple[Finding, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.outer + self.inner


@dataclass(frozen=True, slots=True)
class _Found:
    """Planes in a file: contiguous from an offset, or one page each (None: missing)."""

    count: int
    offset: int | None = None
    pages: Sequence[Any] = ()
    cut: bool = False
    others: int = 0
    expected: int = 0


def find_layout(path: Path, parsed: ParsedFile, index: int) -> Layout:
    """Return the layout of the planes of a series.

    Raises
    ------
    QuietfieldError
        If the file ends before the end of its first plane, or stores planes in an unknown way.
    """
    file, series = parsed.file, parsed.series[index]
    page = series.keyframe
    about = tiff_meta.imagej_description(file, series) if len(parsed.series) == 1 else {}
    claim = described_by_imagej(about, page) if about else described_by_series(series)
    if claim is None:
        raise QuietfieldError(
            f"{path} stores its planes in a way that Quietfield cannot read ({series.shape} in pages of "
            f"{page.shape}). Open it in Fiji and save it as TIFF."
        )
    outer = len(claim.axes)  # JSON may rename the axes of pages
    letters, inner = (page.axes, page.shape) if about else (series.axes[outer:], series.shape[outer:])
    found = _found(parsed, series, claim, many=bool(about))
    if found.count == 0:
        raise QuietfieldError(
            f"{path} ends before its first plane does; it was cut off. Copy or export it again."
        )
    if found.expected > claim.planes and not about:
        claim = Claim(axes="I", lengths=(found.expected,))
    real, findings = _reconciled(claim, found)
    if scifio.KEY in about and "axes" in about and scifio_planes(about, page) is None:
        words = f"axes {about['axes']} of lengths {about.get('lengths', 'unknown')}"
        findings.append(Finding(kind=kinds.DESCRIPTION_UNFIT, details={"described": words}))
    pages = [*found.pages][: real.planes]
    if missing := sum(page is None for page in pages):
        findings.append(Finding(kind=kinds.PLANES_MISSING, value=missing, details={"total": real.planes}))
    others = found.others or _unused(parsed)
    if others:
        findings.append(Finding(kind=kinds.PAGES_LEFT_OUT, value=others))
    certain = not any(finding.kind is kinds.COUNTS_DIFFER for finding in findings)
    return Layout(
        axes=real.axes + letters, outer=real.lengths, inner=tuple(map(int, inner)), offset=found.offset,
        pages=pages, certain=certain, findings=tuple(findings),
    )  # fmt: skip


def _reconciled(claim: Claim, found: _Found) -> tuple[Claim, list[Finding]]:
    """Return the axes of the planes that are in a file, and findings on those that should be."""
    count, planes = found.count, claim.planes
    if count == planes:
        fewer = claim.images > count
        return claim, [Finding(kind=kinds.FEWER_PLANES, value=count, limit=claim.images)] if fewer else []
    if count > planes or count == claim.images:
        real = claim.with_planes(count) if count > planes else Claim(axes="I", lengths=(count,))
        if not claim.lengths and not claim.images:  # nothing is described
            return real, []
        details = {"described": claim.text}
        return real, [Finding(kind=kinds.COUNTS_DIFFER, value=count, limit=planes, details=details)]
    real = claim.with_planes(count)
    if found.cut or real.planes < count:
        cut = Finding(kind=kinds.CUT_SHORT, value=count, limit=planes, details={"opened": real.planes})
        return real, [cut]
    return real, [Finding(kind=kinds.FEWER_PLANES, value=count, limit=planes)]


def _found(parsed: ParsedFile, series: Any, claim: Claim, *, many: bool) -> _Found:
    """Return the planes of a series that are in a file.

    Parameters
    ----------
    parsed : ParsedFile
        The file.
    series : tifffile.TiffPageSeries
        The series.
    claim : Claim
        Planes that the file describes.
    many : bool
        Whether the file may have more pages than tifffile looked at.
    """
    file, page = parsed.file, series.keyframe
    size = file.filehandle.size
    alone = len(parsed.series) == 1 and not series.is_multifile and page.index == 0
    found = _Found(0)
    if series.dataoffset is not None and not series.is_multifile and series.dtype.kind != "b":
        offset = int(series.dataoffset)
        fits = (size - offset) // page.nbytes
        cut = fits < claim.planes and not (alone and len(file.pages) == fits)
        found = _Found(min(fits, claim.planes), offset, cut=cut)
        many = many and fits > claim.planes
    else:
        pages, planes = list(series), claim.planes
        if series.kind == "mmstack":
            # tifffile gives frames that are not in the file no bytes, and reads them as zeros
            pages = [None if page is not None and not any(page.databytecounts) else page for page in pages]
        elif series.kind == "lsm":  # tifffile takes all pages, and the axes that the description claims
            planes = max(planes, len(pages))
        found = _paged(pages, planes)
    if many and len(file.pages) > max(found.count, claim.planes):
        found = _more(file, found, max(found.count, claim.planes))
    if alone and series.kind in _IN_A_ROW and (found.count < claim.planes or series.kind in _PLAIN):
        row = broken_row(file)
        count = 0 if row is None else min(row.present, max(row.expected, claim.planes))
        if row is not None and count > found.count:
            found = _Found(count, row.offset, cut=True, expected=row.expected)
    return found


_PLAIN = ("uniform", "generic")
_IN_A_ROW = ("imagej", "ome", "shaped", *_PLAIN)


def _paged(listed: list[Any], planes: int) -> _Found:
    """Return the pages of a series whose pixels are in the file; pages missing at its end are not counted."""
    pages = [page if page is not None and _is_complete(page) else None for page in listed[:planes]]
    while pages and pages[-1] is None:
        pages.pop()
    return _Found(len(pages), pages=pages, cut=len(pages) < min(planes, len(listed)))


def _more(file: Any, found: _Found, planes: int) -> _Found:
    """Return all pages of a file that are equal to the first, where it has more than it describes."""
    file.pages.useframes = True
    file.pages.set_keyframe(0)
    first, count = file.pages.first, len(file.pages)
    same = next((k for k in range(planes, count) if not _is_like(file, k, first)), count)
    pages = [file.pages[k] for k in range(same)]
    ends = [first.dataoffsets[0] + k * first.nbytes for k in range(same)]
    if found.offset is not None and all(p.dataoffsets[0] == e for p, e in zip(pages, ends, strict=True)):
        fits = (file.filehandle.size - found.offset) // first.nbytes
        return _Found(min(same, fits), found.offset, others=count - same)
    listed = _paged(pages, same)
    return _Found(listed.count, pages=listed.pages, others=count - same)


def _is_like(file: Any, number: int, first: Any) -> bool:
    """Return whether a page has the size, type and compression of the first one."""
    try:
        return bool(file.pages.get(number, aspage=True).hash == first.hash)
    except Exception:  # foreign bytes: a page that cannot be parsed is not like it
        return False


def _is_complete(page: Any) -> bool:
    """Return whether the pixels of a page lie inside its file."""
    end = page.parent.filehandle.size
    return all(o + n <= end for o, n in zip(page.dataoffsets, page.databytecounts, strict=False))


def _unused(parsed: ParsedFile) -> int:
    """Return the number of full images in an OME-TIFF that its XML mentions nowhere."""
    file = parsed.file
    if any(series.kind != "ome" or series.is_multifile for series in parsed.series):
        return 0
    used = {page.index for series in parsed.series for page in series if page is not None}
    rest = set(range(len(file.pages))) - used
    return sum(not file.pages.get(k, aspage=True).is_reduced for k in rest)
