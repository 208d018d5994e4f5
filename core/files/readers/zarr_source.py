"""Reads the pixels of a Zarr array on demand, and knows which of its chunks are not stored."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import stored
from core.errors import QuietfieldError
from core.files.readers.missing import Missing
from core.progress import Context
from core.stack import Pixels, PixelSource, Region, region_shape

MOST_CHUNKS = 10**6
"""Chunks that are looked up when an array is opened; of more, none is known to be missing."""

KEPT_BYTES = 64 * 2**20
"""Most bytes of pixels that are kept of chunks with several planes."""


class ZarrSource:
    """Pixels of a Zarr array in a folder.

    Parameters
    ----------
    path : Path
        The Zarr, for messages.
    array : zarr.Array
        The array.
    folder : Path
        Folder of the array.
    context : Context
        Cancels looking up the chunks.
    """

    def __init__(self, path: Path, array: Any, folder: Path, context: Context) -> None:
        self.path, self._array, self._folder = path, array, folder
        self._stored = tuple(map(int, array.shards or array.chunks))
        self.grid = tuple(math.ceil(n / c) for n, c in zip(array.shape, self._stored, strict=True))
        self._present = _present(array, folder, self.grid, context)
        self._lock = threading.Lock()
        self._kept: tuple[Region, Pixels] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(map(int, self._array.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""
        found: np.dtype[Any] = np.dtype(self._array.dtype).newbyteorder("=")
        return found

    @property
    def fill(self) -> Any:
        """Value of the pixels whose chunks are not stored."""
        return self._array.fill_value

    @property
    def lost(self) -> int:
        """Number of chunks that are not stored; of a sharded array, of shards."""
        return 0 if self._present is None else int((~self._present).sum())

    @property
    def missing(self) -> PixelSource | None:
        """Pixels whose chunks are not stored; see `core.stack.Stack.missing`."""
        return Missing(self) if self.lost else None

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region.

        Planes in the same chunks are decoded together and kept, since they are often read one by one.

        Raises
        ------
        QuietfieldError
            If a chunk cannot be read or decoded, or is no longer there.
        """
        wider = self._wider(region)
        if wider == tuple(region):
            return self._load(region)
        with self._lock:
            if self._kept is None or not _covers(self._kept[0], region):
                self._kept = wider, self._load(wider)
            kept, pixels = self._kept
        inside = tuple(slice(s.start - k.start, s.stop - k.start) for s, k in zip(region, kept, strict=True))
        return pixels[inside].copy()

    def _wider(self, region: Region) -> Region:
        """Return a region with further planes of the same chunks, as many as may be kept."""
        found = list(region)
        size = math.prod(region_shape(region)) * self.dtype.itemsize
        for axis in reversed(range(len(found) - 2)):
            part, step = found[axis], int(self._array.chunks[axis])
            length = part.stop - part.start
            start, stop = part.start // step * step, min(-(-part.stop // step) * step, self.shape[axis])
            most = length * (KEPT_BYTES // max(size, 1))
            if stop - start > most:
                start, stop = part.start, min(stop, part.start + most)
            if stop - start > length:
                found[axis] = slice(start, stop)
                size = size // length * (stop - start)
        return tuple(found)

    def _load(self, region: Region) -> Pixels:
        try:
            pixels = np.asarray(self._array[region]).astype(self.dtype, copy=False)
        except MemoryError as error:
            raise QuietfieldError(f"{self.path} needs more memory than this computer can give.") from error
        except Exception as error:  # foreign bytes: whatever a codec makes of them is input
            words = stored.shorten(" ".join(str(error).split())) or type(error).__name__
            raise QuietfieldError(
                f"A chunk of {self.path} cannot be read ({words}). It is damaged, or its disk or network "
                "folder is no longer connected; copy the Zarr again."
            ) from error
        for index in self._chunks(region):
            if self._present is None or self._present[index]:
                self._check(index)
        return pixels.reshape(region_shape(region))

    def missing_in(self, region: Region) -> NDArray[np.bool_]:
        """Return which pixels of a region are in chunks that are not stored."""
        if self._present is None:
            return np.zeros(region_shape(region), bool)
        places = (np.arange(s.start, s.stop) // n for s, n in zip(region, self._stored, strict=True))
        return np.asarray(~self._present[np.ix_(*places)])

    def _chunks(self, region: Region) -> Iterator[tuple[int, ...]]:
        first = [s.start // n for s, n in zip(region, self._stored, strict=True)]
        counts = [-(-s.stop // n) - f for s, n, f in zip(region, self._stored, first, strict=True)]
        for index in np.ndindex(*counts):
            yield tuple(f + i for f, i in zip(first, index, strict=True))

    def _check(self, index: tuple[int, ...]) -> None:
        """Check that a chunk is there: the library reads the fill value where it vanished."""
        file = self._folder / self._array.metadata.encode_chunk_key(index)
        if self._present is not None and not file.exists():
            raise QuietfieldError(
                f"{file} has vanished since {self.path} was opened. See whether its disk or network folder "
                "is still connected, and open it again."
            )


def _covers(kept: Region, region: Region) -> bool:
    return all(k.start <= s.start and s.stop <= k.stop for k, s in zip(kept, region, strict=True))


def _present(array: Any, folder: Path, grid: tuple[int, ...], context: Context) -> NDArray[np.bool_] | None:
    """Return which chunks are stored; None if there are too many to look."""
    if math.prod(grid) > MOST_CHUNKS:
        return None
    stored: set[str] = set()
    for base, _, files in os.walk(folder):
        context.check()
        inside = os.path.relpath(base, folder).replace(os.sep, "/")
        stored.update(name if inside == "." else f"{inside}/{name}" for name in files)
    found = np.zeros(grid, bool)
    for count, index in enumerate(np.ndindex(*grid)):
        if count % 1000 == 0:
            context.check()
        found[index] = array.metadata.encode_chunk_key(index) in stored
    return found
