"""What the viewer shows of a document, resolved to values before any widget is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.shell.snapshot import Snapshot
from app.shell.view_state import Levels, apart, has_own_scale
from core.methods.outputs import Output
from core.stack import Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """Pixels laid over a part of a plane: a preview.

    Attributes
    ----------
    top, left : int
        Row and column of its first pixel.
    pixels : ndarray
        (Y, X).
    below : ndarray or None
        (Y, X) pixels that are mixed with them, and `share` the share of `pixels`.
    output : Output or None
        Output of the method that the pixels are.
    """

    top: int
    left: int
    pixels: Pixels
    below: Pixels | None = None
    share: float = 1.0
    output: Output | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pane:
    """One picture of a layout.

    Attributes
    ----------
    label : str
        What it shows, in words.
    key : int
        Result whose plane is shown.
    minus : int or None
        Result whose plane is subtracted, for a difference.
    patch : Patch or None
        A preview laid over it.
    output : Output or None
        Output of the method that the result is; None for the source.
    """

    label: str
    key: int
    minus: int | None = None
    patch: Patch | None = None
    output: Output | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Display:
    """What the viewer shows of a document.

    Attributes
    ----------
    panes : tuple of Pane
        From left to right.
    curtain : bool
        Whether two panes share one canvas, left and right of a handle.
    position : dict of str to int
        Index along T, C and Z.
    """

    panes: tuple[Pane, ...]
    curtain: bool
    position: Mapping[str, int]

    @property
    def keys(self) -> frozenset[int]:
        """Results whose planes are needed."""
        wanted = {p.key for p in self.panes} | {p.minus for p in self.panes if p.minus is not None}
        return frozenset(wanted)


def resolve(snapshot: Snapshot, *, raw_held: bool = False) -> Display | None:
    """Choose what to show of a document; None without one.

    Parameters
    ----------
    snapshot : Snapshot
        The document.
    raw_held : bool
        Whether the person holds the key that shows the source in place of the result.
    """
    source = snapshot.source
    if source is None:
        return None
    result = snapshot.result or source
    patches = _patches(snapshot)
    patch = patches[0] if patches else None
    output = result.step.produces if result.step else None
    if patch is not None and has_own_scale(output):  # no image that a preview could lie on
        result, output = source, None
    name = result.label
    if patch is not None and snapshot.preview is not None:
        name = snapshot.preview.label
    elif result.key == source.key:
        without = "no result yet" if len(snapshot.results) == 1 else ""
        why = f"computing {snapshot.awaited}…" if snapshot.awaited else without
        name = f"{source.label} ({why})" if why else source.label
    raw = Pane(label=source.label, key=source.key)
    other = Pane(label=with_unit(name, output), key=result.key, patch=patch, output=output)
    panes: tuple[Pane, ...]
    match snapshot.layout:
        case "single" if raw_held or (result.key == source.key and patch is None):
            panes = (raw,)
        case "difference" if not has_own_scale(output):
            panes = (replace(other, label=f"{name} − {source.label}", minus=source.key),)
        case "single" | "difference":
            panes = (other,)
        case _:
            panes = (raw, other)
            if snapshot.layout == "split":
                mixed = patch is not None and patch.below is not None and patch.share < 1
                panes += tuple(_beside(other, one, mixed=mixed) for one in patches[1:])
    return Display(panes=panes, curtain=snapshot.layout == "curtain", position=dict(snapshot.position))


def _beside(pane: Pane, patch: Patch, *, mixed: bool) -> Pane:
    """Pane for a further output of the preview in a pane; `mixed` says that only the main one is mixed."""
    assert patch.output is not None
    name = f"{patch.output.quantity} at strength 1" if mixed else patch.output.label
    return replace(pane, label=with_unit(name, patch.output), patch=patch)


def _patches(snapshot: Snapshot) -> list[Patch]:
    """Outputs of the preview as patches of the plane shown; none where it belongs to another plane."""
    preview, source = snapshot.preview, snapshot.source
    if preview is None or source is None or len(preview.region) != len(source.stack.axes):
        return []
    at = dict(zip(source.stack.axes, preview.region, strict=True))
    if any(at[a].start != i for a, i in snapshot.position.items()):
        return []
    top, left = at["Y"].start, at["X"].start
    found = [Patch(top=top, left=left, pixels=pixels, output=output) for output, pixels in preview.outputs]
    return [replace(found[0], below=preview.below, share=preview.share), *found[1:]]


def with_unit(label: str, output: Output | None) -> str:
    """Label of an output, with its unit where it is not shown on the scale of the image."""
    return f"{label} ({output.unit})" if output is not None and has_own_scale(output) else label


def levels_of(snapshot: Snapshot) -> Levels:
    """Levels of the channel shown; where nobody has set any, those of the file or of the type."""
    if snapshot.channel in snapshot.levels:
        return snapshot.levels[snapshot.channel]
    source = snapshot.source
    if source is None:
        return 0.0, 1.0
    if snapshot.channel < len(source.stack.meta.display_ranges):
        return apart(*source.stack.meta.display_ranges[snapshot.channel])
    if source.stack.dtype.kind in "ui":
        info = np.iinfo(source.stack.dtype)
        return float(info.min), float(info.max)
    return 0.0, 1.0
