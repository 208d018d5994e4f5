"""Opens many files of one kind as one stack."""

from __future__ import annotations

import dataclasses
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files.axes import Rearranged
from core.files.page_source import PageSource
from core.findings import Finding, kinds
from core.paths import TIFF_ENDINGS
from core.stack import AXES, Metadata, Pixels, Region, Stack, region_shape

STACK_ENDINGS = (*TIFF_ENDINGS, ".btf", ".tf2", ".tf8", ".lsm", ".stk")
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg")

OPEN_FILES = 16
"""Files of a folder that are open at once."""


def natural_key(path: Path) -> tuple[Any, ...]:
    """Order file names as people do: plane2 before plane10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return tuple((1, int(p), p) if p.isdigit() else (0, 0, p) for p in parts)


def images_in(folder: Path) -> list[Path]:
    """Image files of a folder in natural order, without hidden ones.

    Raises
    ------
    QuietfieldError
        If there are none, or both TIFF files and pictures.
    """
    try:
        names = sorted((p for p in folder.iterdir() if not p.name.startswith(".")), key=natural_key)
    except OSError as error:
        raise QuietfieldError(
            f"{folder} cannot be read ({error.strerror}). Check the permissions of the folder."
        ) from error
    for suffixes in (STACK_ENDINGS, PICTURE_ENDINGS):
        found = [p for p in names if p.suffix.lower() in suffixes and p.is_file()]
        if found:
            return found
    raise QuietfieldError(f"{folder} holds no TIFF, PNG or JPEG files. Choose the folder with the images.")


class FilesSource:
    """Equal stacks in many files, one after the other along a new first axis."""

    def __init__(self, files: Sequence[Path], opener: Callable[[Path], Stack], first: Stack) -> None:
        self._files, self._opener = tuple(files), opener
        self._axes, self._shape, self._dtype = first.axes, first.shape, first.dtype
        self._open: OrderedDict[int, Stack] = OrderedDict({0: first})
        self._lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return (len(self._files), *self._shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self._dtype

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region."""
        out = np.empty(region_shape(region), self._dtype)
        for i in range(region[0].start, region[0].stop):
            out[i - region[0].start] = self._stack(i).read(region[1:])
        return out

    def _stack(self, number: int) -> Stack:
        with self._lock:
            if number not in self._open:
                stack = self._opener(self._files[number])
                check_equal(self._files[number], stack.shape, stack.dtype, self._shape, self._dtype)
                self._open[number] = stack
                while len(self._open) > OPEN_FILES:
                    self._open.popitem(last=False)
            self._open.move_to_end(number)
            return self._open[number]


def check_equal(
    path: Path, shape: Sequence[int], dtype: np.dtype[Any], wanted: Sequence[int], kind: np.dtype[Any]
) -> None:
    """Refuse a file that does not fit the first one.

    Raises
    ------
    QuietfieldError
        If shape or type of the pixels differ.
    """
    if tuple(shape) != tuple(wanted) or dtype != kind:
        raise QuietfieldError(
            f"{path} has {' x '.join(map(str, shape))} pixels of type {dtype}, but the files before it "
            f"have {' x '.join(map(str, wanted))} of type {kind}. All must be equal: move this one."
        )


def open_files(
    files: Sequence[Path],
    opener: Callable[[Path], Stack],
    header: Callable[[Path], tuple[tuple[int, ...], np.dtype[Any]] | None],
    folder: Path,
) -> Stack:
    """Open files of equal shape as one stack, in the order given.

    Parameters
    ----------
    files : sequence of Path
        At least one file.
    opener : callable
        Opens one of them.
    header : callable
        Gives shape and type of the first page of a file quickly, or None where it cannot.
    folder : Path
        What to call the stack after.
    """
    first = opener(files[0])
    if len(files) == 1 or _covers(first, files):
        return first
    wanted = header(files[0])
    for path in files[1:]:
        found = header(path)
        if found is not None and wanted is not None:
            check_equal(path, *found, *wanted)
    source = FilesSource(files, opener, first)
    # The files follow each other in time; time points inside the files follow on within each.
    places = {a: i + 1 for i, a in enumerate(first.axes)}
    groups = {
        a: (0, *((places["T"],) if "T" in places else ())) if a == "T" else (places[a],)
        for a in AXES
        if a == "T" or a in places
    }
    ends = {"first": files[0].name, "last": files[-1].name}
    findings = (Finding(kind=kinds.FILE_SEQUENCE, value=len(files), details=ends), *first.meta.findings)
    meta = dataclasses.replace(
        first.meta, name=folder.name, path=folder, axes_certain=False, findings=findings, ome_xml="",
        labels=tuple(p.stem for p in files) if first.planes == 1 else (),
        format=f"{first.meta.format} sequence", imagej=_without_counts(first.meta),
    )  # fmt: skip
    return Stack(Rearranged(source, groups), "".join(groups), meta)


def _without_counts(meta: Metadata) -> dict[str, Any]:
    gone = {"images", "channels", "slices", "frames", "Labels"}
    return {k: v for k, v in meta.imagej.items() if k not in gone}


def _covers(stack: Stack, files: Sequence[Path]) -> bool:
    """Whether a stack is an OME-TIFF spread over just these files."""
    source: Any = stack.source
    while isinstance(source, Rearranged):
        source = source.base
    if not isinstance(source, PageSource):
        return False
    used = {Path(p.parent.filehandle.path).name for p in source.pages if p is not None}
    return len(used) > 1 and {p.name for p in files} <= used
