"""Writes a stack as OME-Zarr 0.5: chunked, at several resolutions, a plane at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from core.files import ome
from core.files.readers.extras import load_library
from core.progress import Context
from core.stack import Pixels, Stack

VERSION = "0.5"
CHUNK = 512
"""Rows and columns of a chunk."""

SHARD = 8
"""Chunks along the rows and columns of a shard, at most."""

SMALLEST = 256
"""An image with no side longer than this gets no lower resolution."""

_TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
_UNITS = {"T": "second", "Z": "micrometer", "Y": "micrometer", "X": "micrometer"}


def write_zarr(
    folder: Path, stack: Stack, dtype: np.dtype[Any], planes: Iterator[Pixels], order: str, *, sharded: bool,
    recipe: str, creator: str, context: Context,
) -> None:  # fmt: skip
    """Write the planes of a stack, then the lower resolutions, then the metadata.

    Parameters
    ----------
    folder : Path
        Empty folder that becomes the Zarr.
    stack : Stack
        The stack, for its axes and metadata.
    dtype : numpy.dtype
        Type of the written pixels.
    planes : iterator of ndarray
        Its planes (Y, X) of that type.
    order : str
        Axes of the planes, slowest first.
    sharded : bool
        Whether many chunks lie in one file.
    recipe : str
        Recipe to embed, as JSON.
    creator : str
        Name of the program.
    context : Context
        Progress and cancellation of what follows the planes.
    """
    zarr = load_library("zarr", folder, "a Zarr", "zarr")
    group = zarr.create_group(store=folder, zarr_format=3)
    arrays = [_create(group, 0, stack.axes, stack.shape, dtype, sharded=sharded)]
    for index, plane in zip(_indices(stack, order), planes, strict=True):
        arrays[0][index] = plane
    while max(arrays[-1].shape[-2:]) > SMALLEST:
        source, level = arrays[-1], len(arrays)
        shape = (*stack.shape[:-2], *((n + 1) // 2 for n in source.shape[-2:]))
        arrays.append(_create(group, level, stack.axes, shape, dtype, sharded=sharded))
        for index in np.ndindex(*shape[:-2]):
            context.step(1 - 0.5**level, f"Writing resolution {level + 1}")
            arrays[-1][index] = _halved(np.asarray(source[index]))
    group.attrs["ome"] = _attributes(stack, dtype, len(arrays))
    inside = folder / "OME"
    inside.mkdir()
    (inside / "METADATA.ome.xml").write_bytes(_xml(ome.write_xml(stack, dtype, recipe, creator)))
    flush(folder)


def _create(
    group: Any, level: int, axes: str, shape: Sequence[int], dtype: np.dtype[Any], *, sharded: bool
) -> Any:  # fmt: skip
    outer = (1,) * (len(shape) - 2)
    sides = [min(CHUNK, n) for n in shape[-2:]]
    shards = None
    if sharded:
        shards = (
            *outer,
            *(min(-(-n // side), SHARD) * side for n, side in zip(shape[-2:], sides, strict=True)),
        )
    return group.create_array(
        str(level), shape=tuple(shape), chunks=(*outer, *sides), shards=shards, dtype=dtype, fill_value=0,
        dimension_names=[a.lower() for a in axes], config={"write_empty_chunks": True},
    )  # fmt: skip


def _indices(stack: Stack, order: str) -> Iterator[tuple[int, ...]]:
    """Yield the index of each plane along the axes of the stack, in the order of the planes."""
    for index in np.ndindex(*(stack.sizes[a] for a in order)):
        at = dict(zip(order, index, strict=True))
        yield tuple(at[a] for a in stack.axes[:-2])


def _halved(plane: Pixels) -> Pixels:
    """Return the mean of blocks of 2 x 2 pixels; the last row or column is repeated where it is alone."""
    values = plane.astype(np.float64)
    for axis in (0, 1):
        size = values.shape[axis]
        if size > 1:
            even = values.take(range(0, size, 2), axis)
            odd = values.take([min(k, size - 1) for k in range(1, size + size % 2, 2)], axis)
            values = (even + odd) / 2
    return (np.rint(values) if plane.dtype.kind in "ui" else values).astype(plane.dtype)


def _attributes(stack: Stack, dtype: np.dtype[Any], levels: int) -> dict[str, Any]:
    """Return the metadata of OME-Zarr: axes, scale of each resolution, and channels for display."""
    spacing = stack.meta.spacing
    axes = [
        {"name": a.lower(), "type": _TYPES[a], **({"unit": _UNITS[a]} if a in spacing else {})}
        for a in stack.axes
    ]
    halved = {a for a in "YX" if stack.sizes[a] > 1}
    datasets = []
    for level in range(levels):
        scale = [spacing.get(a, 1.0) * (2.0**level if a in halved else 1.0) for a in stack.axes]
        change = {"type": "scale", "scale": scale}
        datasets.append({"path": str(level), "coordinateTransformations": [change]})
    multiscale = {"name": stack.meta.name, "axes": axes, "datasets": datasets, "type": "mean"}
    return {"version": VERSION, "multiscales": [multiscale], "omero": {"channels": _channels(stack, dtype)}}


def _channels(stack: Stack, dtype: np.dtype[Any]) -> list[dict[str, Any]]:
    low, high = (0.0, 1.0) if dtype.kind == "f" else map(float, (np.iinfo(dtype).min, np.iinfo(dtype).max))
    found = []
    for c in range(stack.sizes.get("C", 1)):
        name = stack.meta.channel_names[c : c + 1]
        table = stack.meta.luts[c : c + 1]
        start, end = (stack.meta.display_ranges[c : c + 1] or ((low, high),))[0]
        colour = "".join(f"{int(v):02X}" for v in table[0][:, -1]) if table else "FFFFFF"
        window = {"min": min(low, start), "max": max(high, end), "start": start, "end": end}
        found.append({"label": name[0] if name else "", "color": colour, "active": True, "window": window})
    return found


def _xml(text: bytes) -> bytes:
    """Return OME-XML whose pixels are elsewhere than in a TIFF."""
    root = ET.fromstring(text)
    for pixels in (e for e in root.iter() if e.tag.endswith("}Pixels")):
        for data in [e for e in pixels if e.tag.endswith("}TiffData")]:
            place = list(pixels).index(data)
            pixels.remove(data)
            pixels.insert(place, ET.Element(f"{data.tag.partition('}')[0]}}}MetadataOnly"))
    ET.register_namespace("", root.tag[1:].partition("}")[0])
    found: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return found


def flush(folder: Path) -> None:
    """Wait until the files of a folder are on the disk: a rename must not outlive them in a power cut."""
    for base, _, files in os.walk(folder):
        for name in files:
            with (Path(base) / name).open("rb+") as file:
                os.fsync(file.fileno())
