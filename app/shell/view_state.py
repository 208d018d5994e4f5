"""The view of a document as values: layout, levels, look-up table, visible region, preview."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.methods.outputs import Output, Quantity
from core.stack import Pixels, Region

Layout = Literal["single", "split", "curtain", "difference"]
LAYOUTS: Mapping[Layout, str] = {
    "single": "Single",
    "split": "Split",
    "curtain": "Curtain",
    "difference": "Difference",
}

LUTS = ("Grays", "Fire", "Ice", "Green", "Magenta", "Cyan", "viridis", "magma", "HiLo")
"""Names of the look-up tables; "From file" is added if the stack has its own."""

SATURATED = (0.35, 1.0, 2.5, 5.0)
"""Percent of pixels that Auto saturates at its first, second, ... press."""

OWN_SCALE: Mapping[Quantity, str] = {Quantity.ERROR: "magma"}
"""Look-up tables of quantities that are not displayed with the contrast of the image."""

Levels = tuple[float, float]
"""Intensities displayed as the darkest and the brightest grey level."""


@dataclass(frozen=True, slots=True)
class View:
    """Visible region of a plane in pixels: rows `top` to `bottom`, columns `left` to `right`."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preview:
    """Result of a method on a region of the current plane.

    Attributes
    ----------
    label : str
        Label, such as "Gaussian blur (preview)".
    region : tuple of slice
        Region of the stack, one slice for each axis.
    outputs : tuple of (Output, ndarray)
        Outputs of the method, the main output first, each with its pixels (Y, X) float32.
    below : ndarray or None
        (Y, X) float32, the input, for a method whose main output can be blended with it.
    share : float
        Weight of the main output in this blend, 0 to 1.
    unfinished : bool
        Whether a newer or larger one is being computed.
    """

    label: str
    region: Region
    outputs: tuple[tuple[Output, NDArray[np.float32]], ...]
    below: NDArray[np.float32] | None = None
    share: float = 1.0
    unfinished: bool = False

    @property
    def pixels(self) -> NDArray[np.float32]:
        """Pixels (Y, X) of the main output."""
        return self.outputs[0][1]


def apart(low: float, high: float) -> Levels:
    """Return levels with a minimum distance: equal levels are moved one count apart, very large ones more."""
    return (low, high) if high > low else (low, low + max(1.0, abs(low) * 2.0**-20))


def auto_levels(pixels: Pixels, saturated: float = SATURATED[0]) -> Levels:
    """Return levels that saturate `saturated` percent of the finite pixels, half at each end.

    Constant or empty input gives levels one count apart.
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
    """Return the levels of successive presses of Auto, each of which saturates more pixels.

    There is one for every entry of `SATURATED`. Where more pixels than that share the extreme values, the
    levels would stay the same; further ones are those of the pixels between them.
    """
    found: list[Levels] = []
    while len(found) < len(SATURATED):
        distinct = [auto_levels(pixels, saturated) for saturated in SATURATED]
        fresh = [levels for levels in dict.fromkeys(distinct) if levels not in found]
        found += fresh
        low, high = found[-1]
        pixels = pixels[(pixels > low) & (pixels < high)]
        if not fresh or pixels.size == 0:
            break
    return tuple(found[: len(SATURATED)])


def next_auto(choices: tuple[Levels, ...], current: Levels | None) -> Levels:
    """Return the levels for the next press of Auto: those after `current`, or the first."""
    matching = [i for i, choice in enumerate(choices) if choice == current]
    return choices[(matching[-1] + 1) % len(choices)] if matching else choices[0]


def full_range(pixels: Pixels) -> Levels:
    """Return the full range: that of the type for 8 bits, else that of the finite pixels."""
    if pixels.dtype.kind in "ui" and pixels.dtype.itemsize == 1:
        info = np.iinfo(pixels.dtype)
        return float(info.min), float(info.max)
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return apart(low, high)


def difference_limit(raw: Pixels) -> float:
    """Return the difference from `raw` that is displayed in the strongest colour: 4 sigma of the noise.

    Sigma is the scaled median of the absolute second differences along the rows in the centre of the plane
    (the median of |x| is 0.6745 sigma; a second difference has 6 times the variance), which suppresses slow
    variations. Rounded to two digits.
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
    """Return the intensity displayed in the last colour of a separate scale; 0 if there is none.

    The scale starts at 0 and excludes the highest 0.2 percent of the finite pixels. Rounded to two digits.
    """
    flat = pixels[:: max(1, pixels.shape[0] // 512), :: max(1, pixels.shape[1] // 512)]
    finite = flat[np.isfinite(flat)]
    return float(f"{np.percentile(finite, 99.8):.1e}") if finite.size else 0.0


def has_own_scale(output: Output | None) -> bool:
    """Whether an output (None for the source) is displayed with separate levels and colours."""
    return output is not None and output.quantity in OWN_SCALE


def nice_length(limit: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50, ... and their tenths that is not above `limit` (> 0)."""
    power = 10.0 ** math.floor(math.log10(limit) + 1e-9)
    step = next(s for s in (5.0, 2.0, 1.0) if s * power <= limit * (1 + 1e-9))
    return float(f"{step * power:.3g}")


def length_text(length: float, unit: str = "µm") -> str:
    """Format a length: "10 µm", "200 nm", "2 mm", "50 px"."""
    if unit == "µm" and length < 1:
        return f"{length * 1000:g} nm"
    if unit == "µm" and length >= 1000:
        return f"{length / 1000:g} mm"
    return f"{length:g} {unit}"
