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
from core.findings import Finding, kinds
from core.stack import Metadata, PixelSource, Stack


def open_tiff(path: Path, series: int = 0) -> Stack:
    """Open one series of a TIFF file; its pixels are read when asked for.

    Raises
    ------
    QuietfieldError
        If the file is damaged, or holds nothing that can be a stack.
    """
    with _reading(path), listening() as heard:
        file, found, findings = parse(path)
        try:
            return _stack(path, file, found, series, heard, findings)
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


def _stack(
    path: Path, file: Any, found: list[Any], index: int, heard: list[str], findings: list[Finding]
) -> Stack:
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
    findings += cut
    arrangement = arrange(axes, raw.shape)
    source = rearranged(raw, arrangement.groups)
    letters = "".join(arrangement.groups)
    sizes = dict(zip(letters, source.shape, strict=True))
    known = tiff_meta.describe(file, series, index, path, letters, sizes)
    planes = math.prod(n for a, n in sizes.items() if a not in "YX")
    findings += _damage(heard, planes, noticed=bool(findings))
    findings += _fewer(file, series, planes) if not findings else []
    findings += [*arrangement.findings, *known.pop("findings")]
    if len(series.levels) > 1:
        findings.append(Finding(kind=kinds.MORE_RESOLUTIONS, value=len(series.levels)))
    if len(found) > 1:
        lines = [f"{i}: {_line(s)}" for i, s in enumerate(found[:8])] + ["..."] * (len(found) > 8)
        findings.append(
            Finding(
                kind=kinds.MORE_SERIES, value=len(found),
                details={"opened": index, "series": "; ".join(lines)},
            )
        )  # fmt: skip
    known["axes_certain"] = known.get("axes_certain", True) and arrangement.certain
    stack = Stack(source, letters, Metadata(findings=tuple(findings), **known))
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


def _damage(heard: list[str], planes: int, *, noticed: bool) -> list[Finding]:
    """Return what the parser logged of damage, unless missing planes were noticed already."""
    found = damage(heard)
    lost = [m[1] for text in found if (m := re.search(r"failed to read '([^']+)'", text))]
    if lost:
        return [Finding(kind=kinds.PART_MISSING, details={"file": lost[0]})]
    if noticed or not found:
        return []
    if any("page offset" in text or "out of range" in text or "is missing" in text for text in found):
        return [Finding(kind=kinds.INCOMPLETE, value=planes)]
    cause = re.sub(r"<[^>]*> ?", "", found[0])[:120]
    return [Finding(kind=kinds.DAMAGED, details={"cause": cause})]


def _fewer(file: Any, series: Any, planes: int) -> list[Finding]:
    """Return a finding where ImageJ's description counts more images than the file holds."""
    if not file.is_imagej or series.kind == "ome":
        return []
    about = file.imagej_metadata or {}
    try:
        claimed = int(about.get("images", 1))
    except (TypeError, ValueError):
        return []
    return [Finding(kind=kinds.FEWER_PLANES, value=planes, limit=claimed)] if claimed > planes else []
