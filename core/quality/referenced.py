"""Metrics that compare an image with a reference, as defined in the denoising literature."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.quality.metric import Metric, Plane, Planes
from core.quality.microssim import of_planes

SSIM_SIGMA = 1.5
SSIM_RADIUS = 5
"""Half width of the 11 x 11 window of SSIM."""
SSIM_K1, SSIM_K2 = 0.01, 0.03


def reference_range(reference: NDArray[Any]) -> float:
    """Return the maximum minus the minimum of a reference.

    Raises
    ------
    QuietfieldError
        If all pixels have the same value.
    """
    span = float(reference.max()) - float(reference.min())
    if span == 0:
        raise QuietfieldError(
            f"Every pixel of the reference is {float(reference.max()):g}, so its range is 0 and no "
            "metric can be computed. Choose a reference that shows the specimen."
        )
    return span


def fit_affine(
    image: NDArray[Any], reference: NDArray[Any], recorded: NDArray[np.bool_] | None = None
) -> Plane:
    """Return a * image + b with the least-squares fit of a and b to the recorded pixels of the reference."""
    x, r = np.asarray(image, np.float64), np.asarray(reference, np.float64)
    some, target = (x, r) if recorded is None else (x[recorded], r[recorded])
    centred = some - some.mean()
    power = float(np.vdot(centred, centred))
    slope = float(np.vdot(centred, target - target.mean())) / power if power > 0 else 0.0
    fitted: Plane = slope * (x - some.mean()) + target.mean()
    return fitted


def ssim(
    image: NDArray[Any],
    reference: NDArray[Any],
    *,
    data_range: float,
    recorded: NDArray[np.bool_] | None = None,
) -> float:
    """Return the structural similarity of two planes, averaged over pixels with a complete window.

    Wang, Bovik, Sheikh and Simoncelli 2004, doi:10.1109/TIP.2003.819861: a Gaussian window of
    11 x 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03, population variances.

    Parameters
    ----------
    image, reference : ndarray, shape (Y, X)
        The two planes; the result does not depend on their order.
    data_range : float
        Data range, above 0.
    recorded : ndarray of bool, shape (Y, X), optional
        Pixels that are compared; windows with others are incomplete.

    Returns
    -------
    float
        -1 to 1, or NaN if no window is complete, as in planes with a side shorter than 11 pixels.
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
    if recorded is None:
        return float(similar.mean())
    whole = ndimage.minimum_filter(recorded.view(np.uint8), 2 * SSIM_RADIUS + 1)
    complete = whole[SSIM_RADIUS:-SSIM_RADIUS, SSIM_RADIUS:-SSIM_RADIUS].astype(bool)
    return float(similar[complete].mean()) if complete.any() else math.nan


def mean_over_std(image: NDArray[Any]) -> float:
    """Return the mean of all pixels divided by their standard deviation; infinite for a constant image."""
    average, spread = float(np.mean(image, dtype=np.float64)), float(np.std(image, dtype=np.float64))
    if spread > 0:
        return average / spread
    return math.copysign(math.inf, average) if average else math.nan


def _decibel(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf if signal > 0 else math.nan
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def _error(image: Plane | None, planes: Planes) -> float:
    return float(np.mean((planes.over(_known(image)) - planes.over(_known(planes.reference))) ** 2))


def _known(plane: Plane | None) -> Plane:
    if plane is None:
        raise ValueError("this metric needs a reference")
    return plane


def _psnr(planes: Planes) -> float:
    return _decibel(planes.data_range**2, _error(planes.compared, planes))


def _si_psnr(planes: Planes) -> float:
    return _decibel(planes.data_range**2, _error(planes.fitted, planes))


def _ssim(planes: Planes) -> float:
    compared, reference = _known(planes.compared), _known(planes.reference)
    return ssim(compared, reference, data_range=planes.data_range, recorded=planes.recorded)


def _nrmse(planes: Planes) -> float:
    return math.sqrt(_error(planes.compared, planes)) / planes.data_range


def _snr(planes: Planes) -> float:
    reference = planes.over(_known(planes.reference))
    return _decibel(float(np.var(reference)), float(np.var(planes.over(_known(planes.compared)) - reference)))


METRICS: tuple[Metric, ...] = (
    Metric(
        name="psnr", format=".2f", compute=_psnr, label="PSNR", unit="dB",
        definition="Peak signal-to-noise ratio: 10 log10(range² / mean squared difference to the reference). "
        "The range has its own column: the maximum minus the minimum of the reference, unless another is "
        "set. A wrong offset or scale counts as error.",
    ),
    Metric(
        name="si_psnr", format=".2f", compute=_si_psnr, label="SI-PSNR", unit="dB",
        definition="Scale-invariant PSNR: the PSNR of a·image + b, with the least-squares fit of a and b to "
        "the reference, over the range of the reference. It does not detect a wrong offset or scale; use it "
        "together with PSNR, never alone.",
    ),
    Metric(
        name="ssim", format=".4f", compute=_ssim, label="SSIM",
        definition="Structural similarity (Wang et al. 2004): means, variances and covariance in a Gaussian "
        "window of 11 × 11 pixels (sigma 1.5), K1 = 0.01, K2 = 0.03, averaged over the plane without "
        "the outermost 5 pixels; -1 to 1. It uses the same range as PSNR, and is close to 1 for all images "
        "with a large camera offset.",
    ),
    Metric(
        name="microssim", format=".4f", compute=of_planes, label="MicroSSIM",
        definition="Structural similarity for microscopy (Ashesh et al. 2024): the 3rd percentile of each "
        "image is subtracted, and the image is scaled so that its SSIM is largest. A camera offset hides no "
        "differences, and a wrong offset or scale does not count.",
    ),
    Metric(
        name="nrmse", format=".4f", compute=_nrmse, label="NRMSE", better="lower",
        definition="Normalised root-mean-square error: the square root of the mean squared difference to "
        "the reference, divided by the range. 0 is perfect; PSNR = -20 log10(NRMSE).",
    ),
    Metric(
        name="snr", format=".2f", compute=_snr, label="SNR", unit="dB",
        definition="Signal-to-noise ratio: 10 log10(variance of the reference / variance of image minus "
        "reference). A constant offset has no effect; no range is used.",
    ),
    Metric(
        name="mean_over_std", label="Mean/std", better="neither", needs_reference=False,
        compute=lambda planes: mean_over_std(planes.over(planes.image)),
        definition="Mean of the image divided by its standard deviation, without a reference. It "
        "increases with less noise, but also with less contrast or a larger camera offset: do not rank "
        "methods by it.",
    ),
    Metric(
        name="data_range", label="Range", better="neither", format=".5g",
        compute=lambda planes: planes.data_range,
        definition="Data range of PSNR, SSIM and NRMSE: the maximum minus the minimum of the reference "
        "(mean over the planes), unless another is set.",
    ),
)  # fmt: skip
"""Built-in metrics, in the order of the table's columns."""
