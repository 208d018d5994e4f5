"""Reads the pixels of HDF5 datasets on demand."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import stored
from core.errors import QuietfieldError
from core.stack import Pixels, Region, region_shape


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

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self._outer + self._inner

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""
        found: np.dtype[Any] = np.dtype(self._datasets[0].dtype).newbyteorder("=")
        return found

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region.

        Raises
        ------
        QuietfieldError
            If they cannot be read or decoded.
        """
        out = np.empty(region_shape(region), self.dtype)
        outer, inner = region[: len(self._outer)], region[len(self._outer) :]
        for index in np.ndindex(*region_shape(outer)):
            place = [s.start + i for s, i in zip(outer, index, strict=True)]
            number = int(np.ravel_multi_index(place, self._outer)) if place else 0
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
