"""Finds the images in a Zarr: multiscale images of OME-Zarr, plates, and plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.progress import Context

MOST_IMAGES = 2000
"""Most images that are listed."""

MOST_DEPTH = 5
"""Groups within groups that are searched for images."""

_LETTERS = {"t": "T", "time": "T", "c": "C", "channel": "C", "z": "Z", "y": "Y", "x": "X"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image in a Zarr.

    Attributes
    ----------
    name : str
        Place of its group in the Zarr; "" for the root.
    array : zarr.Array
        Its pixels at full resolution.
    axes : str
        Its axes as letters.
    certain : bool
        Whether the Zarr names its axes.
    scale : dict of str to (float, str)
        Distance between neighbours, and unit, along axes whose unit is given.
    levels : int
        Number of its resolutions.
    version : str
        Version of OME-Zarr; "" for a plain array.
    channels : sequence of dict
        Channels as OME-Zarr describes them for display.
    """

    name: str
    array: Any
    axes: str
    certain: bool = True
    scale: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    levels: int = 1
    version: str = ""
    channels: Sequence[Mapping[str, Any]] = ()


def find_images(node: Any, context: Context) -> list[Image]:
    """Return the images of a group or array, in the order in which they are listed."""
    found: list[Image] = []
    for image in _search(node, "", 0):
        context.check()
        found.append(image)
        if len(found) == MOST_IMAGES:
            break
    return found


def _search(node: Any, name: str, depth: int) -> Iterator[Image]:
    if not hasattr(node, "members"):  # an array
        if (plain := _plain(node, name)) is not None:
            yield plain
        return
    attrs = dict(node.attrs)
    about: dict[str, Any] = attrs["ome"] if isinstance(attrs.get("ome"), dict) else attrs
    if isinstance(about.get("multiscales"), list):
        yield from _multiscales(node, about, name)
    elif depth < MOST_DEPTH:
        for path in _paths(about) or sorted((key for key, _ in node.members()), key=_natural):
            if path not in ("OME", "labels"):
                yield from _search(node[path], f"{name}/{path}".strip("/"), depth + 1)


def _paths(about: Mapping[str, Any]) -> list[str]:
    """Return the places of the wells of a plate, or of the fields of a well; [] for other groups."""
    listed = (about.get("plate") or {}).get("wells") or (about.get("well") or {}).get("images") or ()
    return [str(one["path"]) for one in listed]


def _natural(name: str) -> tuple[bool, int, str]:
    return (not name.isdigit(), int(name) if name.isdigit() else 0, name)


def _multiscales(node: Any, about: Mapping[str, Any], name: str) -> Iterator[Image]:
    for number, one in enumerate(about["multiscales"]):
        datasets = one["datasets"]
        array = node[str(datasets[0]["path"])]
        names, units = _axes(one.get("axes"), array.ndim)
        scales = [1.0] * array.ndim
        for holder in (datasets[0], one):
            for change in holder.get("coordinateTransformations") or ():
                if change.get("type") == "scale":
                    scales = [a * float(b) for a, b in zip(scales, change["scale"], strict=True)]
        omero = about.get("omero") if isinstance(about.get("omero"), dict) else {}
        yield Image(
            name=name + (f" {one.get('name') or number}" if number else ""), array=array, axes=names,
            scale={a: (s, u) for a, s, u in zip(names, scales, units, strict=True) if u},
            levels=len(datasets), version=str(about.get("version") or one.get("version") or "0.4"),
            channels=(omero or {}).get("channels") or (),
        )  # fmt: skip


def _axes(described: Any, ndim: int) -> tuple[str, list[str]]:
    """Return letters and units of axes: dictionaries, names (version 0.3), or none (before)."""
    if not described:
        return "TCZYX"[-ndim:] if ndim <= 5 else "Q" * (ndim - 2) + "YX", [""] * ndim
    names = [one["name"] if isinstance(one, dict) else one for one in described]
    units = [str(one.get("unit") or "") if isinstance(one, dict) else "" for one in described]
    return _letters(names), units


def _letters(names: Sequence[Any]) -> str:
    found = [_LETTERS.get(str(name).lower(), "Q") for name in names]
    if "Y" not in found and "X" not in found and len(found) >= 2:
        found[-2:] = ["Y", "X"]
    return "".join(found)


def _plain(array: Any, name: str) -> Image | None:
    """Return an array that no metadata describe; None if it cannot be an image."""
    if array.ndim < 2 or getattr(array.dtype, "kind", "") not in "uifb":
        return None
    names = array.attrs.get("_ARRAY_DIMENSIONS") or getattr(array.metadata, "dimension_names", None)
    if names and all(names) and len(names) == array.ndim:
        return Image(name=name, array=array, axes=_letters(names))
    return Image(name=name, array=array, axes="Q" * (array.ndim - 2) + "YX", certain=array.ndim == 2)
