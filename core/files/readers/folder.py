"""Reads the files in a folder as one stack."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files import imagej
from core.files.axes import Rearranged
from core.files.readers.base import Peeking, Series
from core.files.readers.registry import Readers
from core.findings import Finding, kinds
from core.paths import is_folder
from core.progress import Context
from core.stack import AXES, Pixels, PixelSource, Region, Stack, region_shape

OPEN_FILES = 16
"""Files of a folder that are open at the same time."""


class FilesSource:
    """Pixels of equal stacks in many files, concatenated along a new first axis."""

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

    @property
    def missing(self) -> PixelSource:
        """Which pixels the files lack."""
        return _Missing(self)

    def missing_in(self, region: Region) -> Pixels:
        """Return which pixels of a region the files lack, as an array of bool."""
        out = np.zeros(region_shape(region), bool)
        for i in range(region[0].start, region[0].stop):
            missing = self._stack(i).missing
            if missing is not None:
                out[i - region[0].start] = missing.read(region[1:])
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


@dataclass(frozen=True, slots=True)
class _Missing:
    """Source of the pixels that files lack."""

    files: FilesSource

    @property
    def shape(self) -> tuple[int, ...]:
        return self.files.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(bool)

    def read(self, region: Region) -> Pixels:
        return self.files.missing_in(region)


def check_equal(
    path: Path, shape: Sequence[int], dtype: np.dtype[Any], wanted: Sequence[int], kind: np.dtype[Any]
) -> None:
    """Check that a file has the same shape and type as the first one.

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


class FolderReader:
    """Reads a folder of equal images as one stack.

    Parameters
    ----------
    readers : Readers
        Open the files in the folder.
    """

    name = "folder"
    endings = ()
    priority = -20

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def supports(self, path: Path, head: bytes) -> bool:  # noqa: ARG002
        """Return whether a path is a folder."""
        return is_folder(path)

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:
        """List the series of the first file, each with time as its first axis.

        A series that is spread over all files of the folder, or lies in its only file, is listed as it is.
        """
        if path.is_symlink() and path.parent.resolve().is_relative_to(path.resolve()):
            raise QuietfieldError(f"{path} is a link to the folder that holds it. Name the folder itself.")
        files = self._readers.files_in(path)
        return tuple(
            series
            if len(files) == 1 or series.covers(files)
            else dataclasses.replace(
                series, path=path, axes="T" + series.axes, shape=(len(files), *series.shape),
                origin=(files, series),
            )
            for series in self._readers.series(files[0], context)
        )  # fmt: skip

    def open(self, series: Series) -> Stack:
        """Open a series of every file, one after the other in time."""
        files, first = series.origin
        stack = self._readers.find(files[0]).open(first)
        return self.join(files, stack, series.index, series.path)

    def join(
        self,
        files: Sequence[Path],
        first: Stack,
        series: int,
        folder: Path,
        context: Context | None = None,
    ) -> Stack:
        """Join files of equal shape to one stack, in the order given.

        Parameters
        ----------
        files : sequence of Path
            At least one file.
        first : Stack
            The first of them, opened.
        series : int
            Index of the series to open in the other files.
        folder : Path
            Folder that the stack is named after.
        context : Context, optional
            Progress and cancellation.
        """
        if len(files) == 1:
            return first
        wanted = self._peek(files[0])
        context = context or Context()
        for done, path in enumerate(files[1:], 1):
            context.step(done / len(files), path.name)
            found = self._peek(path)
            if found is not None and wanted is not None:
                check_equal(path, *found, *wanted)
        readers = self._readers
        source = FilesSource(files, lambda path: readers.open(readers.series(path), series), first)
        # Time runs over the files, and within each file over its time points.
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
            format=f"{first.meta.format} sequence", imagej=imagej.of_several(first.meta.imagej),
        )  # fmt: skip
        return Stack(Rearranged(source, groups), "".join(groups), meta)

    def _peek(self, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
        """Return shape and type of the first plane of a file; None if its reader cannot tell quickly."""
        reader = self._readers.find(path)
        if not isinstance(reader, Peeking):
            return None
        try:
            return reader.peek(path)
        except Exception as error:
            raise QuietfieldError(
                f"{path} cannot be read as {reader.name} ({error}). Take it out of the folder, or export it "
                "again."
            ) from error
