"""Reads Imaris files and the datasets of other HDF5 files with the library h5py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files.readers.base import Series
from core.files.readers.described import Channel, Recording, make_stack, number
from core.files.readers.extras import load_library
from core.files.readers.hdf5_source import DatasetSource, OpenFile
from core.findings import Finding, format_kinds, kinds
from core.progress import Context
from core.stack import Stack

_MARK = b"\x89HDF\r\n\x1a\n"
_IMARIS = "DataSet/ResolutionLevel 0"
MOST_DATASETS = 500
"""Most datasets that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """One series: its pixels, how it was recorded, and what was noticed."""

    source: DatasetSource
    recording: Recording
    format: str
    certain: bool
    findings: tuple[Finding, ...] = ()


class Hdf5Reader:
    """Reads Imaris files as one image; every dataset of another file that has planes is a series."""

    name = "HDF5"
    endings = (".ims", ".h5", ".hdf5")
    priority = 0

    def supports(self, path: Path, head: bytes) -> bool:  # noqa: ARG002
        """Return whether a file begins as HDF5."""
        return head.startswith(_MARK)

    def series(self, path: Path, context: Context) -> tuple[Series, ...]:
        """List the image of an Imaris file, or the datasets of another one.

        Raises
        ------
        QuietfieldError
            If the library is missing, or no dataset has planes.
        """
        h5py = load_library("h5py", path, "an HDF5 or Imaris file", "hdf5")
        file = h5py.File(str(path), "r")
        opened = OpenFile(file)
        known = _IMARIS in file
        found = [_imaris(path, file, opened)] if known else _datasets(path, file, opened, context)
        if not found:
            raise QuietfieldError(f"{path} holds no dataset with rows and columns; it is not an image.")
        return tuple(
            Series(
                path=path, index=index, name=name, axes=axes, shape=image.source.shape,
                dtype=image.source.dtype, origin=image,
            )
            for index, (name, axes, image) in enumerate(found)
        )  # fmt: skip

    def open(self, series: Series) -> Stack:
        """Open one image; blocks are read when they are asked for."""
        image: _Image = series.origin
        source, findings = image.source, list(image.findings)
        source.look_up()
        if source.lost:
            details: dict[str, str | int] = {"total": source.total, "fill": str(source.fill)}
            findings.append(Finding(kind=format_kinds.CHUNKS_MISSING, value=source.lost, details=details))
        return make_stack(
            series, source, image.recording, format=image.format, findings=findings,
            certain=image.certain, size=series.path.stat().st_size,
        )  # fmt: skip


def _datasets(path: Path, file: Any, opened: OpenFile, context: Context) -> list[tuple[str, str, _Image]]:
    """Return name, axes and image of every numeric dataset with at least two axes longer than 1."""
    listed: list[Any] = []

    def visit(name: str, node: Any) -> bool | None:  # noqa: ARG001
        context.check()
        shape, kind = getattr(node, "shape", None) or (), getattr(getattr(node, "dtype", None), "kind", "")
        if kind in "uifb" and kind and sum(n > 1 for n in shape) > 1:
            listed.append(node)
        return True if len(listed) == MOST_DATASETS else None

    file.visititems(visit)
    found = []
    for dataset in listed:
        shape = tuple(map(int, dataset.shape))
        axes, certain = _axes(dataset, len(shape))
        source = DatasetSource(path, [dataset], (), shape, opened)
        image = _Image(source=source, recording=Recording(), format="HDF5", certain=certain)
        found.append((str(dataset.name).strip("/"), axes, image))
    return found


def _axes(dataset: Any, count: int) -> tuple[str, bool]:
    """Return the axes of a dataset: named by its dimensions, or unknown except rows and columns."""
    labels = [str(dim.label).upper() for dim in dataset.dims]
    if all(label in set("TCZYX") for label in labels) and len(set(labels)) == count and "X" in labels:
        return "".join(labels), True
    return "Q" * (count - 2) + "YX", count == 2


def _imaris(path: Path, file: Any, opened: OpenFile) -> tuple[str, str, _Image]:
    """Return the image of an Imaris file at full resolution; its datasets are padded to whole chunks."""
    level = file[_IMARIS]
    times = sorted((key for key in level if key.startswith("TimePoint ")), key=_number)
    channels = sorted((key for key in level[times[0]] if key.startswith("Channel ")), key=_number)
    about = dict(file["DataSetInfo/Image"].attrs) if "DataSetInfo/Image" in file else {}
    first = level[times[0]][channels[0]]
    datasets = [level[t][c]["Data"] for t in times for c in channels]
    stated = [number(_text(first.attrs.get(f"ImageSize{a}"))) for a in "ZYX"]
    padded = tuple(map(int, datasets[0].shape))
    inner = tuple(int(min(n or p, p)) for n, p in zip(stated, padded, strict=True))
    if len(padded) != 3 or min(inner) < 1 or any(d.shape != datasets[0].shape for d in datasets):
        raise QuietfieldError(f"{path} holds blocks of different sizes; it is damaged. Export it again.")
    source = DatasetSource(path, datasets, (len(times), len(channels)), inner, opened)
    levels = sum(key.startswith("ResolutionLevel") for key in file["DataSet"])
    findings = (Finding(kind=kinds.MORE_RESOLUTIONS, value=levels),) if levels > 1 else ()
    known = [_channel(file, int(_number(key))) for key in channels]
    recording = Recording(spacing=_spacing(about, inner), channels=known, na=_lens(about))
    image = _Image(source=source, recording=recording, format="Imaris", certain=True, findings=findings)
    return "", "TCZYX", image


def _spacing(about: Mapping[str, Any], inner: tuple[int, ...]) -> dict[str, tuple[object, str]]:
    """Return the size of a voxel: the extent of the image over the number of voxels."""
    found: dict[str, tuple[object, str]] = {}
    unit = _text(about.get("Unit")) or "um"
    for axis, count, k in zip("XYZ", reversed(inner), range(3), strict=True):
        low, high = (number(_text(about.get(f"Ext{end}{k}"))) for end in ("Min", "Max"))
        if low is not None and high is not None and high > low:
            found[axis] = ((high - low) / count, unit)
    return found


def _lens(about: Mapping[str, Any]) -> float | None:
    return number(_text(about.get("NumericalAperture")))


def _channel(file: Any, index: int) -> Channel:
    place = f"DataSetInfo/Channel {index}"
    about = dict(file[place].attrs) if place in file else {}
    parts = [number(word) for word in _text(about.get("Color")).split()]
    good = len(parts) == 3 and all(part is not None and 0 <= part <= 1 for part in parts)
    colour = tuple(round(255 * (part or 0)) for part in parts) if good else None
    return Channel(
        name=_text(about.get("Name")), emission=number(_text(about.get("LSMEmissionWavelength"))),
        excitation=number(_text(about.get("LSMExcitationWavelength"))), colour=colour,  # type: ignore[arg-type]
    )  # fmt: skip


def _text(value: Any) -> str:
    """Return an attribute of Imaris as text: it is an array of characters."""
    if value is None:
        return ""
    found = np.asarray(value)
    if found.dtype.kind == "S":
        return b"".join(found.ravel().tolist()).decode("utf-8", "replace").strip("\0 ")
    return str(value)


def _number(key: str) -> int:
    digits = key.rpartition(" ")[2]
    return int(digits) if digits.isdigit() else 0
