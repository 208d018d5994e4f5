"""Opens TIFF files of every kind as stacks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import QuietfieldError
from core.files import tiff_meta
from core.files.axes import arrange, rearranged
from core.files.listening import damage, listening
from core.files.page_source import PageSource
from core.files.raw_source import RawSource
from core.files.tiff_parse import check_claim, parse
from core.files.tiff_pixels import pixels
from core.stack import Metadata, PixelSource, Stack


def open_tiff(path: Path, series: int = 0) -> Stack:
    """Open one series of a TIFF file; its pixels are read when asked for.

    Raises
    ------
    QuietfieldError
        If the file is damaged, or holds nothing that can be a stack.
    """
    with _reading(path), listening() as heard:
        file, found, notes = parse(path)
        try:
            return _stack(path, file, found, series, heard, notes)
        except BaseException:
            file.close()
            raise


def describe_series(path: Path) -> tuple[str, ...]:
    """A line on each series of a TIFF file: its axes, shape, type of pixels, and name."""
    with _reading(path), listening():
        file, found, _ = parse(path)
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


def _stack(path: Path, file: Any, found: list[Any], index: int, heard: list[str], notes: list[str]) -> Stack:
    if not 0 <= index < len(found):
        raise QuietfieldError(f"{path} has no series {index}; there are {len(found)}, numbered from 0.")
    series = found[index]
    dtype = series.dtype
    if dtype is None or dtype.kind not in "uifb":
        what = "complex numbers" if dtype is not None and dtype.kind == "c" else "pixels of an unknown type"
        cure = " Save their magnitude instead." if what.startswith("complex") else ""
        raise QuietfieldError(f"{path} holds {what}, which Quietfield cannot show.{cure}")
    shape = tuple(map(int, series.shape))
    if math.prod(shape) == 0 or not shape:
        raise QuietfieldError(f"{path} holds an image without pixels {shape}; it is damaged.")
    check_claim(path, file, series)
    raw, axes, cut = pixels(path, file, series)
    notes += cut
    notes += _damage_notes(heard, notes)
    arrangement = arrange(axes, raw.shape)
    source = rearranged(raw, arrangement.groups)
    letters = "".join(arrangement.groups)
    sizes = dict(zip(letters, source.shape, strict=True))
    known = tiff_meta.describe(file, series, index, path, letters, sizes)
    notes += _count_notes(file, series, sizes) if not notes else []
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
    if isinstance(raw, RawSource):
        file.close()
    return stack


def _probe(stack: Stack, raw: PixelSource) -> None:
    """Decode a plane that is there, to be sure that the others can be read."""
    if isinstance(raw, PageSource):
        raw.page(next(i for i, page in enumerate(raw.pages) if page is not None))
    else:
        stack.plane()


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
