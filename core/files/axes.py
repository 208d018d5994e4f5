"""Maps the axes of a file to the axes of a stack, without reading pixels."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import QuietfieldError
from core.files import imagej
from core.findings import Finding, kinds
from core.stack import AXES, AXIS_NAMES, Metadata, Pixels, PixelSource, Region, Stack, region_shape

Groups = dict[str, tuple[int, ...]]
"""Indices of the file's axes that make up each axis of a stack, outermost first."""

_WORDS = {
    "A": "angle", "E": "wavelength", "H": "lifetime", "I": "sequence", "J": "column", "K": "row",
    "L": "exposure", "M": "mosaic", "P": "phase", "Q": "other", "R": "position", "V": "event",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Assignment of the axes of a file to those of a stack.

    Attributes
    ----------
    groups : dict of str to tuple of int
        Indices of the file's axes for each axis of the stack, in the order of `AXES`.
    certain : bool
        Whether the file says what the axis along its planes means.
    findings : tuple of Finding
        Axes that a stack does not have.
    """

    groups: Groups
    certain: bool = True
    findings: tuple[Finding, ...] = ()


def arrange(axes: str, shape: Sequence[int]) -> Arrangement:
    """Assign the axes of a file to those of a stack.

    Colour samples (S) and wavelengths (E) become channels. Axes of unknown meaning, and those that a stack
    does not have, become time. Axes of length 1 are dropped, except rows and columns.

    Raises
    ------
    QuietfieldError
        If there are neither rows nor columns.
    """
    groups: dict[str, list[int]] = {}
    odd: list[int] = []
    colour: list[int] = []
    for i, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        if size == 1 and axis not in "YX":
            continue
        if axis == "S":
            colour.append(i)
        elif axis == "E":
            groups.setdefault("C", []).append(i)
        elif axis in AXES and (axis not in groups):
            groups[axis] = [i]
        else:
            odd.append(i)
    if "Y" not in groups and "X" not in groups:
        raise QuietfieldError(f"The pixels have no rows and columns (axes {axes}); this is not an image.")
    if colour:
        groups["C"] = groups.get("C", []) + colour
    certain, findings = True, []
    if odd:
        certain = False
        folded = sorted(groups.get("T", []) + odd)
        if len(folded) > 1 or axes[odd[0]] not in "IQ":
            words = " and ".join(f"{_WORDS.get(axes[i], axes[i])} ({shape[i]})" for i in folded if i in odd)
            kind = kinds.AXIS_JOINED_TO_TIME if "T" in groups else kinds.AXIS_AS_TIME
            findings.append(Finding(kind=kind, details={"axis": words}))
        groups["T"] = folded
    found = {a: tuple(groups.get(a, ())) for a in AXES if a in groups or a in "YX"}
    return Arrangement(groups=found, certain=certain, findings=tuple(findings))


@dataclass(frozen=True, slots=True)
class Rearranged:
    """Pixels of another source with its axes reordered, merged or dropped."""

    base: PixelSource
    groups: Groups

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(math.prod(self.base.shape[i] for i in group) for group in self.groups.values())

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.base.dtype

    @property
    def missing(self) -> PixelSource | None:
        """Pixels missing from the file; see `core.stack.Stack.missing`."""
        missing: PixelSource | None = getattr(self.base, "missing", None)
        return None if missing is None else Rearranged(missing, self.groups)

    def read(self, region: Region) -> Pixels:
        """Return the pixels of a region."""
        single = [g[0] for g in self.groups.values() if len(g) == 1]
        merged = [(n, g) for n, g in enumerate(self.groups.values()) if len(g) > 1]
        whole: list[slice] = [slice(0, 1)] * len(self.base.shape)
        for part, group in zip(region, self.groups.values(), strict=True):
            if len(group) == 1:
                whole[group[0]] = part
        rest = tuple(i for i in range(len(self.base.shape)) if i not in single)
        out = np.empty(region_shape(region), self.dtype)
        ranges = [range(region[n].start, region[n].stop) for n, _ in merged]
        for index in np.ndindex(*(len(r) for r in ranges)):
            here = list(whole)
            target: list[Any] = [slice(None)] * len(region)
            for (n, group), r, i in zip(merged, ranges, index, strict=True):
                places = np.unravel_index(r[i], [self.base.shape[g] for g in group])
                for g, place in zip(group, places, strict=True):
                    here[g] = slice(int(place), int(place) + 1)
                target[n] = i
            pixels = self.base.read(tuple(here)).transpose(*single, *rest)
            view = out[tuple(target)]
            view[...] = pixels.reshape(view.shape)
        return out


def rearranged(source: PixelSource, groups: Groups) -> PixelSource:
    """Return a source with the axes of a stack; the source itself if it has them already."""
    if list(groups.values()) == [(i,) for i in range(len(source.shape))]:
        return source
    return Rearranged(source, groups)


def reinterpret(stack: Stack, axes: str) -> Stack:
    """Change what the axes of a stack mean, such as depth instead of time; no pixel is moved.

    Parameters
    ----------
    stack : Stack
        Any stack.
    axes : str
        A letter for each axis of the stack, in the stack's order: ``"ZYX"`` for a stack with axes
        ``"TYX"``, ``"ZTYX"`` for one with axes ``"TZYX"``. The result is put in the usual order.

    Raises
    ------
    QuietfieldError
        If the letters do not fit the stack.
    """
    axes = axes.upper()
    if len(axes) != len(stack.axes) or len(set(axes)) != len(axes) or not set(axes) <= set(AXES):
        allowed = ", ".join(f"{a} ({AXIS_NAMES[a]})" for a in AXES[:-2])
        raise QuietfieldError(
            f"Axes {axes!r} do not fit {stack.meta.name}, which has {len(stack.axes)} axes ({stack.axes}, "
            f"{' x '.join(map(str, stack.shape))}). Name each once: {allowed}, and YX at the end."
        )
    if not axes.endswith("YX"):
        raise QuietfieldError(f"Axes {axes!r} must end in YX: rows and columns come last.")
    groups: Groups = {a: (axes.index(a),) for a in AXES if a in axes}
    changed = {a for a, b in zip(axes, stack.axes, strict=True) if a != b} | (set(stack.axes) - set(axes))
    return Stack(rearranged(stack.source, groups), "".join(groups), _reinterpreted(stack, axes, changed))


def _reinterpreted(stack: Stack, axes: str, changed: set[str]) -> Metadata:
    """Return the metadata that still holds where axes have another meaning."""
    meta = dataclasses.replace(stack.meta, axes_certain=True)
    if not changed:
        return meta
    planes = [pair for pair in zip(stack.axes, axes, strict=True) if pair[0] not in "YX"]
    before = sorted(planes, key=lambda pair: imagej.ORDER.index(pair[0]))
    moved = before != sorted(planes, key=lambda pair: imagej.ORDER.index(pair[1]))
    meta = dataclasses.replace(
        meta, ome_xml="", labels=() if moved else meta.labels,
        spacing={axis: step for axis, step in meta.spacing.items() if axis not in changed},
        imagej=imagej.of_other_axes(meta.imagej, changed, moved=moved or len(planes) > 1),
    )  # fmt: skip
    if "C" in changed:
        meta = dataclasses.replace(meta, channel_names=(), display_ranges=(), luts=())
    return meta
