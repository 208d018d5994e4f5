"""Parses TIFF files, and refuses those that claim more pixels than they can hold."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import QuietfieldError
from core.files import ome
from core.files.listening import listening
from core.files.readers.tiff_stream import TiffStream
from core.findings import Finding, kinds
from core.progress import Context

MOST_PLANES = 10_000_000
"""Most planes that a file may claim; a list of more would fill the memory."""

MOST_EXPANSION = 20_000
"""Largest compression ratio that is believed for more than 256 MiB of pixels."""


class ParsedFile:
    """A parsed TIFF file; it is closed when neither a series nor a stack needs it any more.

    Attributes
    ----------
    stream : TiffStream
        The open file.
    file : tifffile.TiffFile
        What tifffile makes of it.
    series : list of tifffile.TiffPageSeries
        Its series, at least one.
    findings : tuple of Finding
        Findings about missing parts.
    heard : list of str
        Messages that tifffile logged while parsing the file.
    lock : threading.RLock
        Held by those who read from the open file.
    """

    def __init__(self, stream: TiffStream, file: Any, series: list[Any], *findings: Finding) -> None:
        self.stream, self.file, self.series, self.findings = stream, file, series, findings
        self.heard: list[str] = []
        self.lock = threading.RLock()
        weakref.finalize(self, _close, file, stream)


def _close(file: Any, stream: TiffStream) -> None:
    file.close()
    stream.close()


def parse(path: Path, context: Context) -> ParsedFile:
    """Open a file and find its series; if a parser fails, try again without that parser.

    Raises
    ------
    QuietfieldError
        If it holds no image, or claims absurdly much.
    Exception
        Whatever the parser makes of bytes that are no TIFF, or of a cancellation.
    """
    stream = TiffStream(path, context)
    try:
        with listening() as heard:
            parsed = _parse(path, stream)
    except BaseException:
        stream.close()
        raise
    if stream.circular:
        cause = "the list of planes leads back to one of them"
        parsed.findings += (Finding(kind=kinds.DAMAGED, details={"cause": cause}),)
    if stream.cut:
        cause = "the file ends within the list of planes"
        parsed.findings += (Finding(kind=kinds.DAMAGED, details={"cause": cause}),)
    parsed.heard += heard
    return parsed


def _parse(path: Path, stream: TiffStream) -> ParsedFile:
    failure: Exception | None = None
    for distrust in (
        {},
        {"is_mmstack": False},
        {"is_mmstack": False, "is_ome": False, "is_scanimage": False},
    ):
        file = _open(stream, **distrust)
        try:
            if file.is_ome:
                _check_ome(path, file.ome_metadata or "", stream)
            found = list(file.series)
            if not found and len(file.pages) == 0:
                raise QuietfieldError(f"{path} holds no image: it was cut off, or never completely written.")
            if found:
                cause = f"its description cannot be read: {_words(failure)}"
                doubt = Finding(kind=kinds.DAMAGED, details={"cause": cause})
                return ParsedFile(stream, file, found, *([] if failure is None else [doubt]))
        except QuietfieldError:
            file.close()
            raise
        except Exception as error:  # one family's parser failed; the pages may still be read plainly
            failure = error
        file.close()
    file = _open(stream)
    try:
        if pages := _whole_pages(file):
            import tifffile

            first, count = pages[0], len(pages)
            series = tifffile.TiffPageSeries(
                pages, (count, *first.shape), first.dtype, "I" + first.axes, parent=file, kind="generic"
            )
            return ParsedFile(stream, file, [series], _why(failure, count, len(file.pages)))
        raise failure or QuietfieldError(f"{path} holds no image that can be opened.")
    except BaseException:
        file.close()
        raise


def _open(stream: TiffStream, **distrust: bool) -> Any:
    import tifffile

    stream.seek(0)
    return tifffile.TiffFile(stream, **distrust)  # type: ignore[arg-type]


def _check_ome(path: Path, xml: str, stream: TiffStream) -> None:
    """Refuse OME-XML that claims absurdly much, or belongs to files whose directories have no end."""
    if ome.claimed_planes(xml) > MOST_PLANES:
        raise QuietfieldError(f"{path} claims more planes than a file can hold; it is damaged.")
    for name in ome.companions(xml):
        beside = path.parent / Path(name).name
        if beside.name != path.name and beside.is_file():
            with TiffStream(beside, stream.context) as other:
                if other.circular:
                    raise QuietfieldError(
                        f"{beside}, which belongs to {path.name}, is damaged: its list of planes leads back "
                        "to one of them. Copy or export it again."
                    )


def _why(failure: Exception | None, count: int, pages: int) -> Finding:
    """Return why a file was read page by page: it is cut off, or its description makes no sense."""
    if failure is None or count < pages:
        return Finding(kind=kinds.INCOMPLETE, value=count)
    return Finding(kind=kinds.DAMAGED, details={"cause": _words(failure)})


def _words(error: Exception | None) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _whole_pages(file: Any) -> list[Any]:
    """Return the pages from the start of a file that can be parsed and have the same shape and type."""
    pages: list[Any] = []
    try:
        for number in range(len(file.pages)):
            page = file.pages[number]
            if pages and (page.shape, page.dtype) != (pages[0].shape, pages[0].dtype):
                break
            pages.append(page)
    except Exception:  # the rest of a file that was cut off
        return pages
    return pages


def check_claim(path: Path, file: Any, series: Any) -> None:
    """Refuse a file that claims far more pixels than it can hold, before memory is allocated for them."""
    page = series.keyframe
    claimed = math.prod(series.shape) * series.dtype.itemsize
    files = {p.parent.filehandle.name: p.parent.filehandle for p in _pages(series) if p is not None}
    there = sum(handle.size for handle in files.values()) or file.filehandle.size
    one = math.prod(page.shape) * series.dtype.itemsize
    compressed = int(page.compression) != 1
    if compressed:
        nonsense = max(one, claimed * _present(series)) > max(2**28, there * MOST_EXPANSION)
    else:
        bits = math.prod(page.shape) * min(page.bitspersample, 8 * page.dtype.itemsize)
        nonsense = bits // 8 > there and not page.is_subsampled
    if nonsense or math.prod(series.shape) // max(math.prod(page.shape), 1) > MOST_PLANES:
        raise QuietfieldError(
            f"{path} claims to hold {_amount(claimed)} of pixels ({' x '.join(map(str, series.shape))}) "
            f"but is only {_amount(there)} long. It was cut off or is damaged; copy or export it again."
        )


def _pages(series: Any) -> Iterator[Any]:
    # one page of a contiguous series stands for all of them
    return iter(()) if series.dataoffset is not None else iter(series)


def _present(series: Any) -> float:
    pages = list(_pages(series))
    return sum(p is not None for p in pages) / len(pages) if pages else 1.0


def _amount(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
