"""Reads pixels that are contiguous and uncompressed in a file, on demand."""

from __future__ import annotations

import math
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files.unchanged import Unchanged
from core.stack import Pixels, Region, region_shape

LEAST_BYTES = 2**16
"""Shorter runs of pixels are read together with the gaps between them."""

MOST_BYTES = 2**26
"""Largest gap that is read with them."""


class RawSource:
    """A contiguous array in a file.

    The file is read, not mapped into memory: if it is truncated while it is open, or its disk or network
    folder disappears, a read raises an error, but a memory map ends the program (SIGBUS).

    Parameters
    ----------
    path : Path
        The file; it is opened now, and closed when the source is no longer used.
    dtype : numpy.dtype
        Type of the pixels in the file, with its byte order.
    offset : int
        Place of the first pixel in the file, in bytes.
    shape : tuple of int
        Length of each axis; the last one varies fastest.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], offset: int, shape: tuple[int, ...]) -> None:
        self.path, self._stored, self._offset, self._shape = path, np.dtype(dtype), offset, shape
        self._file = path.open("rb", buffering=0)
        self._unchanged = Unchanged(path, self._file.fileno())
        self._lock = threading.Lock()
        weakref.finalize(self, self._file.close)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""
        return self._stored.newbyteorder("=")

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region.

        Raises
        ------
        QuietfieldError
            If the file was written or became shorter since it was opened, or can no longer be read.
        """
        shape = region_shape(region)
        out = np.empty(shape, self._stored)
        if out.size:
            self._gather(region, shape, out)
            self._unchanged.check()
        return out if self._stored.isnative else out.byteswap(inplace=True).view(self.dtype)

    def _gather(self, region: Region, shape: tuple[int, ...], out: Pixels) -> None:
        axes = len(shape)
        whole = axes  # axes from here on are read completely
        while whole > 0 and shape[whole - 1] == self._shape[whole - 1]:
            whole -= 1
        lead = max(whole - 1, 0)  # every index along the axes before this one is one run of pixels
        between = math.prod(shape[lead - 1 : lead]) * math.prod(self._shape[lead:]) * self._stored.itemsize
        if lead and math.prod(shape[lead:]) * self._stored.itemsize < LEAST_BYTES and between <= MOST_BYTES:
            lead -= 1
        rest = (slice(None), *region[lead + 1 :])
        strides = [math.prod(self._shape[a + 1 :]) for a in range(axes)]
        inner = (*shape[lead : lead + 1], *self._shape[lead + 1 :])
        for index in np.ndindex(*shape[:lead]):
            place = sum((s.start + i) * n for s, i, n in zip(region, index, strides, strict=False))
            place += region[lead].start * strides[lead] if axes else 0
            if inner == shape[lead:]:
                self._fill(place, out[index])
            else:
                run = np.empty(inner, self._stored)
                self._fill(place, run)
                out[index] = run[rest]

    def _fill(self, place: int, run: Pixels) -> None:
        """Fill a contiguous array with the pixels from `place` on, counted in pixels."""
        view = run.reshape(-1).view(np.uint8).data
        position = self._offset + place * self._stored.itemsize
        while view:
            try:
                count = self._some(position, view)
            except OSError as error:
                raise QuietfieldError(
                    f"{self.path} can no longer be read ({error.strerror or error}). See whether its disk or "
                    "network folder is still connected, and open it again."
                ) from error
            if count == 0:
                raise QuietfieldError(
                    f"{self.path} has become shorter since it was opened: another program has cut or "
                    "rewritten it. Open it again."
                )
            position, view = position + count, view[count:]

    def _some(self, position: int, view: memoryview) -> int:
        if hasattr(os, "preadv"):  # several threads at once
            return os.preadv(self._file.fileno(), [view], position)
        with self._lock:
            self._file.seek(position)
            return self._file.readinto(view) or 0
