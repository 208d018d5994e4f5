"""Reads the pixels of a TIFF series page by page, on demand."""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files.listening import damage, listening
from core.files.readers.tiff_parse import ParsedFile
from core.stack import ArraySource, Pixels, PixelSource, Region, region_shape

CACHE_BYTES = 64 * 2**20
"""Bytes of decoded pages that are cached; the last page always is."""

OPEN_FILES = 32
"""Files of one OME-TIFF that are open at the same time."""


class PageSource:
    """Pages of one TIFF series as an array with the axes of the series.

    Decoding happens under the lock of the file, which other series may be reading.

    Parameters
    ----------
    path : Path
        The file, for messages.
    parsed : ParsedFile
        The file the pages belong to.
    pages : sequence of tifffile.TiffPage, TiffFrame or None
        One for each index of the axes before those of the page; None reads as zeros.
    outer, inner : tuple of int
        Lengths of the axes before those of a page, and of the axes of a page.
    dtype : numpy.dtype
        Type of the pixels as they are read.
    """

    def __init__(
        self,
        path: Path,
        parsed: ParsedFile,
        pages: Sequence[Any],
        outer: tuple[int, ...],
        inner: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> None:
        self.path, self.pages = path, pages
        self._outer, self._inner, self._dtype = outer, inner, dtype
        self._parsed = parsed
        self._cache: OrderedDict[int, Pixels] = OrderedDict()
        self._cached = 0
        self._open: deque[Any] = deque()
        weakref.finalize(self, _close, self._open)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self._outer + self._inner

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""
        return self._dtype

    @property
    def missing(self) -> PixelSource | None:
        """Pixels of missing pages; see `core.stack.Stack.missing`."""
        lost = np.array([page is None for page in self.pages])
        if not lost.any():
            return None
        pages = lost.reshape(self._outer + (1,) * len(self._inner))
        return ArraySource(np.broadcast_to(pages, self.shape))

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region.

        Raises
        ------
        QuietfieldError
            If a page cannot be decoded.
        """
        outer, inner = region[: len(self._outer)], region[len(self._outer) :]
        out = np.empty(region_shape(region), self._dtype)
        for index in np.ndindex(*region_shape(outer)):
            place = [s.start + i for s, i in zip(outer, index, strict=True)]
            number = int(np.ravel_multi_index(place, self._outer)) if place else 0
            out[index] = self.page(number)[inner]
        return out

    def page(self, number: int) -> Pixels:
        """Return a whole page; it must not be modified."""
        with self._parsed.lock:
            if number in self._cache:
                self._cache.move_to_end(number)
                return self._cache[number]
            pixels = self._decode(number)
            self._cache[number] = pixels
            self._cached += pixels.nbytes
            while self._cached > CACHE_BYTES and len(self._cache) > 1:
                self._cached -= self._cache.popitem(last=False)[1].nbytes
            return pixels

    def _decode(self, number: int) -> Pixels:
        page = self.pages[number]
        if page is None:
            return np.broadcast_to(np.zeros((), self._dtype), self._inner)
        where = f"{self.path}, plane {number + 1} of {len(self.pages)},"
        try:
            with listening() as heard:
                self._hold_open(page.parent.filehandle)
                pixels = page.asarray(maxworkers=1).reshape(self._inner).astype(self._dtype, copy=False)
        except MemoryError as error:
            size = math.prod(self._inner) * self._dtype.itemsize
            raise QuietfieldError(
                f"{where} needs {size / 1e9:.1f} GB of memory, which this computer cannot give. "
                "Open a crop of it."
            ) from error
        except Exception as error:  # foreign bytes: whatever the decoder makes of them is input
            raise QuietfieldError(
                f"{where} cannot be decoded ({_words(error)}). The file is damaged or uses a compression "
                "that is not supported; copy it again, or open it in Fiji and save it as TIFF."
            ) from error
        self._parsed.stream.unchanged.check()
        if bad := damage(heard):
            raise QuietfieldError(f"{where} is damaged ({bad.cause}). Copy or export the file again.")
        return np.asarray(pixels)

    def _hold_open(self, handle: Any) -> None:
        """Open the file of a page if it is closed; close the one opened first if too many are open."""
        if not handle.closed:
            return
        handle.open()
        self._open.append(handle)
        if len(self._open) > OPEN_FILES:
            self._open.popleft().close()


def _close(handles: deque[Any]) -> None:
    while handles:
        handles.popleft().close()


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())[:160]
    return text or type(error).__name__
