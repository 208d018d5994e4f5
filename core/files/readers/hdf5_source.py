"""Reads the pixels of HDF5 datasets on demand, and knows which of their chunks were never written."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import stored
from core.errors import QuietfieldError
from core.files.readers.missing import Missing
from core.files.readers.tiles import numbered
from core.paths import there
from core.stack import Pixels, PixelSource, Region, region_shape

MOST_CHUNKS = 10**6
"""Chunks of a dataset that are looked up; of more, none is known to be missing."""


class OpenFile:
    """An HDF5 file that is closed when no source reads it any more.

    Parameters
    ----------
    file : h5py.File
        The open file.

    Attributes
    ----------
    lock : threading.RLock
        Held while a dataset is read.
    """

    def __init__(self, file: Any) -> None:
        self.lock = threading.RLock()
        weakref.finalize(self, file.close)


class DatasetSource:
    """Pixels of one or several equal datasets, which differ along the first axes.

    Parameters
    ----------
    path : Path
        The file, for messages.
    datasets : sequence of h5py.Dataset
        In the order of the outer axes.
    outer : tuple of int
        Lengths of the axes along which the datasets differ.
    inner : tuple of int
        Lengths of the axes of a dataset that are read; it may be longer.
    opened : OpenFile
        The file, which is kept open.
    """

    def __init__(
        self,
        path: Path,
        datasets: Sequence[Any],
        outer: tuple[int, ...],
        inner: tuple[int, ...],
        opened: OpenFile,
    ) -> None:
        self._path, self._datasets, self._outer, self._inner = path, datasets, outer, inner
        self._opened = opened
        self._chunks = tuple(map(int, datasets[0].chunks or datasets[0].shape))
        self._written: list[NDArray[np.bool_] | None] = [None] * len(datasets)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self._outer + self._inner

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""
        found: np.dtype[Any] = np.dtype(self._datasets[0].dtype).newbyteorder("=")
        return found

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of chunks along each axis of a dataset."""
        return tuple(math.ceil(n / c) for n, c in zip(self._inner, self._chunks, strict=True))

    @property
    def total(self) -> int:
        """Number of chunks of all datasets."""
        return len(self._datasets) * math.prod(self.grid)

    @property
    def lost(self) -> int:
        """Number of chunks that were never written."""
        return sum(int((~written).sum()) for written in self._written if written is not None)

    @property
    def fill(self) -> Any:
        """Value of the pixels whose chunks were never written."""
        return self._datasets[0].fillvalue

    @property
    def missing(self) -> PixelSource | None:
        """Pixels whose chunks were never written; see `core.stack.Stack.missing`."""
        return Missing(self) if self.lost else None

    def look_up(self) -> None:
        """Find the chunks that were never written, and the files of virtual datasets.

        Raises
        ------
        QuietfieldError
            If a file that holds pixels of a virtual dataset is missing: HDF5 reads zeros instead.
        """
        with self._opened.lock:
            for dataset in self._datasets:
                _check_files(self._path, dataset)
            self._written = [_written(one, self.grid, self._chunks) for one in self._datasets]

    def missing_in(self, region: Region) -> Pixels:
        """Return which pixels of a region are in chunks that were never written."""
        out = np.zeros(region_shape(region), bool)
        outer, inner = region[: len(self._outer)], region[len(self._outer) :]
        places = [np.arange(s.start, s.stop) // n for s, n in zip(inner, self._chunks, strict=True)]
        for index, number in numbered(outer, self._outer):
            written = self._written[number]
            if written is not None:
                out[index] = ~written[np.ix_(*places)]
        return out

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region.

        Raises
        ------
        QuietfieldError
            If they cannot be read or decoded.
        """
        out = np.empty(region_shape(region), self.dtype)
        outer, inner = region[: len(self._outer)], region[len(self._outer) :]
        for index, number in numbered(outer, self._outer):
            try:
                with self._opened.lock:
                    out[index] = self._datasets[number][inner]
            except MemoryError as error:
                raise QuietfieldError(f"{self._path} needs more memory than there is.") from error
            except Exception as error:  # foreign bytes: whatever the library makes of them is input
                words = stored.shorten(" ".join(str(error).split())) or type(error).__name__
                raise QuietfieldError(
                    f"{self._path} cannot be read ({words}). It is damaged, or its disk or network folder is "
                    "no longer connected; copy it again."
                ) from error
        return out


def _check_files(path: Path, dataset: Any) -> None:
    """Check that the files of a virtual dataset are there, where HDF5 looks for them."""
    if not dataset.is_virtual:
        return
    for name in sorted({str(source.file_name) for source in dataset.virtual_sources()}):
        places = (path.parent / name, path.parent / Path(name).name, Path(name))
        if name != "." and "%" not in name and not any(there(place) for place in places):
            raise QuietfieldError(
                f"{path} takes pixels from the file {name}, which is missing. Copy it into the same folder."
            )


def _written(dataset: Any, grid: tuple[int, ...], chunks: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Return which chunks of a dataset were written; None if all were, or it has too many to look."""
    if dataset.is_virtual or math.prod(grid) > MOST_CHUNKS:
        return None
    if dataset.chunks is None:
        return None if dataset.id.get_storage_size() else np.zeros(grid, bool)
    found = np.zeros(grid, bool)

    def note(stored: Any) -> None:
        place = tuple(int(start) // n for start, n in zip(stored.chunk_offset, chunks, strict=True))
        if all(k < n for k, n in zip(place, grid, strict=True)):
            found[place] = True

    dataset.id.chunk_iter(note)
    return None if found.all() else found
