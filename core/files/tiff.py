"""Opens TIFF files of every kind as stacks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files import ome, tiff_meta
from core.files.axes import arrange, rearranged
from core.files.listening import damage, listening
from core.files.page_source import PageSource
from core.stack import ArraySource, Metadata, PixelSource, Stack

MOST_PLANES = 10_000_000
"""Planes one file may claim; more are nonsense, and the list of them alone would fill the memory."""

MOST_EXPANSION = 20_000
"""How many times larger than the file compressed pixels of more than a gigabyte may claim to be."""


def open_tiff(path: Path, series: int = 0) -> Stack:
    """Open one series of a TIFF file; its pixels are read when asked for.

    Raises
    ------
    QuietfieldError
        If the file is damaged, or holds nothing that can be a stack.
    """
    with _reading(path), listening() as heard:
        file, found = _parse(path)
        try:
            return _stack(path, file, found, series, heard)
        except BaseException:
            file.close()
            raise


def describe_series(path: Path) -> tuple[str, ...]:
    """A line on each series of a TIFF file: its axes, shape, type of pixels, and name."""
    with _reading(path), listening():
        file, found = _parse(path)
        with file:
            return tuple(_line(s) for s in found)


def _line(series: Any) -> str:
    shape = " x ".join(map(str, series.shape))
    name = f" ({series.name})" if series.name else ""
    return f"{series.axes} {shape}, {series.dtype}{name}"


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever a parser makes of foreign bytes into a sentence."""
    try:
        yield
    except QuietfieldError:
        raise
    except MemoryError as error:
        raise QuietfieldError(
            f"{path} claims more planes than fit into memory; it is damaged or too large for this computer."
        ) from error
    except Exception as error:
        words = " ".join(str(error).split())[:160] or type(error).__name__
        raise QuietfieldError(
            f"{path} cannot be read as TIFF ({words}). It is damaged or not a TIFF; copy or export it again."
        ) from error


def _parse(path: Path) -> tuple[Any, list[Any]]:
    """Open a file and find its series, with less trust in its metadata if need be."""
    import tifffile

    failure: Exception | None = None
    for distrust in (
        {},
        {"is_mmstack": False},
        {"is_mmstack": False, "is_ome": False, "is_scanimage": False},
    ):
        file: Any = tifffile.TiffFile(path, **distrust)  # type: ignore[arg-type]
        try:
            if file.is_ome and ome.claimed_planes(file.ome_metadata or "") > MOST_PLANES:
                raise QuietfieldError(f"{path} claims more planes than a file can hold; it is damaged.")
            found = list(file.series)
            if not found and len(file.pages) == 0:
                raise QuietfieldError(f"{path} holds no image: it was cut off, or never completely written.")
            if found:
                return file, found
        except QuietfieldError:
            file.close()
            raise
        except Exception as error:  # one family's parser failed; the pages may still be read plainly
            failure = error
        file.close()
    raise failure or QuietfieldError(f"{path} holds no image that can be opened.")


def _stack(path: Path, file: Any, found: list[Any], index: int, heard: list[str]) -> Stack:
    if not 0 <= index < len(found):
        raise QuietfieldError(f"{path} has no series {index}; there are {len(found)}, numbered from 0.")
    series = found[index]
    dtype = series.dtype
    if dtype is None or dtype.kind not in "uifb":
        what = "complex numbers" if dtype is not None and dtype.kind == "c" else "pixels of an unknown type"
        cure = " Save their magnitude instead." if what.startswith("complex") else ""
        raise QuietfieldError(f"{path} holds {what}, which Quietfield cannot show.{cure}")
    shape, axes = tuple(map(int, series.shape)), str(series.axes)
    if math.prod(shape) == 0 or not shape:
        raise QuietfieldError(f"{path} holds an image without pixels {shape}; it is damaged.")
    _check_claim(path, file, series)
    out = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    notes: list[str] = []
    mapped = _mapped(path, file, series)
    raw: ArraySource | PageSource
    if mapped is not None:
        raw = mapped
    else:
        raw, notes = _paged(path, file, series, out)
    notes += _damage_notes(heard, notes)
    arrangement = arrange(axes, raw.shape)
    source = rearranged(raw, arrangement.groups)
    letters = "".join(arrangement.groups)
    sizes = dict(zip(letters, source.shape, strict=True))
    known = tiff_meta.describe(file, series, index, path, letters, sizes)
    notes += _count_notes(file, series, sizes)
    notes += [*arrangement.notes, *known.pop("notes")]
    if len(series.levels) > 1:
        notes.append(f"The file holds {len(series.levels)} resolutions; the full one was opened.")
    if len(found) > 1:
        others = "; ".join(f"{i}: {_line(s)}" for i, s in enumerate(found[:8]))
        more = "; ..." if len(found) > 8 else ""
        notes.append(
            f"The file holds {len(found)} series, of which number {index} was opened: {others}{more}."
        )
    known["axes_certain"] = known.get("axes_certain", True) and arrangement.certain
    stack = Stack(source, letters, Metadata(notes=tuple(notes), **known))
    _probe(stack, raw)
    if mapped is not None:
        file.close()
    return stack


def _probe(stack: Stack, raw: PixelSource) -> None:
    """Decode a plane that is there, to be sure that the others can be read."""
    if isinstance(raw, PageSource):
        raw.page(next(i for i, page in enumerate(raw.pages) if page is not None))
    else:
        stack.plane()


def _check_claim(path: Path, file: Any, series: Any) -> None:
    """Refuse files that claim to hold far more than they can, before anything is allocated for it."""
    page = series.keyframe
    claimed = math.prod(series.shape) * series.dtype.itemsize
    files = {p.parent.filehandle.name: p.parent.filehandle for p in _pages(series) if p is not None}
    there = sum(handle.size for handle in files.values()) or file.filehandle.size
    one = math.prod(page.shape) * series.dtype.itemsize
    compressed = int(page.compression) != 1
    if compressed:
        nonsense = max(one, claimed * _present(series)) > max(2**30, there * MOST_EXPANSION)
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


def _mapped(path: Path, file: Any, series: Any) -> ArraySource | None:
    """Memory map of a series that lies in the file in one uncompressed piece, else None."""
    if series.is_multifile or series.dtype.kind == "b" or series.dataoffset is None:
        return None
    if series.dataoffset + math.prod(series.shape) * series.dtype.itemsize > file.filehandle.size:
        return None
    dtype = series.dtype.newbyteorder(file.byteorder)
    array = np.memmap(path, dtype, "r", offset=series.dataoffset, shape=tuple(map(int, series.shape)))
    return ArraySource(array)


def _paged(path: Path, file: Any, series: Any, dtype: np.dtype[Any]) -> tuple[PageSource, list[str]]:
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
    notes = []
    if missing:
        rest = count // outer[0] if outer else 1
        whole = missing[0] // rest
        if missing == list(range(missing[0], count)) and whole > 0:
            notes.append(
                f"The file is cut short: of {count} planes only {missing[0]} are there. The first "
                f"{whole * rest} were opened; copy or export the file again to get the rest."
            )
            outer, pages = (whole, *outer[1:]), pages[: whole * rest]
        else:
            notes.append(
                f"Of {count} planes {len(missing)} are missing; they show as 0. If the stack lies in "
                "several files, put them all into one folder; else copy or export it again."
            )
    return PageSource(path, file, pages, outer, inner, dtype), notes


def _complete(page: Any) -> bool:
    """Whether the pixels of a page lie inside its file."""
    end = page.parent.filehandle.size
    return all(o + n <= end for o, n in zip(page.dataoffsets, page.databytecounts, strict=False))


def _damage_notes(heard: list[str], notes: list[str]) -> list[str]:
    found = damage(heard)
    if not found:
        return []
    lost = [m[1] for text in found if (m := re.search(r"failed to read '([^']+)'", text))]
    if lost:
        return [f"{lost[0]}, which belongs to this OME-TIFF, is missing or cannot be read."]
    if notes:
        return []
    if any("page offset" in text or "out of range" in text or "is missing" in text for text in found):
        return ["The file seems to be cut short: only the planes that are there were opened."]
    words = re.sub(r"<[^>]*> ?", "", found[0])[:120]
    return [f"The file is damaged in places ({words}); look at the planes before you trust them."]


def _count_notes(file: Any, series: Any, sizes: dict[str, int]) -> list[str]:
    """Say when ImageJ's description counts more images than the file holds."""
    if not file.is_imagej or series.kind == "ome":
        return []
    about = file.imagej_metadata or {}
    try:
        claimed = int(about.get("images", 1))
    except (TypeError, ValueError):
        return []
    there = math.prod(n for a, n in sizes.items() if a not in "YX")
    if claimed <= there:
        return []
    return [
        f"The file was written for {claimed} images but holds {there}: it was cut off, or is one part of "
        "a larger stack."
    ]
