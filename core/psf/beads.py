"""Point spread functions from images of fluorescent beads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from core.errors import QuietfieldError
from core.progress import Context
from core.psf.diameter import check_diameter, without_diameter
from core.psf.files import resampled
from core.psf.value import FWHM, Psf
from core.stack import Stack

ENOUGH = 3
"""Minimum number of beads that are averaged."""

MOST = 300
"""Maximum number of beads that are fitted, the brightest first."""

FAINT = 8.0
"""Noise standard deviations above the background of the faintest beads, in the smoothed image."""

REACH = 3.0
"""Radius of the part around a bead in standard deviations of its Gaussian."""

WIDEST = 12.0
"""Largest standard deviation of a bead in pixels."""

ALIKE = 1.5
"""Factor by which brightness and width of a single bead may differ from the median."""

SATURATED = 3
"""A bead with this number of equal, largest pixels is saturated."""

FARTHEST = 5.0
"""Largest ratio of the pixel sizes of beads and stack."""

Image = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bead:
    """A bead: centre (Z, Y, X), standard deviations (Z, Y, X), amplitude and background."""

    centre: tuple[float, float, float]
    sigmas: tuple[float, float, float]
    amplitude: float
    background: float


def psf_from_beads(
    stack: Stack, spacing: Mapping[str, float] | None = None, context: Context | None = None, *,
    diameter: float = 0.0,
) -> Psf:  # fmt: skip
    """Return the PSF that the images of beads show.

    Beads are found as bright maxima, fitted with a Gaussian on a background, and averaged after their
    background has been subtracted and their centre has been moved to the centre of a pixel. Beads that are
    saturated, close to others or to the border, brighter or wider than most, are left out.

    Parameters
    ----------
    stack : Stack
        Image YX or stack ZYX of beads; the first channel of other axes, and the mean over time.
    spacing : dict of str to float, optional
        Pixel size of the result in micrometres; by default that of the beads.
    context : Context, optional
        Progress and cancellation.
    diameter : float
        Diameter of the beads in micrometres, which is removed from their image; 0 for beads that are much
        smaller than the PSF.

    Returns
    -------
    Psf
        With three axes if the stack has several planes.

    Raises
    ------
    QuietfieldError
        If there are no beads, too few of them, or only saturated or overlapping ones; or if their pixels
        or their diameter do not fit.
    """
    context = context or Context()
    context.step(0.0, "Finding beads")
    name, volume = stack.meta.name, _volume(stack)
    _check_pixels(stack.meta.spacing, spacing or {}, name)
    flat = volume.max(0)
    background, noise = _levels(flat)
    places = _maxima(flat, background, noise)
    if not len(places):
        raise QuietfieldError(
            f"No beads were found in {name}: nothing stands out from the background like a small bright "
            "point. Name an image of separate fluorescent beads."
        )
    found, lost = _fit_all(volume, places, context.part(0.1, 0.8))
    beads = _typical(found)
    if len(beads) < ENOUGH:
        reasons = ", ".join(f"{count} {why}" for why, count in lost.items() if count)
        raise QuietfieldError(
            f"Only {len(beads)} of {len(places)} bright points in {name} can be used as beads; at least "
            f"{ENOUGH} are needed{f' ({reasons})' if reasons else ''}. Record more separate beads that are "
            "not saturated."
        )
    context.step(0.9, "Averaging beads")
    kernel = _average(volume, beads)
    sigmas = np.median([bead.sigmas for bead in beads], axis=0)
    axes = "ZYX" if kernel.ndim == 3 else "YX"
    if diameter:
        across = dict(zip("YX", (float(sigma) for sigma in sigmas[1:]), strict=True))
        check_diameter(diameter, across, stack.meta.spacing, name)
        steps = tuple(stack.meta.spacing.get(axis, 0.0) for axis in axes)
        if not all(steps):
            raise QuietfieldError(
                f"The Z step of {name} is unknown, so the diameter of its beads cannot be removed. Save the "
                "stack with its Z step, or give no diameter."
            )
        kernel = without_diameter(kernel, steps, diameter, context.part(0.9, 1.0))
    fitted = dict(zip("ZYX", _fit_sigmas(kernel, sigmas), strict=True))
    known = {axis: step for axis, step in stack.meta.spacing.items() if axis in axes}
    psf = Psf(
        kernel=kernel.astype(np.float32), spacing=known, source="beads",
        request=beads_text(stack.meta.path or name, diameter),
        fwhm={axis: FWHM * fitted[axis] for axis in axes},
        facts={
            "beads": float(len(beads)), "points": float(len(places)), "file": name,
            **({"diameter": diameter} if diameter else {}),
        },
    )  # fmt: skip
    return resampled(psf, spacing or {}, name)


def beads_text(path: Path | str, diameter: float) -> str:
    """Return the text that asks for a PSF from beads, such as "beads:diameter=0.1,FILE.tif"."""
    return f"beads:diameter={diameter:.10g},{path}" if diameter else f"beads:{path}"


def _check_pixels(mine: Mapping[str, float], wanted: Mapping[str, float], name: str) -> None:
    for axis in "X":
        if not (mine.get(axis) and wanted.get(axis)):
            continue
        if abs(math.log(mine[axis] / wanted[axis])) > math.log(FARTHEST):
            raise QuietfieldError(
                f"The beads in {name} have pixels of {mine[axis]:.4g} µm, the stack of {wanted[axis]:.4g} "
                "µm; they cannot be of the same microscope. Correct the pixel size of one of them."
            )


def _volume(stack: Stack) -> Image:
    """Return the pixels of the first channel, (Z, Y, X), averaged over time."""
    region = stack.region(**({"C": 0} if "C" in stack.axes else {}))
    pixels = np.asarray(stack.read(region), np.float64)
    axes = stack.axes
    for axis in "TC":
        if axis in axes:
            pixels = pixels.mean(axes.index(axis))
            axes = axes.replace(axis, "")
    volume = pixels if "Z" in axes else pixels[None]
    if min(volume.shape[-2:]) < 16:
        raise QuietfieldError(
            f"{stack.meta.name} has {volume.shape[-1]} x {volume.shape[-2]} pixels, too few for beads. Name "
            "an image of at least 16 x 16 pixels."
        )
    if not np.isfinite(volume).all():
        raise QuietfieldError(f"{stack.meta.name} contains pixels that are not finite (NaN or infinite).")
    return volume


def _levels(flat: Image) -> tuple[float, float]:
    """Return the background and its noise in the smoothed image."""
    low = float(np.percentile(flat, 20))
    rough = np.abs(flat - ndimage.median_filter(flat, 3))
    # a Gaussian of sigma 1 px reduces independent noise by the factor 2 sqrt(pi)
    spread = 1.4826 * float(np.median(rough)) / (2 * math.sqrt(math.pi))
    return low, max(spread, 1e-9 * max(abs(low), 1.0))


def _maxima(flat: Image, background: float, noise: float) -> list[tuple[int, int]]:
    """Return rows and columns of bright local maxima, the brightest first."""
    smooth = ndimage.gaussian_filter(flat, 1.0)
    peaks = (smooth == ndimage.maximum_filter(smooth, 5)) & (smooth > background + FAINT * noise)
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-smooth[rows, columns])
    return [(int(rows[n]), int(columns[n])) for n in order]


def _fit_all(
    volume: Image, places: list[tuple[int, int]], context: Context
) -> tuple[list[_Bead], dict[str, int]]:
    """Return the fitted beads, and how many were left out for each reason."""
    lost = {"saturated": 0, "close to others": 0, "at the border": 0, "not like a point": 0}
    found: list[_Bead] = []
    flat, top = volume.max(0), volume.max()
    fitted = [_fit(volume, place, 5) for place in places[:20]]
    widths = [max(bead.sigmas[1:]) for bead in fitted if bead is not None]
    radius = max(3, math.ceil(REACH * float(np.median(widths)))) if widths else 5
    points = np.array(places)
    for done, place in enumerate(places[:MOST]):
        context.step(done / min(len(places), MOST), "Fitting beads")
        away = np.abs(points - place).max(1)
        near = flat[max(0, place[0] - 2) : place[0] + 3, max(0, place[1] - 2) : place[1] + 3]
        inside = all(radius <= at < n - radius for at, n in zip(place, flat.shape, strict=True))
        if (near >= top).sum() >= SATURATED:
            lost["saturated"] += 1
        elif ((away > 0) & (away <= 1.5 * radius)).any():
            lost["close to others"] += 1
        elif not inside:
            lost["at the border"] += 1
        else:
            bead = _fit(volume, place, radius)
            if bead is None:
                lost["not like a point"] += 1
            else:
                found.append(bead)
    return found, lost


def _fit(volume: Image, place: tuple[int, int], radius: int) -> _Bead | None:
    """Fit a Gaussian on a background to a bead; None if it is none."""
    row, column = place
    top, left = max(0, row - radius), max(0, column - radius)
    part = volume[:, top : row + radius + 1, left : column + radius + 1]
    if min(part.shape[1:]) < 4:
        return None
    low, high = float(np.percentile(part, 20)), float(part.max())
    depth = int(part.max((1, 2)).argmax())
    grids = np.meshgrid(*(np.arange(n, dtype=float) for n in part.shape), indexing="ij")
    deep = len(volume) > 1

    def model(values: Image) -> Image:
        shape = np.exp(
            -0.5 * ((grids[1] - values[2]) / values[3]) ** 2 - 0.5 * ((grids[2] - values[4]) / values[5]) ** 2
        )
        if deep:
            shape = shape * np.exp(-0.5 * ((grids[0] - values[6]) / values[7]) ** 2)
        return np.asarray(values[0] + values[1] * shape)

    start = [low, high - low, row - top, 1.5, column - left, 1.5, *([depth, 2.0] if deep else [])]
    least = [-np.inf, 0, 0, 0.2, 0, 0.2, *([0, 0.2] if deep else [])]
    most = [
        np.inf,
        np.inf,
        part.shape[1],
        WIDEST,
        part.shape[2],
        WIDEST,
        *([len(volume), 4 * WIDEST] if deep else []),
    ]
    if not high > low:
        return None
    scale = high - low
    try:
        solved = optimize.least_squares(
            lambda v: ((model(v) - part) / scale).ravel(),
            start,
            bounds=(least, most),
            max_nfev=60,
            x_scale="jac",
        )
    except ValueError:
        return None
    v = solved.x
    if v[1] < 0.3 * scale or max(v[3], v[5]) > 0.9 * WIDEST:
        return None
    if deep and not v[7] / 2 <= v[6] <= len(volume) - 1 - v[7] / 2:
        return None
    return _Bead(
        centre=(float(v[6]) if deep else 0.0, top + float(v[2]), left + float(v[4])),
        sigmas=(float(v[7]) if deep else 0.0, float(v[3]), float(v[5])),
        amplitude=float(v[1]), background=float(v[0]),
    )  # fmt: skip


def _typical(beads: list[_Bead]) -> list[_Bead]:
    """Return the beads whose brightness and width are close to the median: single ones."""
    if not beads:
        return []
    widths = np.array([math.hypot(*bead.sigmas[1:]) for bead in beads])
    light = np.array([bead.amplitude * bead.sigmas[1] * bead.sigmas[2] for bead in beads])
    alike = (np.abs(np.log(widths / np.median(widths))) < math.log(ALIKE)) & (
        np.abs(np.log(light / np.median(light))) < 2 * math.log(ALIKE)
    )
    return [bead for bead, like in zip(beads, alike, strict=True) if like]


def _average(volume: Image, beads: list[_Bead]) -> Image:
    """Return the mean image of beads around their centres, (Y, X) or (Z, Y, X), 0 at its border."""
    sigmas = np.median([bead.sigmas for bead in beads], axis=0)
    reach = [math.ceil(REACH * sigma) for sigma in sigmas]
    reach[0] = min(reach[0], (len(volume) - 1) // 2)
    total, weight = np.zeros([2 * r + 1 for r in reach]), 0.0
    for bead in beads:
        along = [c + np.arange(-r, r + 1) for c, r in zip(bead.centre, reach, strict=True)]
        grids = np.meshgrid(*along, indexing="ij")
        if len(volume) > 1:
            image = ndimage.map_coordinates(volume, grids, order=3, mode="mirror")
        else:
            flat = [grid[0] for grid in grids[1:]]
            image = ndimage.map_coordinates(volume[0], flat, order=3, mode="mirror")[None]
        total += image - bead.background
        weight += bead.amplitude
    mean = total / weight
    ends = [np.abs(np.arange(-r, r + 1)) / (r + 1) for r in reach]
    far = np.sqrt(sum(e.reshape([-1 if a == n else 1 for a in range(3)]) ** 2 for n, e in enumerate(ends)))
    # towards the border, where little but noise is left, the kernel falls to 0
    fade = np.clip((1 - np.asarray(far)) / 0.2, 0, 1)
    kernel = np.clip(mean * fade, 0, None)
    return np.asarray(kernel[0] if len(kernel) == 1 else kernel)


def _fit_sigmas(kernel: Image, start: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the standard deviations of a Gaussian fitted to the averaged bead, (Z, Y, X)."""
    whole = kernel if kernel.ndim == 3 else kernel[None]
    middle = [n // 2 for n in whole.shape]
    bead = _fit(whole, (middle[1], middle[2]), max(middle[1:]))
    if bead is None:
        z, y, x = (float(value) for value in start)
        return z, y, x
    return bead.sigmas
