"""What the viewer shows, as values: levels, layouts, look-up tables; no widget in here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.instant.reach import EXPECTED_ERROR
from core.stack import Pixels, Region

if TYPE_CHECKING:
    from app.snapshot import Snapshot

Layout = Literal["single", "split", "curtain", "difference"]
LAYOUTS: Mapping[Layout, str] = {
    "single": "Single",
    "split": "Split",
    "curtain": "Curtain",
    "difference": "Difference",
}

LUTS = ("Grays", "Fire", "Ice", "Green", "Magenta", "Cyan", "viridis", "magma", "HiLo")
"""Names of the look-up tables; a stack that brings its own adds "From file"."""

SATURATED = (0.35, 1.0, 2.5, 5.0)
"""Percent of pixels that Auto saturates at its first, second, ... press."""

OWN_SCALE: Mapping[str, str] = {EXPECTED_ERROR: "magma"}
"""Outputs of methods that are no image of the specimen, and the look-up table they are shown with."""

Levels = tuple[float, float]
"""Intensity shown as the darkest and as the brightest shade."""


@dataclass(frozen=True, slots=True)
class View:
    """Visible part of a plane in pixels: rows `top` to `bottom`, columns `left` to `right`."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preview:
    """Pixels that show what a method would do, on a part of the current plane.

    Attributes
    ----------
    label : str
        What is shown, such as "Gaussian blur (preview)".
    region : tuple of slice
        Where in the stack the pixels lie, one slice for each axis.
    pixels : ndarray
        (Y, X) float32, as the method gives them.
    below : ndarray or None
        (Y, X) float32, the input, for a method whose result can be mixed with it.
    share : float
        Which share of `pixels` is in the mixture with `below`, 0 to 1.
    second : ndarray or None
        (Y, X) float32, for a method that gives another image besides.
    second_output : str
        Name of that output, such as "deconvolved".
    """

    label: str
    region: Region
    pixels: NDArray[np.float32]
    below: NDArray[np.float32] | None = None
    share: float = 1.0
    second: NDArray[np.float32] | None = None
    second_output: str = ""


def apart(low: float, high: float) -> Levels:
    """Levels with something between them: equal ones are put one count apart, very large ones more."""
    return (low, high) if high > low else (low, low + max(1.0, abs(low) * 2.0**-20))


def auto_levels(pixels: Pixels, saturated: float = SATURATED[0]) -> Levels:
    """Levels that saturate `saturated` percent of the finite pixels, half at each end.

    Constant or empty input gives levels one count apart, so that there is always something to show.
    """
    flat = np.asarray(pixels).ravel()
    if flat.size > 2**20:
        flat = flat[:: flat.size // 2**19]
    finite: NDArray[Any] = flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(finite, (saturated / 2, 100 - saturated / 2)))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    return apart(low, high)


def auto_choices(pixels: Pixels) -> tuple[Levels, ...]:
    """Levels for every entry of `SATURATED`."""
    return tuple(auto_levels(pixels, saturated) for saturated in SATURATED)


def next_auto(choices: tuple[Levels, ...], current: Levels | None) -> Levels:
    """Levels for one more press of Auto: the ones after `current`, or the first."""
    matching = [i for i, choice in enumerate(choices) if choice == current]
    return choices[(matching[-1] + 1) % len(choices)] if matching else choices[0]


def full_range(pixels: Pixels) -> Levels:
    """Levels that show everything: the range of the type for 8 bits, of the finite pixels otherwise."""
    if pixels.dtype.kind in "ui" and pixels.dtype.itemsize == 1:
        info = np.iinfo(pixels.dtype)
        return float(info.min), float(info.max)
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return apart(low, high)


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


def difference_limit(raw: Pixels) -> float:
    """Intensity at which a difference from `raw` is shown in its strongest colour: 4 sigma of its noise.

    Sigma is the scaled median of the absolute second differences along the rows of the middle of
    the plane (median of |x| is 0.6745 sigma, a second difference has 6 times the variance), which
    leaves out what varies slowly. Rounded to two digits.
    """
    rows, columns = (slice(max(n // 2 - 256, 0), n // 2 + 257) for n in raw.shape)
    middle = raw[rows, columns].astype(np.float64)
    second = np.abs(middle[:, :-2] - 2 * middle[:, 1:-1] + middle[:, 2:])
    second = second[np.isfinite(second)]
    if second.size == 0:
        return 1.0
    sigma = float(np.median(second)) / 0.6745 / math.sqrt(6)
    if sigma <= 0:
        sigma = float(second.std()) / math.sqrt(6)
    return float(f"{4 * sigma:.1e}") if sigma > 0 else 1.0


def own_limit(pixels: Pixels) -> float:
    """Intensity at which an output with a scale of its own is shown in its last colour; 0 if there is none.

    The scale begins at 0 and leaves out the highest 0.2 percent of the finite pixels. Rounded to two digits.
    """
    flat = pixels[:: max(1, pixels.shape[0] // 512), :: max(1, pixels.shape[1] // 512)]
    finite = flat[np.isfinite(flat)]
    return float(f"{np.percentile(finite, 99.8):.1e}") if finite.size else 0.0


def in_counts(label: str, output: str) -> str:
    """Label of an output, with its unit where it is not shown on the scale of the image."""
    return f"{label} (counts)" if output in OWN_SCALE else label


def nice_length(limit: float) -> float:
    """Largest of 1, 2, 5, 10, 20, 50, ... and their tenths that is not above `limit` (> 0)."""
    power = 10.0 ** math.floor(math.log10(limit) + 1e-9)
    step = next(s for s in (5.0, 2.0, 1.0) if s * power <= limit * (1 + 1e-9))
    return float(f"{step * power:.3g}")


def length_text(length: float, unit: str = "µm") -> str:
    """Length in words: "10 µm", "200 nm", "2 mm", "50 px"."""
    if unit == "µm" and length < 1:
        return f"{length * 1000:g} nm"
    if unit == "µm" and length >= 1000:
        return f"{length / 1000:g} mm"
    return f"{length:g} {unit}"


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
    output : str
        Name of the output of the method that the pixels are.
    """

    top: int
    left: int
    pixels: Pixels
    below: Pixels | None = None
    share: float = 1.0
    output: str = ""


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
    output : str
        Name of the output of the method that the result is; "" for the source.
    """

    label: str
    key: int
    minus: int | None = None
    patch: Patch | None = None
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
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


def shown(snapshot: Snapshot, *, raw_held: bool = False) -> Shown | None:
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
    patch = _patch(snapshot)
    output = result.step.output if result.step else ""
    if patch is not None and output in OWN_SCALE:  # no image that a preview could lie on
        result, output = source, ""
    name = result.label
    if patch is not None and snapshot.preview is not None:
        name = snapshot.preview.label
    elif result.key == source.key:
        without = "no result yet" if len(snapshot.results) == 1 else ""
        why = f"computing {snapshot.awaited}…" if snapshot.awaited else without
        name = f"{source.label} ({why})" if why else source.label
    raw = Pane(label=source.label, key=source.key)
    other = Pane(label=in_counts(name, output), key=result.key, patch=patch, output=output)
    panes: tuple[Pane, ...]
    match snapshot.layout:
        case "single" if raw_held or (result.key == source.key and patch is None):
            panes = (raw,)
        case "difference" if output not in OWN_SCALE:
            panes = (replace(other, label=f"{name} − {source.label}", minus=source.key),)
        case "single" | "difference":
            panes = (other,)
        case _:
            panes = (raw, other)
            second = _patch(snapshot, second=True)
            if second is not None and snapshot.layout == "split":
                mixed = patch is not None and patch.below is not None and patch.share < 1
                name = f"{second.output.removeprefix('expected ')} at strength 1" if mixed else second.output
                label = in_counts(name, second.output)
                panes += (Pane(label=label, key=result.key, patch=second, output=output),)
    return Shown(panes=panes, curtain=snapshot.layout == "curtain", position=dict(snapshot.position))


def _patch(snapshot: Snapshot, *, second: bool = False) -> Patch | None:
    """Preview as a patch of the plane shown, unless it belongs to another plane."""
    preview, source = snapshot.preview, snapshot.source
    if preview is None or source is None or len(preview.region) != len(source.stack.axes):
        return None
    at = dict(zip(source.stack.axes, preview.region, strict=True))
    if any(at[a].start != i for a, i in snapshot.position.items()):
        return None
    top, left = at["Y"].start, at["X"].start
    if not second:
        return Patch(top=top, left=left, pixels=preview.pixels, below=preview.below, share=preview.share)
    if preview.second is None:
        return None
    return Patch(top=top, left=left, pixels=preview.second, output=preview.second_output)


def plane_key(result: int, position: Mapping[str, int]) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Key of one plane of one result in a cache."""
    return result, tuple(sorted(position.items()))
