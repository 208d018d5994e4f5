"""Estimate the noise of an image from its own pixels: gain, constant and correlation.

The variance of photon noise is a straight line over the mean. Small blocks give one point each, measured in
a band of high frequencies; blocks with structure are left out or corrected for, and at few photons an
instrument (the other half of the pixels) keeps the noise of the means out of the line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.noise.blocks import MARGIN, SIDE, block_means, interior
from core.noise.frames import from_frames
from core.noise.model import NoiseEstimate
from core.noise.plane import from_plane
from core.stack import Stack, middle

LARGEST = 1024
"""Longest side that is looked at, in pixels; larger images are judged by their middle."""

BRIGHTEST = 1e15
"""Intensities that differ by this or more are refused: in float32, sums of their squares are infinite."""

SEVERAL = 512
"""Side in pixels of the middle of each of several frames that are looked at one by one."""

FRAMES = 4
"""Most frames that are looked at."""

_SMALLEST = 2 * MARGIN + SIDE


class _Ends(NamedTuple):
    """Lowest and highest value of an image, and the shares of pixels that pile up there (or 0)."""

    low: float
    high: float
    lowest: float
    saturated: float


def estimate(planes: NDArray[np.generic], *, together: bool = True) -> NoiseEstimate:
    """Estimate the noise of a plane, or of a few frames.

    Parameters
    ----------
    planes : ndarray, shape (Y, X) or (T, Y, X)
        Any real type, in counts; at least 12 x 12. Of several frames the first `FRAMES` are used: by their
        differences if the scene does not change, or else one by one.
    together : bool
        Whether differences may be used: not where frames share noise.

    Returns
    -------
    NoiseEstimate
        Where the pixels allow no estimate (constant, tiny), its `problem` says why.

    Raises
    ------
    QuietfieldError
        If the planes are too small, or their intensities enormous.

    Notes
    -----
    The model is that of A. Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for
    single-image raw-data", IEEE Trans. Image Process. 17 (2008), doi:10.1109/TIP.2008.2001399.
    """
    frames = planes if planes.ndim == 3 else planes[None]
    if frames.ndim != 3 or min(frames.shape[1:]) < _SMALLEST or not len(frames):
        raise QuietfieldError(
            f"Noise cannot be estimated from {' x '.join(map(str, planes.shape))} pixels: "
            f"at least {_SMALLEST} x {_SMALLEST} are needed."
        )
    frames, finite, centre, ends = _prepare(frames)
    several = together and len(frames) > 1
    found = from_frames(frames, _usable(frames, finite, ends)) if several else None
    if found is None:
        found = _one_by_one(frames, finite, ends)
    return replace(
        found,
        model=found.model.shifted(centre),
        constant_error=float(np.hypot(found.constant_error, found.gain_error * centre)),
        mean=found.mean + centre,
        dark=found.dark + centre,
        saturated=ends.saturated,
        lowest=ends.lowest,
    )


def estimate_stack(stack: Stack, **at: int) -> NoiseEstimate:
    """Estimate the noise of a stack from a few of its frames, or from one plane if it has no time.

    Parameters
    ----------
    stack : Stack
        Only what is looked at is read.
    at : int
        Index along ``"C"``, ``"Z"`` or ``"T"``: ``C=1``; by default the first channel, and the middle of the
        rest. Frames are consecutive, the one named in their midst.

    Raises
    ------
    QuietfieldError
        If the planes are too small.
    """
    sizes = stack.sizes
    where: dict[str, slice | int] = {axis: at.get(axis, sizes[axis] // 2) for axis in "TZ" if axis in sizes}
    if "C" in sizes:
        where["C"] = at.get("C", 0)
    if "T" in sizes:
        first = max(0, min(at.get("T", sizes["T"] // 2) - FRAMES // 2, sizes["T"] - FRAMES))
        where["T"] = slice(first, first + FRAMES)
    for axis in "YX":
        where[axis] = middle(sizes[axis], LARGEST)
    pixels = stack.read(stack.region(**where))
    return estimate(pixels.reshape(-1, *pixels.shape[-2:]))


def _prepare(
    frames: NDArray[np.generic],
) -> tuple[NDArray[np.float32], NDArray[np.bool_], float, _Ends]:
    """Middle of a few frames about their median, where they are finite, that median, and what piles up."""
    rows, columns = (middle(n, LARGEST) for n in frames.shape[1:])
    some = frames[:FRAMES, rows, columns]
    finite = np.isfinite(some)
    sample = some[:, ::7, ::5][finite[:, ::7, ::5]]
    centre = float(np.median(sample)) if sample.size else 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        pixels = (np.where(finite, some, centre) - centre).astype(np.float32)
    if not np.abs(pixels).max() < BRIGHTEST:
        raise QuietfieldError(
            f"Noise cannot be estimated where intensities differ by {BRIGHTEST:g} and more, since their "
            "squares are no numbers any more. Divide the stack by a constant."
        )
    return pixels, finite, centre, _ends(pixels)


def _usable(pixels: NDArray[np.float32], finite: NDArray[np.bool_], ends: _Ends) -> NDArray[np.bool_]:
    """Which blocks of each frame (T, Y, X) hold only pixels that say how large the noise is."""
    bad = ~finite
    if ends.saturated:
        bad |= pixels >= ends.high
    usable = np.stack([block_means(interior(mask.astype(np.float32))).ravel() == 0 for mask in bad])
    if ends.lowest:
        # background that was cut off has too little noise; but where photons are few, zeros are what there is
        low = (pixels <= ends.low).astype(np.float32)
        free = np.stack([block_means(interior(mask)).ravel() < 0.05 for mask in low])
        if (usable & free).mean() > 0.05:
            usable &= free
    return usable


def _one_by_one(pixels: NDArray[np.float32], finite: NDArray[np.bool_], ends: _Ends) -> NoiseEstimate:
    """Estimate from each frame by itself: of several, from the middle of each."""
    if len(pixels) > 1:
        rows, columns = (middle(n, SEVERAL) for n in pixels.shape[1:])
        pixels, finite = pixels[:, rows, columns], finite[:, rows, columns]
    usable = _usable(pixels, finite, ends)
    return _middle([from_plane(*one) for one in zip(pixels, usable, strict=True)])


def _ends(pixels: NDArray[np.float32]) -> _Ends:
    low, high = float(pixels.min()), float(pixels.max())
    shares = []
    for value, inner in ((low, pixels > low), (high, pixels < high)):
        rest = pixels[inner]
        if not rest.size:
            shares.append(0.0)
            continue
        nearest = float(rest.min() if value == low else rest.max())
        count, beside = pixels.size - rest.size, int((rest == nearest).sum())
        shares.append(count / pixels.size if count > max(2 * beside, 1e-4 * pixels.size) else 0.0)
    return _Ends(low, high, *shares)


def _middle(found: list[NoiseEstimate]) -> NoiseEstimate:
    """Middle one of the estimates of several planes, by the noise at their common mean."""
    if len(found) == 1:
        return found[0]
    mean = float(np.mean([one.mean for one in found]))
    ranked = sorted(found, key=lambda one: (not one.reliable, float(one.model.variance(mean))))
    reliable = sum(one.reliable for one in found) or len(found)
    return ranked[reliable // 2]
