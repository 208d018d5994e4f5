"""Writes stacks as ImageJ TIFF, OME-TIFF or OME-Zarr, a few planes at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core import __version__
from core.errors import QuietfieldError
from core.files import imagej_writing, ome, recipes, zarr_writing
from core.files.atomic import Draft, Taken, check_room, writing
from core.files.atomic_folder import writing_folder
from core.files.convert import Converter, writable
from core.files.listening import listening
from core.files.readers.registry import Readers
from core.files.readers.tiff import TiffReader
from core.files.readers.zarr import MARKS, ZarrReader
from core.findings import Finding, kinds
from core.level import Level, Shifted
from core.paths import OME_ENDINGS, TIFF_ENDINGS, ZARR_ENDINGS, is_folder, split_ending, there
from core.progress import Context
from core.stack import Pixels, Region, Stack

Format = Literal["imagej", "ome", "zarr", "zarr-sharded"]
"""ImageJ TIFF, OME-TIFF, and OME-Zarr, in which many chunks may lie in one file (sharded)."""

FOLDERS: tuple[Format, ...] = ("zarr", "zarr-sharded")
"""Formats that are folders."""

SLAB_BYTES = 64 * 2**20
"""Bytes of pixels that are read at a time."""

CLASSIC_BYTES = 2**32 - 2**25
"""Largest TIFF with offsets of 32 bits, less room for its directories."""

CREATOR = f"Quietfield {__version__}"

_READERS = Readers(TiffReader(), ZarrReader())


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """Result of saving a stack.

    Attributes
    ----------
    path : Path
        The file.
    dtype : str
        Type of its pixels.
    format : {"imagej", "ome", "zarr", "zarr-sharded"}
        Its format.
    clipped : int
        Pixels that lay outside the range of the type and were set to its limit.
    total : int
        All pixels.
    findings : tuple of Finding
        Pixels that did not fit into the type, and a type that the format does not know.
    """

    path: Path
    dtype: str
    format: Format
    clipped: int
    total: int
    findings: tuple[Finding, ...] = ()


def save_stack(
    path: Path,
    stack: Stack,
    *,
    format: Format | None = None,
    dtype: str | None = None,
    recipe: str = "",
    context: Context | None = None,
    taken: Taken = "refuse",
) -> Saved:
    """Write a stack with its metadata as TIFF or OME-Zarr, whole or not at all.

    Parameters
    ----------
    path : Path
        The file; its name ends in .tif, .tiff or .zarr.
    stack : Stack
        The stack; its pixels are read a few planes at a time.
    format : {"imagej", "ome", "zarr", "zarr-sharded"}, optional
        By default OME-Zarr where the name ends in .zarr, OME-TIFF where it ends in .ome.tif, else ImageJ
        TIFF; OME-TIFF too for pixels whose noise the types of ImageJ would lose.
    dtype : str, optional
        Type of the pixels in the file; the stack's by default. Integers are rounded half to even and
        clipped, and what was clipped is counted. A type the format does not know is replaced by the
        nearest that loses least, and a finding says so.
    recipe : str
        Recipe to embed, as JSON.
    context : Context, optional
        Progress and cancellation.
    taken : {"refuse", "replace", "rename"}
        What to do if the name is taken; the file the stack was read from is never replaced.

    Returns
    -------
    Saved
        Written file.

    Raises
    ------
    QuietfieldError
        If the file cannot be written; nothing is left behind then, and what was there is unchanged.
    """
    path, context = Path(path), context or Context()
    form = format or _form(path)
    kind, findings = writable(dtype or stack.dtype.name, form)
    if format is None and _is_rounded(stack, dtype or stack.dtype.name, kind):
        form, wanted = "ome", dtype or stack.dtype.name
        kind, findings = writable(wanted, form)
        details = {"format": "ImageJ", "wanted": wanted, "written": f"OME-TIFF with {kind.name}"}
        findings += (Finding(kind=kinds.TYPE_REPLACED, details=details),)
    _check_target(path, stack)
    _check_space(path, stack, kind, form)
    convert = Converter(kind)
    context.step(0.0, f"Saving {path.name}")
    with _writing(path, taken, form) as draft, listening():
        ends = _write(draft.part, stack, form, convert, recipe, context.part(0.0, 0.98))
        context.step(0.98, f"Checking {path.name}")
        _verify(draft.part, path, stack, kind, ends)
        context.check()
    context.step(1.0, f"Saved {draft.path.name}")
    return Saved(
        path=draft.path, dtype=kind.name, format=form, clipped=convert.clipped, total=convert.total,
        findings=findings + convert.findings(),
    )  # fmt: skip


@contextmanager
def _writing(path: Path, taken: Taken, form: Format) -> Iterator[Draft]:
    with writing_folder(path, taken, MARKS) if form in FOLDERS else writing(path, taken) as draft:
        yield draft


def _form(path: Path) -> Format:
    ending = split_ending(path)[1].lower()
    if ending in ZARR_ENDINGS:
        return "zarr"
    if ending not in TIFF_ENDINGS + OME_ENDINGS:
        raise QuietfieldError(
            f"{path.name} does not end in {TIFF_ENDINGS[0]}, {OME_ENDINGS[0]} or {ZARR_ENDINGS[0]}; "
            "Quietfield writes TIFF and OME-Zarr. Change the name."
        )
    return "ome" if ending in OME_ENDINGS else "imagej"


def _is_rounded(stack: Stack, wanted: str, kind: np.dtype[Any]) -> bool:
    """Return whether float32, which replaces a type, would lose the noise of a stack on a large offset."""
    if kind.name == wanted or kind != np.float32:
        return False
    return isinstance(stack.source, Shifted) or Level.of(stack).value != 0


def _check_target(path: Path, stack: Stack) -> None:
    if not there(path):
        return
    source = stack.meta.path
    if source is not None and there(source):
        beside = {source.parent / name for name in ome.companions(stack.meta.ome_xml)}
        used = path.samefile(source) or (is_folder(source) and path.parent.samefile(source))
        used = used or any(path.samefile(p) for p in source.resolve().parents)  # an image within a Zarr
        if any(there(source / mark) for mark in MARKS):  # or a Zarr within the one that was opened
            used = used or any(source.samefile(p) for p in path.resolve().parents)
        if used or any(there(p) and path.samefile(p) for p in beside):
            raise QuietfieldError(
                f"{path} is a file the stack was opened from; originals are never overwritten. "
                "Choose another name."
            )


def _check_space(path: Path, stack: Stack, dtype: np.dtype[Any], form: Format) -> None:
    pixels = math.prod(stack.shape) * dtype.itemsize
    lower = pixels // 3 if form in FOLDERS and max(stack.shape[-2:]) > zarr_writing.SMALLEST else 0
    check_room(path, pixels + lower + stack.planes * 512 + 2**20)


def slabs(stack: Stack, order: str, limit: int = SLAB_BYTES) -> Iterator[Region]:
    """Yield regions of whole planes, of about `limit` bytes at most or of one plane.

    Parameters
    ----------
    stack : Stack
        The stack.
    order : str
        Axes of its planes, slowest first.
    limit : int
        Bytes of float32 pixels in one region.
    """
    sizes = stack.sizes
    plane = sizes["Y"] * sizes["X"] * 4
    cut = len(order)  # axes from here on are read whole
    while cut > 0 and plane * math.prod(sizes[a] for a in order[cut - 1 :]) <= limit:
        cut -= 1
    chunk = max(limit // (plane * math.prod(sizes[a] for a in order[cut:])), 1)
    if cut == 0:
        yield stack.region()
        return
    for index in np.ndindex(*(sizes[a] for a in order[: cut - 1])):
        outer = {a: int(i) for a, i in zip(order, index, strict=False)}
        axis = order[cut - 1]
        for start in range(0, sizes[axis], chunk):
            stop = min(start + chunk, sizes[axis])
            yield stack.region(**outer, **{axis: slice(start, stop)})


def _planes(
    stack: Stack, order: str, convert: Converter, context: Context, ends: list[Pixels]
) -> Iterator[Pixels]:
    """Yield the planes of a stack in the given order of axes; store the first and the last in `ends`."""
    moved = [stack.axes.index(a) for a in order + "YX"]
    done = 0
    for region in slabs(stack, order):
        context.check()
        slab = stack.read(region).transpose(moved)
        for index in np.ndindex(*slab.shape[:-2]):
            plane = np.ascontiguousarray(convert(slab[index]))
            ends[:] = [ends[0] if ends else plane.copy(), plane]
            yield plane
            done += 1
            context.step(done / stack.planes, f"Saving plane {done} of {stack.planes}")


def _write(
    part: Path, stack: Stack, form: Format, convert: Converter, recipe: str, context: Context
) -> list[Pixels]:
    order = "".join(a for a in ("TZC" if form == "imagej" else "TCZ") if a in stack.axes)
    ends: list[Pixels] = []
    planes = _planes(stack, order, convert, context, ends)
    if form in FOLDERS:
        zarr_writing.write_zarr(
            part, stack, convert.dtype, planes, order, sharded=form == "zarr-sharded", recipe=recipe,
            creator=CREATOR, context=context.part(0.9, 1.0),
        )  # fmt: skip
        return ends
    import tifffile

    size = math.prod(stack.shape) * convert.dtype.itemsize + stack.planes * 512
    large = size > CLASSIC_BYTES
    shape: tuple[int, ...]
    options: dict[str, Any]
    if form == "imagej":
        # all six axes of ImageJ: without them tifffile takes planes of one pixel for a row of pixels
        shape = tuple(stack.sizes.get(a, 1) for a in "TZCYXS")
        options = imagej_writing.write_options(stack, convert.dtype, recipes.history(recipe))
        options["truncate"] = large  # ImageJ's own layout past 4 GB: one directory, planes in one piece
    else:
        options = {
            "ome": False, "metadata": None, "bigtiff": large,
            "description": ome.write_xml(stack, convert.dtype, recipe, CREATOR),
        }  # fmt: skip
        shape = (stack.planes, *stack.shape[-2:])
        if "X" in stack.meta.spacing:
            x, y = stack.meta.spacing["X"], stack.meta.spacing.get("Y", stack.meta.spacing["X"])
            options |= {"resolution": (1e4 / x, 1e4 / y), "resolutionunit": "CENTIMETER"}
    with part.open("w+b") as file:  # tifffile would leave its own open when the disk is full
        tifffile.imwrite(
            file,
            planes,
            shape=shape,
            dtype=convert.dtype,
            photometric="minisblack",
            software=CREATOR,
            **options,
        )
    return ends


def _verify(part: Path, path: Path, stack: Stack, dtype: np.dtype[Any], ends: list[Pixels]) -> None:
    """Read back what was written: axes, shape, type, and the first and last plane."""
    found = _READERS.open(_READERS.series(part))
    wanted = {a: n for a, n in stack.sizes.items() if n > 1 or a in "YX"}
    last = found.plane(**{a: n - 1 for a, n in found.sizes.items() if a not in "YX"})
    good = found.sizes == wanted and found.dtype == dtype
    same = good and all(
        np.array_equal(a, b, equal_nan=dtype.kind == "f")
        for a, b in zip((found.plane(), last), ends, strict=True)
    )
    if not same:
        raise QuietfieldError(
            f"{path} was not written correctly: reading it back gave {found.sizes} of {found.dtype} instead "
            f"of {wanted} of {dtype}. The disk may be failing; save to another one."
        )
