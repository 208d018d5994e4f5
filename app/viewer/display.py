"""What the viewer displays of a document, resolved to values before any widget changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.shell.snapshot import Snapshot
from app.shell.view_state import Levels, apart, has_own_scale
from core.methods.outputs import Output
from core.stack import Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Excerpt:
    """A preview: pixels displayed on top of a part of a plane.

    Attributes
    ----------
    top, left : int
        Row and column of the first pixel.
    pixels : ndarray, shape (Y, X)
        Result of the preview.
    below : ndarray or None
        (Y, X) input that is blended with the pixels; `share` is the weight of `pixels`.
    output : Output or None
        Output of the method that the pixels belong to.
    """

    top: int
    left: int
    pixels: Pixels
    below: Pixels | None = None
    share: float = 1.0
    output: Output | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pane:
    """One image of a layout.

    Attributes
    ----------
    label : str
        Label of the image.
    key : int
        Result whose plane is displayed.
    minus : int or None
        Result whose plane is subtracted, for a difference.
    excerpt : Excerpt or None
        Preview on top of the plane.
    output : Output or None
        Output of the method that the result belongs to; None for the source.
    """

    label: str
    key: int
    minus: int | None = None
    excerpt: Excerpt | None = None
    output: Output | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Display:
    """What the viewer displays of a document.

    Attributes
    ----------
    panes : tuple of Pane
        Images from left to right.
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
    """Resolve what to display of a document; return None if no document is open.

    Parameters
    ----------
    snapshot : Snapshot
        Document.
    raw_held : bool
        Whether the key is held that shows the source instead of the result.
    """
    source = snapshot.source
    if source is None:
        return None
    result = snapshot.result or source
    excerpts = _excerpts(snapshot)
    excerpt = excerpts[0] if excerpts else None
    output = result.step.produces if result.step else None
    if excerpt is not None and has_own_scale(output):  # there is no image to put a preview on
        result, output = source, None
    name = result.label
    if excerpt is not None and snapshot.preview is not None:
        name = f"{snapshot.preview.label} …" if snapshot.preview.unfinished else snapshot.preview.label
    elif result.key == source.key:
        without = "no result yet" if len(snapshot.results) == 1 else ""
        why = f"computing {snapshot.awaited}…" if snapshot.awaited else without
        name = f"{source.label} ({why})" if why else source.label
    raw = Pane(label=source.label, key=source.key)
    other = Pane(label=with_unit(name, output), key=result.key, excerpt=excerpt, output=output)
    panes: tuple[Pane, ...]
    match snapshot.layout:
        case "single" if raw_held or (result.key == source.key and excerpt is None):
            panes = (raw,)
        case "difference" if not has_own_scale(output):
            panes = (replace(other, label=f"{name} − {source.label}", minus=source.key),)
        case "single" | "difference":
            panes = (other,)
        case _:
            panes = (raw, other)
            if snapshot.layout == "split":
                mixed = excerpt is not None and excerpt.below is not None and excerpt.share < 1
                panes += tuple(_beside(other, one, mixed=mixed) for one in excerpts[1:])
    return Display(panes=panes, curtain=snapshot.layout == "curtain", position=dict(snapshot.position))


def _beside(pane: Pane, excerpt: Excerpt, *, mixed: bool) -> Pane:
    """Return a pane for a further output of a preview; `mixed`: only the main output is blended."""
    assert excerpt.output is not None
    name = f"{excerpt.output.quantity} at strength 1" if mixed else excerpt.output.label
    return replace(pane, label=with_unit(name, excerpt.output), excerpt=excerpt)


def _excerpts(snapshot: Snapshot) -> list[Excerpt]:
    """Return the outputs of the preview as excerpts of the displayed plane; empty for other planes."""
    preview, source = snapshot.preview, snapshot.source
    if preview is None or source is None or len(preview.region) != len(source.stack.axes):
        return []
    at = dict(zip(source.stack.axes, preview.region, strict=True))
    if any(at[a].start != i for a, i in snapshot.position.items()):
        return []
    top, left = at["Y"].start, at["X"].start
    found = [Excerpt(top=top, left=left, pixels=pixels, output=output) for output, pixels in preview.outputs]
    return [replace(found[0], below=preview.below, share=preview.share), *found[1:]]


def with_unit(label: str, output: Output | None) -> str:
    """Return the label of an output, with its unit if it has a separate scale."""
    return f"{label} ({output.unit})" if output is not None and has_own_scale(output) else label


def levels_of(snapshot: Snapshot) -> Levels:
    """Return the levels of the displayed channel; by default those of the file or of the type."""
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
