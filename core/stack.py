"""A stack: lazily read pixels with named axes, and metadata."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.findings import Finding

_T = TypeVar("_T")

AXES = "TCZYX"
"""All possible axes in their fixed order: time, channel, depth, row, column."""

AXIS_NAMES = {"T": "time", "C": "channel", "Z": "depth", "Y": "row", "X": "column"}

Pixels = NDArray[Any]
Region = tuple[slice, ...]
"""One slice for each axis, with explicit start and stop, and step 1."""


class PixelSource(Protocol):
    """Source of pixels: an array, a memory map, the pages of a file, or a computation.

    A source of which parts are missing also has the attribute `missing`; see `Stack.missing`.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region; thread-safe."""


@dataclass(frozen=True, slots=True)
class ArraySource:
    """Source that reads from an array or memory map, which is never modified."""

    array: Pixels

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""
        return self.array.dtype.newbyteorder("=")

    def read(self, region: Region) -> Pixels:
        """Return a copy of the region, contiguous, in native byte order."""
        return np.array(self.array[region], dtype=self.dtype, order="C")


@dataclass(frozen=True, slots=True)
class CroppedSource:
    """Source that reads a region of another source."""

    source: PixelSource
    inside: Region

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return region_shape(self.inside)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in native byte order."""
        return self.source.dtype

    @property
    def missing(self) -> PixelSource | None:
        """Pixels missing from the file; see `Stack.missing`."""
        missing: PixelSource | None = getattr(self.source, "missing", None)
        return None if missing is None else CroppedSource(missing, self.inside)

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region, relative to the cropped region."""
        there = (slice(i.start + r.start, i.start + r.stop) for i, r in zip(self.inside, region, strict=True))
        return self.source.read(tuple(there))


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Metadata of a stack.

    Attributes
    ----------
    name : str
        Name of the stack; for a file, the file name without folder.
    path : Path or None
        File or folder of the stack.
    spacing : dict of str to float
        Distance between neighbours along ``"X"``, ``"Y"``, ``"Z"`` in micrometres and along
        ``"T"`` in seconds; only for axes whose spacing the file gives.
    channel_names : tuple of str
        A name for each channel, or empty.
    display_ranges : tuple of (float, float)
        Smallest and largest displayed intensity of each channel, or empty.
    luts : tuple of ndarray
        A look-up table (3, 256) uint8 for each channel, or empty.
    labels : tuple of str
        A label for each plane in the order of the file, or empty.
    format : str
        Name of the file format, such as "ImageJ TIFF".
    findings : tuple of Finding
        Findings about the file, such as missing planes or other series.
    axes_certain : bool
        False if the file does not specify the axis of its planes.
    unit : str
        Unit of the pixel size in the file, such as "µm" or "pixel".
    imagej : dict
        ImageJ metadata as read, for the round trip.
    ome_xml : str
        OME-XML as read, for the round trip.
    """

    name: str = "untitled"
    path: Path | None = None
    spacing: Mapping[str, float] = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    display_ranges: tuple[tuple[float, float], ...] = ()
    luts: tuple[NDArray[np.uint8], ...] = ()
    labels: tuple[str, ...] = ()
    format: str = ""
    findings: tuple[Finding, ...] = ()
    axes_certain: bool = True
    unit: str = ""
    imagej: Mapping[str, Any] = field(default_factory=dict)
    ome_xml: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Lazily read pixels with named axes.

    Parameters
    ----------
    source : PixelSource
        Source of the pixels.
    axes : str
        A subset of ``"TCZYX"`` in this order, ending in ``"YX"``, one letter for each axis.
    meta : Metadata
        Metadata.

    Raises
    ------
    QuietfieldError
        If the stack has no pixels.
    ValueError
        If the axes do not match the shape of the source.
    """

    source: PixelSource
    axes: str
    meta: Metadata = field(default_factory=Metadata)
    _attached: dict[type, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        good = self.axes.endswith("YX") and self.axes == "".join(a for a in AXES if a in self.axes)
        if not good or len(self.axes) != len(self.source.shape):
            raise ValueError(f"axes {self.axes!r} do not fit shape {self.source.shape}")
        if math.prod(self.source.shape) == 0:
            raise QuietfieldError(f"{self.meta.name} holds no pixels; there is nothing to open in it.")

    @classmethod
    def of(cls, array: Pixels, axes: str, meta: Metadata | None = None, **known: Any) -> Stack:
        """Wrap an array; `known` are fields of `Metadata`."""
        return cls(ArraySource(array), axes, meta or Metadata(**known))

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.source.dtype

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis by its letter."""
        return dict(zip(self.axes, self.shape, strict=True))

    @property
    def missing(self) -> PixelSource | None:
        """Pixels of planes missing from the file, as a source of booleans; None if none are missing."""
        found: PixelSource | None = getattr(self.source, "missing", None)
        return found

    @property
    def nbytes(self) -> int:
        """Size of all pixels in bytes, in their own type."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def planes(self) -> int:
        """Number of planes (rows by columns) in the stack."""
        return math.prod(self.shape[:-2])

    def region(self, **only: slice | int) -> Region:
        """Return the full region, restricted by axis: ``region(T=3, X=slice(0, 64))``."""
        found = []
        for axis, size in self.sizes.items():
            want = only.get(axis, slice(None))
            if isinstance(want, int):
                want = slice(want, want + 1)
            start, stop, _ = want.indices(size)
            found.append(slice(start, max(start, stop)))
        return tuple(found)

    def read(self, region: Region | None = None) -> Pixels:
        """Return the pixels of a region (by default all) in their own type, one axis for each letter."""
        return self.source.read(self.region() if region is None else region)

    def plane(self, **at: int) -> Pixels:
        """Return one plane (Y, X), at index 0 of unnamed axes: ``plane(T=3)``."""
        index = {axis: slice(i, i + 1) for axis, i in ((a, at.get(a, 0)) for a in self.axes[:-2])}
        pixels = self.read(self.region(**index))
        return pixels.reshape(pixels.shape[-2:])

    def attached(self, kind: type[_T], make: Callable[[], _T]) -> _T:
        """Return the object of a type that belongs to these pixels, such as the survey of their noise.

        Stacks with the same pixels and other metadata share it; regions and other axes have their own. It
        is not pickled with the stack.

        Parameters
        ----------
        kind : type
            Type of the object.
        make : callable
            Makes it when it is first asked for; cheap, as several threads may call it at once, and one object
            is kept.
        """
        if kind not in self._attached:
            self._attached.setdefault(kind, make())
        known: _T = self._attached[kind]
        return known

    def crop(self, region: Region) -> Stack:
        """Return a region as a stack; no pixels are read."""
        meta = self.meta if region == self.region() else self._cropped(region)
        return Stack(CroppedSource(self.source, region), self.axes, meta)

    def _cropped(self, region: Region) -> Metadata:
        """Return the metadata of a region, without what describes the planes of the whole stack."""
        part = region[self.axes.index("C")] if "C" in self.axes else slice(None)
        return dataclasses.replace(
            self.meta, labels=(), imagej={}, ome_xml="", channel_names=self.meta.channel_names[part],
            display_ranges=self.meta.display_ranges[part], luts=self.meta.luts[part],
        )  # fmt: skip

    def replace(self, **changes: Any) -> Stack:
        """Return a stack with the same pixels and other metadata; `changes` are fields of `Metadata`."""
        return Stack(self.source, self.axes, dataclasses.replace(self.meta, **changes), self._attached)

    def __reduce__(self) -> tuple[type[Stack], tuple[PixelSource, str, Metadata]]:
        """Pickle the stack without attached objects."""
        return Stack, (self.source, self.axes, self.meta)


def region_shape(region: Region) -> tuple[int, ...]:
    """Return the length of each axis of a region."""
    return tuple(s.stop - s.start for s in region)


def channel_of(region: Region, axes: str) -> int:
    """Return the channel of a single plane's region; 0 without channels."""
    return int(region[axes.index("C")].start) if "C" in axes else 0


def middle(part: slice | int, most: int, step: int = 1) -> slice:
    """Return the central part of a slice, at most `most` long, at an offset that is a multiple of `step`."""
    whole = slice(0, part) if isinstance(part, int) else part
    start = whole.start + max(0, whole.stop - whole.start - most) // 2 // step * step
    return slice(start, min(start + most, whole.stop))


def plane_regions(shape: Sequence[int]) -> list[Region]:
    """Return the regions of all planes, in the order of the file."""
    rest = tuple(slice(0, n) for n in shape[-2:])
    return [(*(slice(i, i + 1) for i in index), *rest) for index in np.ndindex(*shape[:-2])]
