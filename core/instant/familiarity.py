"""Find properties of an image that differ from the training images of Instant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, Proposal, kinds
from core.noise.hot_pixels import find_hot_pixels
from core.noise.noise_estimate import NoiseEstimate
from core.noise.stripes import excess, stripes
from core.stack import middle

SIDE = 512
"""Size, in pixels, of the central region that is examined."""

BLOCK = 8
"""Size of the blocks of JPEG compression, in pixels."""

# Less than 2 % of the scenes of core/simulation with random detectors exceed any of these limits.
_SATURATED = 0.01
_QUIET = 0.002
_STRIPED = 4.0
_BLOCKY = 1.12
_IMPULSES = 0.005

Image = NDArray[np.float32]


def examine(plane: NDArray[np.generic], noise: NoiseEstimate, *, mend: bool = False) -> tuple[Finding, ...]:
    """Return findings about an image that Instant may denoise worse than its training images.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
        Image of any real type, in counts; its central region is examined.
    noise : NoiseEstimate
        Noise of the image.
    mend : bool
        Whether hot pixels are replaced in the result.

    Returns
    -------
    tuple of Finding
        The problem of the noise estimate comes first. Fractions are between 0 and 1.
    """
    found = [noise.problem] if noise.problem is not None else []
    if noise.saturated > _SATURATED:
        found.append(Finding(kind=kinds.PIXELS_SATURATED, value=noise.saturated, limit=_SATURATED))
    image = _middle(plane)
    if min(image.shape) < 4 * BLOCK:
        return tuple(found)
    low, high = (float(value) for value in np.quantile(image[::3, ::3], (0.005, 0.995)))
    steps = _blocks(image) * _blocks(image.T)
    if steps > _BLOCKY**2:
        found.append(Finding(kind=kinds.JPEG_BLOCKS, value=float(np.sqrt(steps)), limit=_BLOCKY))
    level = float(np.sqrt(noise.model.variance(np.median(image[::3, ::3]))))
    if level <= _QUIET * (high - low):
        ratio = level / (high - low) if high > low else 0.0
        return (*found, Finding(kind=kinds.NOISE_NEGLIGIBLE, value=ratio, limit=_QUIET))
    deviation = np.sqrt(np.maximum(noise.model.variance(_smooth(image)), 1e-12 * level**2)).astype(np.float32)
    if (share := _impulses(image, deviation, noise.model.gain)) > _IMPULSES:
        median = Proposal(label="Choose median", method="median")
        found.append(Finding(kind=kinds.PIXELS_OUTLYING, value=share, limit=_IMPULSES, proposal=median))
    elif hot := len(find_hot_pixels(image, noise)[0]):
        proposal = None if mend else Proposal(label="Mend them", params={"hot": "mend"})
        kind = kinds.PIXELS_HOT_MENDED if mend else kinds.PIXELS_HOT
        found.append(Finding(kind=kind, value=float(hot), proposal=proposal))
    for along, turned, spread, correlation in (
        ("rows", image, deviation, noise.correlation_x),
        ("columns", image.T, deviation.T, noise.correlation_y),
    ):
        ratio = excess(stripes(turned, spread), turned.shape[1], correlation)
        if ratio > _STRIPED:
            found.append(Finding(kind=kinds.STRIPES, value=ratio, limit=_STRIPED, details={"along": along}))
    return tuple(found)


def _middle(plane: NDArray[np.generic]) -> Image:
    """Return the central region, aligned with JPEG blocks; non-finite pixels are replaced by the median."""
    rows, columns = (middle(n, SIDE, BLOCK) for n in plane.shape)
    image = plane[rows, columns].astype(np.float64)
    finite = np.isfinite(image)
    centre = float(np.median(image[finite])) if finite.any() else 0.0
    return np.where(finite, image, centre).astype(np.float32)


def _smooth(image: Image) -> Image:
    """Return the mean of 3 x 3 pixels; borders are repeated."""
    wide = np.pad(image, 1, mode="edge")
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    smooth: Image = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return smooth


def _impulses(image: Image, deviation: Image, gain: float) -> float:
    """Return the fraction of pixels above or below all four neighbours by more than the noise explains."""
    inner = image[1:-1, 1:-1]
    around = (image[:-2, 1:-1], image[2:, 1:-1], image[1:-1, :-2], image[1:-1, 2:])
    highest = np.maximum(np.maximum(around[0], around[1]), np.maximum(around[2], around[3]))
    lowest = np.minimum(np.minimum(around[0], around[1]), np.minimum(around[2], around[3]))
    beyond = np.maximum(inner - highest, lowest - inner)
    known = deviation[1:-1, 1:-1]  # isolated pixels stand out from a uniform background
    alone = (beyond > 6 * known + np.float32(8 * gain)) & (highest - lowest < 5 * known)
    return float(alone.mean())


def _blocks(image: Image) -> float:
    """Return the ratio of steps between columns at block boundaries to steps elsewhere."""
    step = np.abs(image[:, 1:] - image[:, :-1])
    step = np.minimum(step, 4 * float(np.median(step)) + 1e-30).mean(axis=0)
    columns = len(step) // BLOCK * BLOCK
    phases = np.median(step[:columns].reshape(-1, BLOCK), axis=0)
    return float(phases[-1] / max(float(np.median(phases[:-1])), 1e-30))
