"""Files of point spread functions: TIFF with its description, or JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.files import open_stack, save_stack
from core.files.atomic import Taken, writing
from core.psf.value import LARGEST, Psf, from_text
from core.reading import read_text
from core.stack import Metadata, Stack

JSON_ENDING = ".json"
TOLERANCE = 0.02
"""Relative difference of pixel sizes that needs no resampling."""


def save_psf(path: Path, psf: Psf, taken: Taken = "replace") -> Path:
    """Write a PSF: JSON with everything, or TIFF float32 with the pixel size, for other programs.

    Parameters
    ----------
    path : Path
        File that ends in ``.json`` or ``.tif``.
    psf : Psf
        PSF.
    taken : {"refuse", "replace", "rename"}
        What to do if the file exists.

    Raises
    ------
    QuietfieldError
        If the file cannot be written.
    """
    if path.suffix.lower() == JSON_ENDING:
        text = psf.text if psf.text.startswith("{") else whole_text(psf)
        with writing(path, taken) as draft:
            draft.part.write_text(text, encoding="utf-8")
        return draft.path
    meta = Metadata(name=path.name, spacing=psf.spacing, unit="µm" if psf.spacing else "")
    return save_stack(path, Stack.of(psf.kernel, psf.axes, meta), dtype="float32", taken=taken).path


def whole_text(psf: Psf) -> str:
    """Return the JSON of a PSF with its pixels, also for a Gaussian."""
    return replace(psf, source="file").text if psf.source == "gaussian" else psf.text


def load_psf(path: str | Path, spacing: Mapping[str, float]) -> Psf:
    """Read a PSF, and resample it to a pixel size.

    Parameters
    ----------
    path : str or Path
        JSON of Quietfield, or a TIFF with the image of a single point, YX or ZYX.
    spacing : dict of str to float
        Pixel size of the stack in micrometres; empty if it is unknown.

    Raises
    ------
    QuietfieldError
        If the file cannot be read, is no PSF, or has pixels of a size that does not fit.
    """
    path = Path(path)
    if path.suffix.lower() == JSON_ENDING:
        return resampled(from_text(read_text(path)), spacing, path.name)
    stack = open_stack(path)
    axes = "".join(axis for axis, size in stack.sizes.items() if size > 1 or axis in "YX")
    if axes not in ("YX", "ZYX", "TYX") or max(stack.shape) > LARGEST:
        shape = " x ".join(map(str, stack.shape))
        raise QuietfieldError(
            f"{path.name} has {shape} pixels ({stack.axes}), which is no PSF. Name a PSF of at most "
            f"{LARGEST} pixels along Y and X, or Z, Y and X."
        )
    pixels = np.asarray(stack.read(), np.float32).reshape([stack.sizes[axis] for axis in axes])
    if not np.isfinite(pixels).all():
        raise QuietfieldError(f"{path.name} contains pixels that are not finite (NaN or infinite).")
    psf = Psf(
        kernel=odd(pixels), spacing=stack.meta.spacing, source="file", request=f"file:{path}",
        facts={"file": path.name},
    )  # fmt: skip
    return resampled(psf, spacing, path.name)


def odd(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest part with odd sides whose centre is the brightest pixel."""
    centre = np.unravel_index(int(np.argmax(pixels)), pixels.shape)
    reach = [min(c, n - 1 - c) for c, n in zip(centre, pixels.shape, strict=True)]
    return pixels[tuple(slice(c - r, c + r + 1) for c, r in zip(centre, reach, strict=True))]


def resampled(psf: Psf, spacing: Mapping[str, float], name: str) -> Psf:
    """Return a PSF on pixels of another size; itself if a size is unknown or nearly equal.

    Raises
    ------
    QuietfieldError
        If the PSF is too narrow for its own pixels to be interpolated.
    """
    ratios = [
        spacing[axis] / psf.spacing[axis] if spacing.get(axis) and psf.spacing.get(axis) else 1.0
        for axis in psf.axes
    ]
    if all(abs(math.log(ratio)) < TOLERANCE for ratio in ratios):
        return psf
    for axis, ratio in zip(psf.axes, ratios, strict=True):
        if abs(math.log(ratio)) >= TOLERANCE and axis in psf.undersampled:
            raise QuietfieldError(
                f"{name} has pixels of {psf.spacing[axis]:.4g} µm along {axis}, the stack of "
                f"{spacing[axis]:.4g} µm, and the PSF is only {psf.fwhm[axis]:.2g} pixels wide: too few to "
                "compute other pixels. Record it with the pixel size of the stack, or smaller pixels."
            )
    return rescaled(psf, ratios, spacing)


def rescaled(psf: Psf, ratios: list[float], spacing: Mapping[str, float]) -> Psf:
    """Return a PSF on pixels that are larger by a ratio for each axis."""
    old = np.array(psf.kernel.shape) // 2
    new = [max(1, math.floor(o / ratio)) for o, ratio in zip(old, ratios, strict=True)]
    if max(new) > LARGEST // 2:
        raise QuietfieldError(
            f"The PSF would have {2 * max(new) + 1} pixels with the pixel size of the stack; at most "
            f"{LARGEST} are possible. Crop the PSF."
        )
    kernel = psf.kernel.astype(np.float64)
    for at, ratio in enumerate(ratios):
        # a larger pixel averages over its width what the smaller ones have averaged already
        if ratio > 1:
            kernel = ndimage.gaussian_filter1d(kernel, math.sqrt((ratio**2 - 1) / 12), at, mode="constant")
    grids = [np.arange(-n, n + 1) * ratio + o for n, ratio, o in zip(new, ratios, old, strict=True)]
    points = np.stack(np.meshgrid(*grids, indexing="ij"))
    pixels = ndimage.map_coordinates(kernel, points, order=3, mode="constant")
    changed = {axis: spacing[axis] for axis in psf.axes if axis in spacing}
    return replace(
        psf, kernel=np.clip(pixels, 0, None).astype(np.float32), spacing={**psf.spacing, **changed}, fwhm={},
        sigmas=(), source="file" if psf.source == "gaussian" else psf.source,
    )  # fmt: skip
