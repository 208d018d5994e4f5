"""What the pixels of a stack say about how to train on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, Proposal, kinds
from core.learning.data import Normalisation
from core.noise.estimate import LARGEST
from core.noise.motion import compare
from core.noise.noise_estimate import BLIND_SPOT_LIMIT, NoiseEstimate
from core.noise.survey import Survey
from core.noise.transform import Stabiliser
from core.stack import Stack, middle

UNLIKE = 0.2
"""Difference of the correlations along both axes that structure, having no direction, does not explain."""

MOVES = 2.0
"""Excess of the change between two frames above which the scene moves."""


def lines(stack: Stack, reach: int) -> tuple[Literal["", "x", "y", "both"], Finding]:
    """Find along which axes neighbouring pixels share noise, in any channel.

    Where fine structure covers the image, so that the noise estimate cannot tell it from correlated
    noise, the two axes are compared: only one along which neighbours are far more alike is named.

    Parameters
    ----------
    stack : Stack
        What is to be trained on.
    reach : int
        Pixels that will be covered on each side of a hidden one.

    Returns
    -------
    line : {"", "x", "y", "both"}
        The axes; "" for none.
    finding : Finding
        The correlations, and what follows from them.
    """
    found = Survey.of(stack).noise().channels
    known = [noise for noise in found if noise.reliable]
    if known:
        along_x = max((noise.correlation_x for noise in known), key=abs)
        along_y = max((noise.correlation_y for noise in known), key=abs)
        # lines along both axes leave few pixels to learn from: an axis of little weight is passed over
        least = max(BLIND_SPOT_LIMIT, 0.5 * max(abs(along_x), abs(along_y)))
        x, y = abs(along_x) > least, abs(along_y) > least
    else:
        planes = [middle_plane(stack, channel) for channel in range(len(found))]
        pairs = [(alike(plane), alike(plane.T)) for plane in planes]
        along_x, along_y = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
        x, y = along_x > along_y + UNLIKE, along_y > along_x + UNLIKE
    line: Literal["", "x", "y", "both"] = "both" if x and y else "x" if x else "y" if y else ""
    details: dict[str, str | int | float] = {"along_x": along_x, "along_y": along_y}
    if line:
        where = {"x": "rows", "y": "columns", "both": "both"}[line]
        details |= {"where": where, "length": 2 * reach + 1}
        return line, Finding(kind=kinds.LINES_MASKED, details=details)
    kind = kinds.LINES_UNNECESSARY if known else kinds.LINES_UNKNOWN
    return line, Finding(kind=kind, details=details)


def levels(stack: Stack) -> list[tuple[Stabiliser, NoiseEstimate]]:
    """Noise of each channel, and the transform that makes it uniform.

    A channel without any noise is left as it is.

    Raises
    ------
    QuietfieldError
        If the noise cannot be measured: planes too small, or intensities enormous.
    """
    return [(_stabiliser(one), one) for one in Survey.of(stack).noise().channels]


def _stabiliser(noise: NoiseEstimate) -> Stabiliser:
    return Stabiliser(gain=0.0, constant=1.0) if noise.absent else noise.model.stabiliser()


def photons(known: Sequence[tuple[Stabiliser, NoiseEstimate]]) -> Normalisation:
    """How counts become photons: their variance is their mean; or where noise is constant, multiples of it.

    Light that is not seen, but adds to the variance as read noise does, counts as photons too.
    """
    means, stds = zip(*((stabiliser.zero, stabiliser.unit) for stabiliser, _ in known), strict=True)
    return Normalisation(offset=0.0, mean=means, std=stds, fill=known[0][1].mean)


def alike(plane: NDArray[np.floating]) -> float:
    """Correlation of neighbours in a row, after third differences across rows, which leave little structure.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Pixels; at least 5 x 5. Those that are not finite are left out.
    """
    change = np.diff(plane, n=3, axis=0)
    change -= np.nanmean(change) if np.isfinite(change).any() else 0.0
    first, second = change[:, :-1], change[:, 1:]
    good = np.isfinite(first) & np.isfinite(second)
    both = float((np.square(first[good]) + np.square(second[good])).sum()) / 2
    return float((first[good] * second[good]).sum()) / both if both > 0 else 0.0


def motion(stack: Stack) -> Finding | None:
    """Find a frame in which the scene has moved or changed, as far as the noise allows to see it.

    The means of blocks of 8x8 pixels in the first frame are compared with those in the middle and in
    the last one. A common change of brightness, such as bleaching, does not count.
    """
    times = stack.sizes["T"]
    for channel, noise in enumerate(Survey.of(stack).noise().channels):
        first = middle_plane(stack, channel, time=0)
        for time in sorted({times // 2, times - 1} - {0}):
            excess = compare(first, middle_plane(stack, channel, time=time), noise).excess
            if excess > MOVES:
                return Finding(
                    kind=kinds.SCENE_MOVES, value=excess, limit=MOVES, details={"frame": time},
                    proposal=Proposal(label="Choose Noise2Void", method="n2v"),
                )  # fmt: skip
    return None


def middle_plane(stack: Stack, channel: int, time: int | None = None) -> NDArray[np.float64]:
    """Middle of a plane of a channel, by default of the middle one, NaN where it is not finite."""
    at: dict[str, slice | int] = {axis: stack.sizes[axis] // 2 for axis in "TZ" if axis in stack.axes}
    if time is not None:
        at["T"] = time
    if "C" in stack.axes:
        at["C"] = channel
    for axis in "YX":
        at[axis] = middle(stack.sizes[axis], LARGEST)
    pixels = stack.read(stack.region(**at))
    plane = pixels.reshape(pixels.shape[-2:]).astype(np.float64)
    plane[~np.isfinite(plane)] = np.nan
    return plane
