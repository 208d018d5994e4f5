"""Measurements on the pixels of a stack that decide how to train on it."""

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
from core.recorded import Recorded
from core.stack import Stack, middle

UNLIKE = 0.2
"""Difference of the correlations along both axes that isotropic structure does not explain."""

MOVES = 2.0
"""Excess of the change between two frames above which the scene moves."""


def lines(stack: Stack, reach: int) -> tuple[Literal["", "x", "y", "both"], Finding]:
    """Return the axes along which the noise of neighbouring pixels is correlated, in any channel.

    If fine structure covers the image, the noise estimate cannot distinguish it from correlated noise. In
    this case the two axes are compared, and only an axis with a much larger correlation is returned.

    Parameters
    ----------
    stack : Stack
        Training stack.
    reach : int
        Number of masked pixels on each side of a hidden pixel.

    Returns
    -------
    line : {"", "x", "y", "both"}
        Axes; "" for none.
    finding : Finding
        Correlations, and the decision.
    """
    found = Survey.of(stack).noise().channels
    known = [noise for noise in found if noise.reliable]
    if known:
        along_x = max((noise.correlation_x for noise in known), key=abs)
        along_y = max((noise.correlation_y for noise in known), key=abs)
        # lines along both axes leave few pixels for training: an axis with small correlation is ignored
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
    """Return the noise of each channel, and the transform that makes it uniform.

    A channel without noise is not transformed.

    Raises
    ------
    QuietfieldError
        If the noise cannot be estimated: planes too small, or intensities too large.
    """
    return [(_stabiliser(one), one) for one in Survey.of(stack).noise().channels]


def _stabiliser(noise: NoiseEstimate) -> Stabiliser:
    return Stabiliser(gain=0.0, constant=1.0) if noise.absent else noise.model.stabiliser()


def photons(known: Sequence[tuple[Stabiliser, NoiseEstimate]]) -> Normalisation:
    """Return the normalisation from counts to photons, whose variance equals their mean.

    If the noise is constant, the unit is its standard deviation. An equivalent amount of light accounts for
    the variance of the read noise.
    """
    means, stds = zip(*((stabiliser.zero, stabiliser.unit) for stabiliser, _ in known), strict=True)
    return Normalisation(offset=0.0, mean=means, std=stds, fill=known[0][1].mean)


def alike(plane: NDArray[np.floating]) -> float:
    """Return the correlation of neighbours in a row, after third differences across rows.

    The differences suppress structure.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Pixels, at least 5 x 5; non-finite pixels are ignored.
    """
    change = np.diff(plane, n=3, axis=0)
    change -= np.nanmean(change) if np.isfinite(change).any() else 0.0
    first, second = change[:, :-1], change[:, 1:]
    good = np.isfinite(first) & np.isfinite(second)
    both = float((np.square(first[good]) + np.square(second[good])).sum()) / 2
    return float((first[good] * second[good]).sum()) / both if both > 0 else 0.0


def motion(stack: Stack) -> Finding | None:
    """Return a finding about a frame in which the scene has moved or changed, beyond the noise.

    The means of blocks of 8x8 pixels in the first frame are compared with those in the middle and in
    the last frame. A common change of brightness, such as bleaching, is ignored.
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
    """Return the central part of a plane of a channel; NaN where nothing was recorded.

    By default it is that of the middle plane, or of the nearest one in time that is not blank.
    """
    if time is None and stack.sizes.get("T", 1) > 1:
        centre, without = stack.sizes["T"] // 2, Survey.of(stack).outlying("T")
        usual = [index for index in range(stack.sizes["T"]) if index not in without]
        time = min(usual or [centre], key=lambda index: abs(index - centre))
    at: dict[str, slice | int] = {axis: stack.sizes[axis] // 2 for axis in "TZ" if axis in stack.axes}
    if time is not None:
        at["T"] = time
    if "C" in stack.axes:
        at["C"] = channel
    for axis in "YX":
        at[axis] = middle(stack.sizes[axis], LARGEST)
    pixels = Recorded.of(stack).measured(stack.region(**at))
    plane = pixels.reshape(pixels.shape[-2:]).astype(np.float64)
    plane[~np.isfinite(plane)] = np.nan
    return plane
