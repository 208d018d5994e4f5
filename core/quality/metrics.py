"""Compute all registered metrics of planes, and average them.

Metrics are computed for each plane and then averaged, as in the literature. The data range of PSNR, SSIM and
NRMSE is the maximum minus the minimum of the reference, plane by plane, unless another is given. It is part
of every result, because a PSNR without its data range is meaningless.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.quality.metric import Measures, Metric, Plane, Planes
from core.quality.referenced import METRICS, fit_affine, reference_range

LARGEST = 1e75
"""Largest allowed absolute value: SSIM needs fourth powers, which overflow above it in double precision."""

Mask = NDArray[np.bool_]

_added: dict[str, Metric] = {}


def metrics() -> tuple[Metric, ...]:
    """Return all metrics in the order of the table's columns: built-in ones, then added ones."""
    return (*METRICS, *_added.values())


def add(metric: Metric) -> None:
    """Register another metric; tables, command line and help then include it.

    Raises
    ------
    ValueError
        If a metric with this name exists.
    """
    if metric.name in {known.name for known in metrics()}:
        raise ValueError(f"two metrics are called {metric.name}")
    _added[metric.name] = metric


def remove(name: str) -> None:
    """Remove a registered metric.

    Raises
    ------
    KeyError
        If no metric with this name was added.
    """
    del _added[name]


def measure(
    image: NDArray[Any], reference: NDArray[Any], *, data_range: float | None = None, affine: bool = False
) -> Measures:
    """Compute all metrics of an image against a reference, averaged over planes.

    Parameters
    ----------
    image : ndarray, shape (..., Y, X)
        One plane or a stack of planes.
    reference : ndarray, shape (..., Y, X)
        Reference of the same shape, or one plane for all.
    data_range : float, optional
        Data range of PSNR, SSIM and NRMSE; by default the maximum minus the minimum of each plane of the
        reference.
    affine : bool
        Whether to fit every plane to its reference first (a * image + b, least squares), which makes PSNR and
        SI-PSNR equal. Use it for data whose intensity scale was lost, such as 8-bit images with automatic
        contrast. Mean/std is computed without the fit.

    Returns
    -------
    Measures
        Means over the planes.

    Raises
    ------
    QuietfieldError
        If the shapes do not match, a value is too large, or the range is zero.
    """
    return mean(measure_planes(image, reference, data_range=data_range, affine=affine))


def measure_planes(
    image: NDArray[Any], reference: NDArray[Any], *, data_range: float | None = None, affine: bool = False
) -> tuple[Measures, ...]:
    """Compute all metrics of every plane of an image against a reference; see `measure`."""
    if image.ndim < 2 or image.size == 0:
        raise QuietfieldError(f"An image of shape {image.shape} has no planes to measure.")
    single = reference.size == math.prod(image.shape[-2:]) and reference.shape[-2:] == image.shape[-2:]
    if reference.shape != image.shape and not single:
        raise QuietfieldError(
            f"The image has the shape {image.shape} and the reference {reference.shape}. "
            "Choose a reference with the same rows and columns, and either one plane or as many as the image."
        )
    targets = np.broadcast_to(reference.reshape(reference.shape[-2:]) if single else reference, image.shape)
    return tuple(
        measure_plane(image[i], targets[i], data_range=data_range, affine=affine)
        for i in np.ndindex(*image.shape[:-2])
    )


def measure_plane(
    image: NDArray[Any],
    reference: NDArray[Any] | None,
    *,
    data_range: float | None = None,
    affine: bool = False,
    recorded: Mask | None = None,
) -> Measures:
    """Compute all metrics of one plane (Y, X); those that need a missing reference are NaN. See `measure`.

    Only pixels with `recorded` (Y, X) that are finite in image and reference are compared.
    """
    x, r = (None if pixels is None else np.asarray(pixels, np.float64) for pixels in (image, reference))
    known = _known(x, r, recorded)
    if x is None or not known.any():
        raise QuietfieldError("There is no recorded pixel, finite in image and reference, to measure.")
    only = None if known.all() else known
    x = _in_range(x, known, "The image")
    if r is None:
        planes = Planes(image=x, recorded=only)
    else:
        planes = _compared(x, _in_range(r, known, "The reference"), data_range, only, affine=affine)
    return Measures(
        {
            metric.name: math.nan if reference is None and metric.needs_reference else metric.compute(planes)
            for metric in metrics()
        }
    )


def _compared(
    image: Plane, reference: Plane, data_range: float | None, recorded: Mask | None, *, affine: bool
) -> Planes:
    chosen = reference if recorded is None else reference[recorded]
    span = reference_range(chosen) if data_range is None else float(data_range)
    if not (math.isfinite(span) and span > 0):
        raise QuietfieldError(f"The range of the reference is given as {span:g}; it must be above 0.")
    fitted = fit_affine(image, reference, recorded)
    if recorded is not None:  # the others count as equal in metrics that know nothing of them
        image, fitted = (np.where(recorded, plane, reference) for plane in (image, fitted))
    return Planes(
        image=image, reference=reference, fitted=fitted, compared=fitted if affine else image,
        data_range=span, recorded=recorded,
    )  # fmt: skip


def mean(measures: Iterable[Measures]) -> Measures:
    """Average the values of several planes, metric by metric.

    Raises
    ------
    ValueError
        If there are none.
    """
    rows = list(measures)
    if not rows:
        raise ValueError("there are no measures to average")
    with np.errstate(invalid="ignore"):  # +inf and -inf dB have no mean
        return Measures({name: float(np.mean([row[name] for row in rows])) for name in rows[0]})


def _known(image: Plane | None, reference: Plane | None, recorded: Mask | None) -> Mask:
    """Return the pixels that are finite and recorded in image and reference."""
    if image is None:
        return np.zeros(0, bool)
    known: Mask = np.isfinite(image)
    if reference is not None:
        if image.shape != reference.shape:
            raise QuietfieldError(
                f"The image has {_size(image)} pixels and the reference {_size(reference)}. "
                "Choose a reference of the same size."
            )
        known &= np.isfinite(reference)
    return known if recorded is None else known & recorded


def _in_range(pixels: Plane, known: Mask, what: str) -> Plane:
    """Return finite values, with 0 where nothing was recorded; too large ones are refused."""
    values = np.where(known, pixels, 0.0)
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest > LARGEST:
        raise QuietfieldError(
            f"{what} holds values as large as {largest:.3g}; above {LARGEST:.0e} nothing can be measured, as "
            "squares overflow. Scale the values down."
        )
    return values


def _size(plane: NDArray[Any]) -> str:
    return " x ".join(str(n) for n in plane.shape)
