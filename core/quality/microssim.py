"""MicroSSIM: structural similarity for images with a camera offset and a large range.

Ashesh, Deschamps and Jug 2024, "MicroSSIM: improved structural similarity for comparing microscopy data",
arXiv:2408.08747. Plain SSIM is close to 1 for all images whose offset is large compared with their contrast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from core.quality.metric import Plane, Planes

BACKGROUND = 3.0
"""Percentile of each image that is subtracted from it."""

SIDE = 7
"""Side of the uniform window in which the scale is fitted, in pixels."""

SIGMA, RADIUS = 1.5, 5
"""Standard deviation and half width of the Gaussian window of the result, in pixels."""

FITTED = 2**16
"""Approximate number of windows of a large image in which the scale is fitted."""

K1, K2 = 0.01, 0.03

Window = Callable[[Plane], Plane]


def microssim(
    image: NDArray[Any], reference: NDArray[Any], recorded: NDArray[np.bool_] | None = None
) -> float:
    """Return the MicroSSIM of an image.

    The 3rd percentile of each image is subtracted, and both are divided by the maximum of the reference. The
    image is scaled by the factor that maximises the mean SSIM in a uniform window of 7 x 7 pixels. The result
    is the mean SSIM in a Gaussian window of 11 x 11 pixels. Both use sample covariances, as in the authors'
    program.

    Parameters
    ----------
    image, reference : ndarray, shape (Y, X)
        Image, and its reference.
    recorded : ndarray of bool, shape (Y, X), optional
        Pixels that are compared; windows with others do not count.

    Returns
    -------
    float
        At most 1; NaN if no window is complete, as if a side is shorter than 11 pixels, or the reference
        has no range.
    """
    x, r = (np.asarray(plane, np.float64) for plane in (image, reference))
    if min(r.shape) < 2 * RADIUS + 1:
        return math.nan
    where = np.ones(r.shape, bool) if recorded is None else recorded
    if not _complete(where, 2 * RADIUS + 1).any():
        return math.nan
    x, r = (np.where(where, plane - np.percentile(plane[where], BACKGROUND), 0.0) for plane in (x, r))
    top = float(r[where].max())
    if top <= 0:
        return math.nan
    x, r = x / top, r / top
    uniform = _Similarity.of(x, r, where, _uniform, SIDE, step=max(1, math.isqrt(r.size // FITTED)))
    # the scale of least squares is near the best one, however the image is scaled
    power = float(np.vdot(x, x))
    near = float(np.vdot(x, r)) / power if power > 0 else 0.0
    if near <= 0:
        return _Similarity.of(x, r, where, _gaussian, 2 * RADIUS + 1).mean(1.0)
    found = optimize.minimize_scalar(
        lambda log: -uniform.mean(near * math.exp(log)),
        bounds=(-3, 3),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return _Similarity.of(x, r, where, _gaussian, 2 * RADIUS + 1).mean(near * math.exp(float(found.x)))


def of_planes(planes: Planes) -> float:
    """Return the MicroSSIM of a plane that has a reference; see `microssim`."""
    if planes.reference is None:
        raise ValueError("this metric needs a reference")
    return microssim(planes.image, planes.reference, planes.recorded)


@dataclass(frozen=True, slots=True)
class _Similarity:
    """Local means, variances and covariance of an image x and its reference r."""

    mx: Plane
    mr: Plane
    vx: Plane
    vr: Plane
    both: Plane
    span: float
    complete: NDArray[np.bool_]

    @classmethod
    def of(
        cls, x: Plane, r: Plane, where: NDArray[np.bool_], window: Window, side: int, step: int = 1
    ) -> _Similarity:
        """Return the statistics of one window in `step` x `step` of them; of pixels `where` only."""

        def local(values: Plane) -> Plane:
            return window(values)[::step, ::step]

        mx, mr = local(x), local(r)
        sample = side**2 / (side**2 - 1)
        vx, vr = sample * (local(x * x) - mx * mx), sample * (local(r * r) - mr * mr)
        complete = _complete(where, side)[::step, ::step]
        return cls(mx, mr, vx, vr, sample * (local(x * r) - mx * mr), float(np.ptp(r[where])), complete)

    def mean(self, scale: float) -> float:
        """Return the mean SSIM of the image times a factor."""
        c1, c2 = (K1 * self.span) ** 2, (K2 * self.span) ** 2
        light = (2 * scale * self.mx * self.mr + c1) / (scale**2 * self.mx**2 + self.mr**2 + c1)
        form = (2 * scale * self.both + c2) / (scale**2 * self.vx + self.vr + c2)
        found = light * form
        return float((found if self.complete.all() else found[self.complete]).mean())


def _complete(where: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Return which windows contain true pixels only; the windows are those of `_uniform` and `_gaussian`."""
    margin = side // 2
    inner = slice(margin, -margin)
    if where.all():
        return np.ones(where.shape, bool)[inner, inner]
    found: NDArray[np.bool_] = ndimage.minimum_filter(where.view(np.uint8), side)[inner, inner].astype(bool)
    return found


def _uniform(values: Plane) -> Plane:
    margin = SIDE // 2
    means: Plane = ndimage.uniform_filter(values, SIDE)[margin:-margin, margin:-margin]
    return means


def _gaussian(values: Plane) -> Plane:
    means: Plane = ndimage.gaussian_filter(values, SIGMA, radius=RADIUS, mode="reflect")
    return means[RADIUS:-RADIUS, RADIUS:-RADIUS]
