"""Reads planes on demand that a file stores as tiles, usually one for each plane."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import stored
from core.errors import QuietfieldError
from core.files.readers.missing import Missing
from core.files.readers.stream import FileStream
from core.stack import Pixels, PixelSource, Region, region_shape

CACHE_BYTES = 64 * 2**20
"""Bytes of decoded tiles that are cached; the last tile always is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A rectangle of a plane.

    Attributes
    ----------
    top, left : int
        Row and column of its first pixel.
    height, width : int
        Number of its rows and columns.
    key : object
        Tells the decoder where its pixels are; hashable.
    """

    top: int = 0
    left: int = 0
    height: int
    width: int
    key: Any

    def place(self, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """Return its first and last row and column within a plane."""
        bottom, right = min(self.top + self.height, shape[0]), min(self.left + self.width, shape[1])
        return max(self.top, 0), bottom, max(self.left, 0), right

    def shared(self, rows: slice, columns: slice) -> tuple[Region, Region] | None:
        """Return what it shares with a region, as rows and columns of the region and of the tile."""
        top, bottom = max(self.top, rows.start), min(self.top + self.height, rows.stop)
        left, right = max(self.left, columns.start), min(self.left + self.width, columns.stop)
        if top >= bottom or left >= right:
            return None
        here = (
            slice(top - rows.start, bottom - rows.start),
            slice(left - columns.start, right - columns.start),
        )
        return here, (slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left))


class TileSource:
    """Planes of tiles as an array; later tiles of a plane cover earlier ones.

    Parameters
    ----------
    path : Path
        The file, for messages.
    stream : FileStream
        The file, to notice that another program writes it.
    outer : tuple of int
        Lengths of the axes before rows and columns.
    inner : tuple of int
        Numbers of rows and columns, and lengths of the axes of a pixel, such as colours.
    dtype : numpy.dtype
        Type of the pixels.
    tiles : sequence of sequence of Tile
        Tiles of each plane, in the order of `outer`; pixels outside of tiles are missing.
    decode : callable
        Returns the pixels of a tile by its key, in an array of rows, columns, and the axes of a pixel.
    lock : threading.RLock
        Held while a tile is decoded; sources of one file share it.
    """

    def __init__(
        self,
        path: Path,
        stream: FileStream,
        outer: tuple[int, ...],
        inner: tuple[int, ...],
        dtype: np.dtype[Any],
        tiles: Sequence[Sequence[Tile]],
        decode: Callable[[Any], Pixels],
        lock: threading.RLock,  # type: ignore[valid-type, unused-ignore]
    ) -> None:
        self.path, self._stream, self._tiles, self._decode = path, stream, tiles, decode
        self._outer, self._inner, self._dtype = outer, inner, dtype.newbyteorder("=")
        self._lock: Any = lock
        self._cache: OrderedDict[Any, Pixels] = OrderedDict()
        self._cached = 0
        self._lost: int | None = None

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
        """Pixels outside of all tiles; see `core.stack.Stack.missing`."""
        return None if self.missing_pixels() == 0 else Missing(self)

    def missing_planes(self) -> int:
        """Return the number of planes without any tile."""
        return sum(not tiles for tiles in self._tiles)

    def missing_pixels(self) -> int:
        """Return the number of pixels, counted along rows and columns, that lie outside of all tiles."""
        if self._lost is None:
            self._lost = self._count_missing()
        return self._lost

    def _count_missing(self) -> int:
        known: dict[tuple[tuple[int, int, int, int], ...], int] = {}
        total = 0
        for tiles in self._tiles:
            places = tuple((t.top, t.left, t.height, t.width) for t in tiles)
            if places not in known:
                known[places] = math.prod(self._inner[:2]) - _covered(tiles, self._inner[:2])
            total += known[places]
        return total

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region; missing ones are 0.

        Raises
        ------
        QuietfieldError
            If a tile cannot be read or decoded.
        """
        out = np.zeros(region_shape(region), self._dtype)
        outer, (rows, columns, *rest) = region[: len(self._outer)], region[len(self._outer) :]
        for index, number in numbered(outer, self._outer):
            plane = out[index]
            for tile in self._tiles[number]:
                if shared := tile.shared(rows, columns):
                    here, there = shared
                    plane[here] = self._pixels(tile, number)[(*there, *rest)]
        return out

    def missing_in(self, region: Region) -> Pixels:
        """Return which pixels of a region are missing, as an array of bool."""
        out = np.ones(region_shape(region), bool)
        outer, (rows, columns, *_) = region[: len(self._outer)], region[len(self._outer) :]
        for index, number in numbered(outer, self._outer):
            plane = out[index]
            for tile in self._tiles[number]:
                if shared := tile.shared(rows, columns):
                    plane[shared[0]] = False
        return out

    def _pixels(self, tile: Tile, number: int) -> Pixels:
        with self._lock:
            if tile.key in self._cache:
                self._cache.move_to_end(tile.key)
                return self._cache[tile.key]
            pixels = self._checked(tile, number)
            self._cache[tile.key] = pixels
            self._cached += pixels.nbytes
            while self._cached > CACHE_BYTES and len(self._cache) > 1:
                self._cached -= self._cache.popitem(last=False)[1].nbytes
            return pixels

    def _checked(self, tile: Tile, number: int) -> Pixels:
        """Return the decoded pixels of a tile, which must have its size."""
        where = f"{self.path}, plane {number + 1} of {len(self._tiles)},"
        try:
            pixels = np.asarray(self._decode(tile.key))
            wanted = (tile.height, tile.width, *self._inner[2:])
            if pixels.shape != wanted:
                pixels = pixels.reshape(wanted)
        except QuietfieldError:
            raise
        except MemoryError as error:
            raise QuietfieldError(f"{where} needs more memory than this computer can give.") from error
        except OSError as error:
            raise QuietfieldError(
                f"{where} can no longer be read ({error}). See whether the files that belong to it are there "
                "and its disk or network folder is still connected, and open it again."
            ) from error
        except Exception as error:  # foreign bytes: whatever a decoder makes of them is input
            raise QuietfieldError(
                f"{where} cannot be decoded ({_words(error)}). The file is cut off, damaged or of a newer "
                "kind; copy or export it again."
            ) from error
        self._stream.unchanged.check()
        return pixels.astype(self._dtype, copy=False)


def numbered(outer: Region, lengths: tuple[int, ...]) -> list[tuple[tuple[int, ...], int]]:
    """Return the index in a region of the outer axes, and the number in the file, of each of its parts."""
    found = []
    for index in np.ndindex(*region_shape(outer)):
        place = [s.start + i for s, i in zip(outer, index, strict=True)]
        found.append((index, int(np.ravel_multi_index(place, lengths)) if place else 0))
    return found


def _covered(tiles: Sequence[Tile], shape: tuple[int, ...]) -> int:
    """Return the number of pixels that lie in at least one tile."""
    places = [place for tile in tiles if (place := tile.place(shape))[0] < place[1] and place[2] < place[3]]
    if len(places) < 2:
        return sum((bottom - top) * (right - left) for top, bottom, left, right in places)
    rows = np.unique([edge for place in places for edge in place[:2]])
    columns = np.unique([edge for place in places for edge in place[2:]])
    grid = np.zeros((len(rows) - 1, len(columns) - 1), bool)
    for top, bottom, left, right in places:
        first, last = np.searchsorted(rows, (top, bottom))
        start, stop = np.searchsorted(columns, (left, right))
        grid[first:last, start:stop] = True
    return int((np.diff(rows)[:, None] * np.diff(columns)[None, :])[grid].sum())


def _words(error: Exception) -> str:
    return stored.shorten(" ".join(str(error).split())) or type(error).__name__
