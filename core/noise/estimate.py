"""Estimate the noise of an image from its own pixels: gain, constant and correlation.

The variance of photon noise is a linear function of the mean. Each small block gives one point of this line,
measured in a band of high frequencies. Blocks with structure are excluded or corrected. At low photon counts
an instrumental variable (the other half of the pixels) removes the bias by the noise of the means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.noise.blocks import MARGIN, SIDE, block_means, interior
from core.noise.frames import from_frames
from core.noise.noise_estimate import NoiseEstimate
from core.noise.plane import from_plane
from core.noise.unit import unit_of
from core.stack import middle

LARGEST = 1024
"""Maximum side of the examined region, in pixels; of larger images the central part is used."""

BRIGHTEST = 1e130
"""Limit of differences of intensities; the variance of larger ones overflows."""

FARTHEST = 1e15
"""Difference from the median, relative to the usual range, from which on a pixel is ignored."""

USUAL = 0.99
"""Fraction of pixels whose differences from the median are within the usual range."""

FRAMES = 4
"""Maximum number of frames that are used."""

_NEAR, _AT = 1.0, 0.2
# distance in gains of the zero of the variance from the smallest value, for photons that are counted without
# read noise: without and with the blocks that have this value

_Found = TypeVar("_Found", NoiseEstimate, NoiseEstimate | None)

_SMALLEST = 2 * MARGIN + SIDE


class _Scale(NamedTuple):
    """Normalised pixels are ``(counts - centre) / unit``; most are between -1 and 1."""

    centre: float
    unit: float


class _Ends(NamedTuple):
    """Smallest and largest value of an image, and the fractions of pixels clipped to them (or 0)."""

    low: float
    high: float
    lowest: float
    saturated: float


def estimate(plane: NDArray[np.generic]) -> NoiseEstimate:
    """Estimate the noise of a plane.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Any real type, in counts; at least 12 x 12. The central part of a large plane is used.

    Returns
    -------
    NoiseEstimate
        If the pixels allow no estimate (constant, tiny), its `problem` states why.

    Raises
    ------
    QuietfieldError
        If the plane is too small, or its intensities too large.

    Notes
    -----
    The model is that of A. Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for
    single-image raw-data", IEEE Trans. Image Process. 17 (2008), doi:10.1109/TIP.2008.2001399.
    """
    pixels, finite, scale, ends = _prepare(plane[None])
    found = _fit(lambda usable: from_plane(pixels[0], usable[0]), pixels, finite, ends)
    return _in_counts(found, scale, ends)


def estimate_frames(frames: NDArray[np.generic]) -> NoiseEstimate | None:
    """Estimate the noise of consecutive frames from their differences.

    Parameters
    ----------
    frames : ndarray, shape (T, Y, X)
        Two or more, of which the first `FRAMES` are used; otherwise as in `estimate`.

    Returns
    -------
    NoiseEstimate or None
        None if the scene changes, or if frames share noise.

    Raises
    ------
    QuietfieldError
        If the planes are too small, or their intensities too large.
    """
    pixels, finite, scale, ends = _prepare(frames)
    found = _fit(lambda usable: from_frames(pixels, usable), pixels, finite, ends)
    return None if found is None else _in_counts(found, scale, ends)


def select_middle(found: Sequence[NoiseEstimate]) -> NoiseEstimate:
    """Return the median of the estimates of several planes, by the variance at their common mean."""
    mean = float(np.mean([one.mean for one in found]))
    ranked = sorted(found, key=lambda one: (not one.reliable, float(one.model.variance(mean))))
    reliable = sum(one.reliable for one in found) or len(found)
    return ranked[reliable // 2]


def _in_counts(found: NoiseEstimate, scale: _Scale, ends: _Ends) -> NoiseEstimate:
    """Convert an estimate of normalised pixels to counts, and add clipped fractions."""
    found, centre = found.scaled(scale.unit), scale.centre
    return replace(
        found,
        model=found.model.shifted(centre),
        constant_error=float(np.hypot(found.constant_error, found.gain_error * centre)),
        mean=found.mean + centre,
        dark=found.dark + centre,
        saturated=ends.saturated,
        ceiling=ends.high * scale.unit + centre if ends.saturated else np.inf,
        lowest=ends.lowest,
    )


def _prepare(
    frames: NDArray[np.generic],
) -> tuple[NDArray[np.float32], NDArray[np.bool_], _Scale, _Ends]:
    """Return the normalised central part of frames, finite pixels, their scale and clipping.

    The unit is a power of two: the estimate of a multiple of the frames is that multiple of the estimate.
    """
    if min(frames.shape[1:]) < _SMALLEST:
        raise QuietfieldError(
            f"Noise cannot be estimated from {' x '.join(map(str, frames.shape[1:]))} pixels: "
            f"at least {_SMALLEST} x {_SMALLEST} are needed."
        )
    rows, columns = (middle(n, LARGEST) for n in frames.shape[1:])
    some = frames[:FRAMES, rows, columns]
    finite = np.isfinite(some)
    sample = some[:, ::7, ::5][finite[:, ::7, ::5]]
    centre = float(np.median(sample)) if sample.size else 0.0
    with np.errstate(over="ignore"):
        relative = np.where(finite, some, centre).astype(np.float64) - centre
    usual = float(np.quantile(np.abs(relative[:, ::7, ::5]), USUAL)) or float(np.abs(relative).max())
    if not usual < BRIGHTEST:
        raise QuietfieldError(
            f"Noise cannot be estimated if intensities differ by {BRIGHTEST:g} or more, since their squares "
            "overflow. Divide the stack by a constant."
        )
    unit = unit_of(usual)
    far = np.abs(relative) > FARTHEST * unit
    if far.any():
        finite, relative = finite & ~far, np.where(far, 0.0, relative)
    pixels = (relative / unit).astype(np.float32)
    return pixels, finite, _Scale(centre, unit), _ends(pixels)


def _usable(pixels: NDArray[np.float32], finite: NDArray[np.bool_], ends: _Ends) -> NDArray[np.bool_]:
    """Return which blocks of each frame (T, Y, X) contain only pixels suitable for the noise estimate."""
    bad = ~finite
    if ends.saturated:
        bad |= pixels >= ends.high
    usable = np.stack([block_means(interior(mask.astype(np.float32))).ravel() == 0 for mask in bad])
    if ends.lowest:
        # clipped background has too little noise; but at low photon counts, zeros are valid
        low = (pixels <= ends.low).astype(np.float32)
        free = np.stack([block_means(interior(mask)).ravel() < 0.05 for mask in low])
        if (usable & free).mean() > 0.05:
            usable &= free
    return usable


def _fit(
    measure: Callable[[NDArray[np.bool_]], _Found],
    pixels: NDArray[np.float32],
    finite: NDArray[np.bool_],
    ends: _Ends,
) -> _Found:
    """Measure usable blocks; those of the smallest value too, if it is that of pixels without photons."""
    found = measure(_usable(pixels, finite, ends))
    if ends.lowest and _starts_at(ends.low, found, _NEAR):
        complete = measure(_usable(pixels, finite, ends._replace(lowest=0.0)))
        if _starts_at(ends.low, complete, _AT):
            return complete
    return found


def _starts_at(low: float, found: NoiseEstimate | None, distance: float) -> bool:
    """Return whether the variance on the line is 0 at a value, within a distance in gains."""
    gain = found.model.gain if found is not None else 0.0
    return found is not None and gain > 0 and abs(found.model.constant + gain * low) < distance * gain * gain


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
