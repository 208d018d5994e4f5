"""Reads from the description of a TIFF series how many planes there should be, and along which axes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.files import scifio

_ORDERS = {"czt": "TZC", "ctz": "ZTC", "zct": "TCZ", "ztc": "CTZ", "tcz": "ZCT", "tzc": "CZT"}
_COUNTS = {"T": "frames", "Z": "slices", "C": "channels"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Planes that a file describes.

    Attributes
    ----------
    axes : str
        Axes along which the planes lie, slowest first, without axes of length 1.
    lengths : tuple of int
        Length of each of them.
    images : int
        Number of images that the description counts; 0 if it counts none.
    """

    axes: str
    lengths: tuple[int, ...]
    images: int = 0

    @property
    def planes(self) -> int:
        """Number of planes along all axes."""
        return math.prod(self.lengths)

    @property
    def text(self) -> str:
        """Axes and their lengths in words."""
        return " x ".join(f"{n} {a}" for a, n in zip(self.axes, self.lengths, strict=True)) or "a single one"

    def with_planes(self, count: int) -> Claim:
        """Return a claim of as many planes as there are, or of some fewer.

        Too few planes shorten the slowest axis to whole blocks; too many extend it. If that is not possible,
        the planes get one axis of unknown meaning (I).
        """
        if count < self.planes:
            return self._shortened(count)
        inner = math.prod(self.lengths[1:])
        if self.lengths and count % inner == 0:
            return Claim(axes=self.axes, lengths=(count // inner, *self.lengths[1:]))
        return Claim(axes="I", lengths=(count,))

    def _shortened(self, count: int) -> Claim:
        lengths: list[int] = []
        for position in range(len(self.lengths)):
            inner = math.prod(self.lengths[position + 1 :])
            if count >= inner:
                lengths += [count // inner, *self.lengths[position + 1 :]]
                break
            lengths.append(1)
        return _without_ones(self.axes, lengths)


def described_by_imagej(about: Mapping[str, Any], page: Any) -> Claim:
    """Return what ImageJ's description claims, or SCIFIO's lists of axes in it.

    Parameters
    ----------
    about : dict
        ImageJ's metadata of the file.
    page : tifffile.TiffPage
        Its first page.
    """
    images = _count(about, "images")
    lengths = {axis: max(_count(about, key), 1) for axis, key in _COUNTS.items()}
    separate, interleaved = page.shaped[0], page.shaped[4]
    # Bio-Formats counts the samples of a pixel as channels
    if lengths["C"] == separate > 1 or (
        lengths["C"] == interleaved and images in (0, lengths["T"] * lengths["Z"])
    ):
        lengths["C"] = 1
    if (listed := scifio_planes(about, page)) is not None:
        axes = "".join(axis.letter for axis in listed)
        return _without_ones(axes, [axis.length for axis in listed], images)
    if images > 1 == math.prod(lengths.values()):
        return Claim(axes="I", lengths=(images,), images=images)
    order = _ORDERS.get(str(about.get("order", "czt")).lower(), "TZC")
    return _without_ones(order, [lengths[axis] for axis in order], images)


def scifio_planes(about: Mapping[str, Any], page: Any) -> tuple[scifio.Axis, ...] | None:
    """Return SCIFIO's axes of the planes of a file, slowest first; None if they do not fit the pages."""
    sizes = dict(zip(page.axes.replace("S", "C"), page.shape, strict=True))
    found = scifio.axes(about)
    if not all(any(a.letter == axis and a.length == size for a in found) for axis, size in sizes.items()):
        return None
    return tuple(axis for axis in reversed(found) if axis.letter not in sizes)


def described_by_series(series: Any) -> Claim | None:
    """Return the axes before those of a page, as tifffile reads them; None if pages do not fit in them."""
    shape = tuple(map(int, series.shape))
    size = math.prod(series.keyframe.shape)
    cut = next((k for k in range(len(shape) + 1) if math.prod(shape[k:]) == size), None)
    if cut is None:
        return None
    return Claim(axes=series.axes[:cut], lengths=shape[:cut], images=_planned(series))


def _planned(series: Any) -> int:
    """Return the number of images that Micro-Manager was to record; 0 for other files."""
    if series.kind != "mmstack":
        return 0
    summary = (series.parent.micromanager_metadata or {}).get("Summary", {})
    counts = [_count(summary, key) for key in ("Frames", "Slices", "Channels", "Positions")]
    return math.prod(max(count, 1) for count in counts)


def _without_ones(axes: str, lengths: list[int], images: int = 0) -> Claim:
    kept = [(axis, length) for axis, length in zip(axes, lengths, strict=True) if length != 1]
    return Claim(axes="".join(a for a, _ in kept), lengths=tuple(n for _, n in kept), images=images)


def _count(about: Mapping[str, Any], key: str) -> int:
    value = about.get(key, 0)
    return int(value) if isinstance(value, int | float) and 0 < value < 2**53 else 0
