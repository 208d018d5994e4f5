"""How close an image is to a reference: the measures of the denoising literature, each with its definition.

Planes are measured one by one and the measures of the planes are averaged, as the literature does.
The range of PSNR, SSIM and NRMSE is the reference's maximum minus its minimum, plane by plane,
unless another is given; it is part of every answer, since a PSNR means nothing without it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError

SSIM_SIGMA = 1.5
SSIM_RADIUS = 5

LARGEST = 1e75
"""Larger values are refused: their fourth powers, which SSIM needs, are beyond double precision."""
"""Half width of the 11 x 11 window of SSIM."""
SSIM_K1, SSIM_K2 = 0.01, 0.03

Plane = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Measures of one plane, or their means over several; NaN where one cannot be given.

    Attributes
    ----------
    psnr, si_psnr, snr : float
        In dB; infinite where nothing differs.
    ssim : float
        -1 to 1; NaN for planes smaller than its window of 11 x 11 pixels.
    nrmse : float
        As a fraction of `data_range`.
    mean_over_std : float
        Of the image alone; infinite for a constant image.
    data_range : float
        Range that PSNR, SSIM and NRMSE refer to, in the reference's unit.
    """

    psnr: float
    si_psnr: float
    ssim: float
    nrmse: float
    snr: float
    mean_over_std: float
    data_range: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What there is to say about one measure.

    Attributes
    ----------
    name : str
        Field of `Measures`.
    label, unit : str
        Heading of its column, and its unit ("" for none).
    definition : str
        The exact definition, for a tooltip.
    higher_is_better : bool or None
        None where neither more nor less is better.
    needs_reference : bool
        Whether it can be given only against a reference.
    """

    name: str
    label: str
    unit: str = ""
    definition: str
    higher_is_better: bool | None = True
    needs_reference: bool = True


METRICS: tuple[Metric, ...] = (
    Metric(
        name="psnr", label="PSNR", unit="dB",
        definition="Peak signal-to-noise ratio: 10 log10(range² / mean squared difference to the reference). "
        "The range stands in its own column: the reference's maximum minus its minimum, unless another is "
        "set. Offsets and wrong scales count as errors.",
    ),
    Metric(
        name="si_psnr", label="SI-PSNR", unit="dB",
        definition="Scale-invariant PSNR: the PSNR of a·image + b, with the a and b that fit the reference "
        "best (least squares), over the range of the reference. Blind to a wrong offset or scale; read it "
        "beside PSNR, never instead of it.",
    ),
    Metric(
        name="ssim", label="SSIM",
        definition="Structural similarity (Wang et al. 2004): means, variances and covariance in a Gaussian "
        "window of 11 × 11 pixels (sigma 1.5), K1 = 0.01, K2 = 0.03, averaged over the plane without "
        "its outermost 5 pixels; -1 to 1. Uses the same range as PSNR; saturates on data with a large "
        "camera offset.",
    ),
    Metric(
        name="nrmse", label="NRMSE", higher_is_better=False,
        definition="Normalised root-mean-square error: the square root of the mean squared difference to "
        "the reference, divided by the range. 0 is perfect; PSNR is -20 log10 of it.",
    ),
    Metric(
        name="snr", label="SNR", unit="dB",
        definition="Signal-to-noise ratio: 10 log10(variance of the reference / variance of image minus "
        "reference). A constant offset does not count; no range is involved.",
    ),
    Metric(
        name="mean_over_std", label="Mean/std", higher_is_better=None, needs_reference=False,
        definition="Mean of the whole image divided by its standard deviation, without any reference. It "
        "rises with less noise, but just as much with lost contrast or a larger camera offset: it cannot "
        "rank methods.",
    ),
    Metric(
        name="data_range", label="Range", higher_is_better=None,
        definition="Range that PSNR, SSIM and NRMSE refer to: the reference's maximum minus its minimum "
        "(mean over the planes), unless another is set.",
    ),
)  # fmt: skip
"""Every measure in the order of the table's columns."""


def measure(
    image: NDArray[Any], reference: NDArray[Any], *, data_range: float | None = None, affine: bool = False
) -> Measures:
    """Measure an image against a reference, averaged over planes.

    Parameters
    ----------
    image : ndarray, shape (..., Y, X)
        One plane or a stack of planes.
    reference : ndarray, shape (..., Y, X)
        What the image should be: of the same shape, or one plane for all.
    data_range : float, optional
        Range for PSNR, SSIM and NRMSE; by default the maximum minus the minimum of each plane of the
        reference.
    affine : bool
        Whether every plane is first fitted to its reference (a * image + b, least squares), which makes
        PSNR and SI-PSNR the same. For data whose scale was lost, such as 8-bit images with automatic
        contrast. Mean/std is that of the image as it is.

    Returns
    -------
    Measures
        Means over the planes.

    Raises
    ------
    QuietfieldError
        If the shapes do not fit, a value is NaN or infinite, or the range is zero.
    """
    return mean(measure_planes(image, reference, data_range=data_range, affine=affine))


def measure_planes(
    image: NDArray[Any], reference: NDArray[Any], *, data_range: float | None = None, affine: bool = False
) -> tuple[Measures, ...]:
    """Measure every plane of an image against a reference; see `measure`."""
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
) -> Measures:
    """Measure one plane (Y, X); without a reference only mean/std is given. See `measure`."""
    x = _finite(image, "The image")
    own = mean_over_std(x)
    if reference is None:
        nan = math.nan
        return Measures(
            psnr=nan, si_psnr=nan, ssim=nan, nrmse=nan, snr=nan, mean_over_std=own, data_range=nan
        )
    r = _finite(reference, "The reference")
    if x.shape != r.shape:
        raise QuietfieldError(
            f"The image has {_size(x)} pixels and the reference {_size(r)}. "
            "Choose a reference of the same size."
        )
    span = reference_range(r) if data_range is None else float(data_range)
    if not (math.isfinite(span) and span > 0):
        raise QuietfieldError(f"The range of the reference is given as {span:g}; it must be above 0.")
    fitted = fit_affine(x, r)
    if affine:
        x = fitted
    error = float(np.mean((x - r) ** 2))
    return Measures(
        psnr=_decibel(span**2, error),
        si_psnr=_decibel(span**2, float(np.mean((fitted - r) ** 2))),
        ssim=ssim(x, r, data_range=span),
        nrmse=math.sqrt(error) / span,
        snr=_decibel(float(np.var(r)), float(np.var(x - r))),
        mean_over_std=own,
        data_range=span,
    )


def mean(measures: Iterable[Measures]) -> Measures:
    """Average the measures of planes, each measure for itself."""
    rows = np.array([dataclasses.astuple(m) for m in measures], dtype=np.float64)
    if rows.size == 0:
        raise ValueError("there are no measures to average")
    with np.errstate(invalid="ignore"):  # +inf and -inf dB have no mean
        means = rows.mean(axis=0)
    names = [f.name for f in dataclasses.fields(Measures)]
    return Measures(**{name: float(value) for name, value in zip(names, means, strict=True)})


def reference_range(reference: NDArray[Any]) -> float:
    """Maximum minus minimum of a reference.

    Raises
    ------
    QuietfieldError
        If all its pixels have the same value.
    """
    span = float(reference.max()) - float(reference.min())
    if span == 0:
        raise QuietfieldError(
            f"Every pixel of the reference is {float(reference.max()):g}, so its range is 0 and nothing can "
            "be measured against it. Choose a reference that shows the specimen."
        )
    return span


def fit_affine(image: NDArray[Any], reference: NDArray[Any]) -> Plane:
    """Give a * image + b with the a and b that minimise the squared difference to the reference."""
    x, r = np.asarray(image, np.float64), np.asarray(reference, np.float64)
    x0 = x - x.mean()
    power = float(np.vdot(x0, x0))
    slope = float(np.vdot(x0, r - r.mean())) / power if power > 0 else 0.0
    fitted: Plane = slope * x0 + r.mean()
    return fitted


def ssim(image: NDArray[Any], reference: NDArray[Any], *, data_range: float) -> float:
    """Structural similarity of two planes, averaged over the pixels whose window lies inside.

    Wang, Bovik, Sheikh and Simoncelli 2004, doi:10.1109/TIP.2003.819861: a Gaussian window of
    11 x 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03, population variances.

    Parameters
    ----------
    image, reference : ndarray, shape (Y, X)
        The planes; exchanging them changes nothing.
    data_range : float
        Range of the values, above 0.

    Returns
    -------
    float
        -1 to 1, or NaN where a side is shorter than 11 pixels.
    """
    x, r = np.asarray(image, np.float64), np.asarray(reference, np.float64)
    if min(x.shape) < 2 * SSIM_RADIUS + 1:
        return math.nan

    def local(values: Plane) -> Plane:
        blurred: Plane = ndimage.gaussian_filter(values, SSIM_SIGMA, radius=SSIM_RADIUS, mode="reflect")
        return blurred[SSIM_RADIUS:-SSIM_RADIUS, SSIM_RADIUS:-SSIM_RADIUS]

    c1, c2 = (SSIM_K1 * data_range) ** 2, (SSIM_K2 * data_range) ** 2
    mx, mr = local(x), local(r)
    covariance = local(x * r) - mx * mr
    variances = local(x * x) - mx**2 + local(r * r) - mr**2
    similar = (2 * mx * mr + c1) * (2 * covariance + c2) / ((mx**2 + mr**2 + c1) * (variances + c2))
    return float(similar.mean())


def mean_over_std(image: NDArray[Any]) -> float:
    """Mean of all pixels divided by their standard deviation; infinite for a constant image."""
    average, spread = float(np.mean(image, dtype=np.float64)), float(np.std(image, dtype=np.float64))
    if spread > 0:
        return average / spread
    return math.copysign(math.inf, average) if average else math.nan


def _finite(pixels: NDArray[Any], what: str) -> Plane:
    values = np.asarray(pixels, np.float64)
    bad = int(values.size - np.count_nonzero(np.isfinite(values)))
    if bad:
        raise QuietfieldError(
            f"{what} has {bad} pixel{'s' if bad > 1 else ''} without a finite value (NaN or infinite), so "
            "nothing can be measured. Repair or crop them first."
        )
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest > LARGEST:
        raise QuietfieldError(
            f"{what} holds values as large as {largest:.3g}; above {LARGEST:.0e} nothing can be measured, as "
            "squares overflow. Scale the values down."
        )
    return values


def _decibel(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf if signal > 0 else math.nan
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def _size(plane: NDArray[Any]) -> str:
    return " x ".join(str(n) for n in plane.shape)
