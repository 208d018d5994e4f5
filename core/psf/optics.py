"""Point spread functions from the optics of a microscope."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import params
from core.errors import QuietfieldError
from core.params import param
from core.progress import Context
from core.psf.value import FWHM, LARGEST, Psf, gaussian

FINER = 5
"""Number of positions per pixel and axis over which the PSF is averaged in a pixel of a camera."""

KEPT = 0.99
"""Fraction of the light of a wide kernel that remains after truncation."""

REACH = 4.0
"""Maximum radius of a kernel, in FWHM."""

ANGLES = 400
"""Number of nodes of the integral over the angles of the aperture."""

PARAXIAL = 0.05
"""Ratio of aperture and refractive index below which the paraxial limits are used, as differences of nearly
equal terms cancel in the formulas.
"""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optics:
    """Optics of a fluorescence microscope."""

    na: float = param(
        1.4, "Numerical aperture", short="NA", ge=0.01, le=1.7, step=0.05,
        help="Numerical aperture of the objective.",
    )  # fmt: skip
    n: float = param(
        1.515, "Refractive index", short="n", ge=1.0, le=2.0, step=0.01,
        help="Refractive index of the immersion medium: oil 1.515, glycerol 1.47, water 1.33, air 1.",
    )  # fmt: skip
    emission: float = param(
        520.0, "Emission wavelength", short="emission", unit="nm", ge=200.0, le=2000.0, step=5.0,
        help="Wavelength of the detected light.",
    )  # fmt: skip
    kind: str = param(
        "widefield", "Microscope", choices={"widefield": "Widefield", "confocal": "Confocal"},
        help="Widefield: camera, evenly illuminated. Confocal: scanned spot and pinhole.",
    )  # fmt: skip
    excitation: float = param(
        488.0, "Excitation wavelength", short="excitation", unit="nm", ge=200.0, le=2000.0, step=5.0,
        help="Wavelength of the laser of a confocal microscope.",
    )  # fmt: skip
    pinhole: float = param(
        1.0, "Pinhole", short="pinhole", unit="AU", ge=0.0, le=20.0, step=0.1,
        help="Diameter of the pinhole in Airy units (1.22 wavelength / NA).",
    )  # fmt: skip
    pixel: float = param(
        0.1, "Pixel size", short="pixel", unit="µm", gt=0.0, le=100.0, step=0.005,
        help="Distance of pixels in the specimen.",
    )  # fmt: skip
    step: float = param(
        0.0, "Z step", short="step", unit="µm", ge=0.0, le=100.0, step=0.05,
        help="Distance of planes; 0 for a PSF of a single plane.",
    )  # fmt: skip
    model: str = param(
        "scalar", "Model",
        choices={"scalar": "Scalar diffraction integral", "gaussian": "Gaussian approximation"},
        help="The scalar integral has diffraction rings. The Gaussian approximation (Zhang et al. 2007) has "
        "the same curvature at its centre.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        params.validate(self)
        if self.na >= self.n:
            raise QuietfieldError(
                f"The numerical aperture is {self.na:g} and the refractive index {self.n:g}; the aperture "
                "must be smaller. Correct one of them."
            )


def nyquist(optics: Optics) -> dict[str, float]:
    """Return the largest pixel and Z step that sample all frequencies of the optics, in micrometres.

    The cutoff frequencies of a widefield microscope are 2 NA / wavelength laterally and
    (n - sqrt(n^2 - NA^2)) / wavelength axially; those of a confocal microscope with a closed pinhole are the
    sum of those of excitation and emission.
    """
    inverse = 1000 / optics.emission
    if optics.kind == "confocal":
        inverse += 1000 / optics.excitation
    axial = optics.n - math.sqrt(optics.n**2 - optics.na**2)
    return {"X": 1 / (4 * optics.na * inverse), "Z": 1 / (2 * axial * inverse)}


def gaussian_sigmas(na: float, n: float, wavelength: float) -> tuple[float, float]:
    """Return the axial and lateral standard deviation of the Gaussian approximation of a widefield PSF.

    The nonparaxial formulas of Zhang et al. 2007 (doi:10.1364/AO.46.001819, three-dimensional widefield
    microscope), whose curvature at the centre is that of the scalar Debye integral; for small apertures,
    their paraxial limits.

    Parameters
    ----------
    na, n : float
        Numerical aperture and refractive index.
    wavelength : float
        Wavelength in any unit, which is also that of the result.
    """
    wave = 2 * math.pi * n / wavelength
    if na < PARAXIAL * n:
        return 2 * math.sqrt(6) / (wave * (na / n) ** 2), math.sqrt(2) / (wave * na / n)
    c = math.cos(math.asin(na / n))
    full = 1 - c**1.5
    lateral = math.sqrt(7 * full / (4 - 7 * c**1.5 + 3 * c**3.5)) / wave
    spread = 4 * c**5 - 25 * c**3.5 + 42 * c**2.5 - 25 * c**1.5 + 4
    axial = 5 * math.sqrt(7) * full / (math.sqrt(6) * wave * math.sqrt(spread))
    return axial, lateral


def debye(na: float, n: float, wavelength: float, r: Values, z: float) -> Values:
    """Return the scalar Debye integral of an aplanatic lens, as intensity; 1 in the focus.

    ``|integral over angles t from 0 to a of sqrt(cos t) J0(k n r sin t) exp(i k n z cos t) sin t dt|^2``,
    with sin a = NA / n and k = 2 pi / wavelength.

    Parameters
    ----------
    na, n, wavelength : float
        As in `gaussian_sigmas`.
    r : ndarray
        Distances from the optical axis, in the unit of the wavelength.
    z : float
        Distance from the focal plane.
    """
    from scipy.special import j0  # imported here, so that the window starts without scipy

    nodes, weights = np.polynomial.legendre.leggauss(ANGLES)
    alpha, wave = math.asin(na / n), 2 * math.pi * n / wavelength
    angles = (nodes + 1) * alpha / 2
    amplitude = weights * np.sqrt(np.cos(angles)) * np.sin(angles)
    phase = np.exp(1j * wave * z * (np.cos(angles) - 1))
    field = j0(wave * np.sin(angles) * np.asarray(r)[..., None]) @ (amplitude * phase)
    return np.asarray(np.abs(field) ** 2 / amplitude.sum() ** 2, float)


def from_optics(optics: Optics, context: Context | None = None) -> Psf:
    """Return the PSF of a microscope on its pixel grid.

    Pixels of a camera average the light over their area; a confocal microscope samples points. The confocal
    PSF is the product of the PSF of the excitation and that of the emission, blurred by the pinhole.

    Parameters
    ----------
    optics : Optics
        Microscope; with a Z step, the PSF has three dimensions.
    context : Context, optional
        Progress and cancellation.

    Raises
    ------
    QuietfieldError
        If the pixels are so small, or the PSF so wide, that the kernel would be too large.
    """
    axial, lateral = _sigmas(optics)
    if FWHM * lateral / optics.pixel * REACH * 2 + 3 > LARGEST or (
        optics.step and FWHM * axial / optics.step * REACH + 3 > LARGEST
    ):
        raise QuietfieldError(
            f"The PSF is about {FWHM * lateral:.3g} µm wide, which is {FWHM * lateral / optics.pixel:.0f} "
            f"pixels of {optics.pixel:g} µm: too many for a kernel. Correct the pixel size or the optics."
        )
    facts: dict[str, str | float] = dict(params.values(optics))
    facts |= {"formula": FORMULAS[optics.model]}
    spacing = {"X": optics.pixel, "Y": optics.pixel} | ({"Z": optics.step} if optics.step else {})
    request = "optics:" + ",".join(f"{name}={_word(value)}" for name, value in params.values(optics).items())
    if optics.model == "gaussian":
        widths = (lateral / optics.pixel,) * 2
        made = gaussian(*(((axial / optics.step,) if optics.step else ()) + widths))
        return Psf(
            kernel=made.kernel, spacing=spacing, fwhm=made.fwhm, source="optics", request=request,
            facts=facts, sigmas=made.sigmas,
        )  # fmt: skip
    kernel = _scalar(optics, axial, lateral, context or Context())
    return Psf(kernel=kernel, spacing=spacing, source="optics", request=request, facts=facts)


FORMULAS: Mapping[str, str] = {
    "scalar": "scalar Debye integral of an aplanatic lens",
    "gaussian": "Gaussian approximation (Zhang et al. 2007, doi:10.1364/AO.46.001819)",
}
"""Source of the kernel of each model."""


def _word(value: params.Value) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _sigmas(optics: Optics) -> tuple[float, float]:
    """Return axial and lateral standard deviations of the Gaussian approximation, in micrometres.

    A confocal PSF is the product of the Gaussians of excitation and emission; the pinhole, a disc of
    diameter D, adds the variance D^2 / 16 to the emission along each lateral axis. A square pixel of a
    camera adds 1/12 of its area.
    """
    axial, lateral = gaussian_sigmas(optics.na, optics.n, optics.emission / 1000)
    if optics.kind == "widefield":
        return axial, math.hypot(lateral, optics.pixel / math.sqrt(12))
    lit_axial, lit = gaussian_sigmas(optics.na, optics.n, optics.excitation / 1000)
    seen = math.hypot(lateral, _pinhole(optics) / 4)
    return 1 / math.hypot(1 / axial, 1 / lit_axial), 1 / math.hypot(1 / seen, 1 / lit)


def _pinhole(optics: Optics) -> float:
    """Return the diameter of the pinhole in the specimen, in micrometres."""
    return optics.pinhole * 1.22 * optics.emission / 1000 / optics.na


def _scalar(optics: Optics, axial: float, lateral: float, context: Context) -> NDArray[np.float32]:
    """Return the kernel of the scalar integral, (Y, X) or (Z, Y, X)."""
    radius = max(1, math.ceil(REACH * FWHM * lateral / optics.pixel))
    depth = max(1, math.ceil(REACH / 2 * FWHM * axial / optics.step)) if optics.step else 0
    half = []
    for z in range(depth + 1):
        context.step(z / (depth + 1), "Computing the PSF")
        half.append(_plane(optics, radius, z * optics.step))
    planes = np.stack([*half[:0:-1], *half])
    kernel = planes[0] if len(planes) == 1 else planes
    return _truncated(kernel).astype(np.float32)


def _plane(optics: Optics, radius: int, z: float) -> Values:
    """Return one plane of the PSF, (Y, X), relative to the focus."""
    finer = FINER if optics.kind == "widefield" else 1
    # odd numbers of positions per pixel keep one in the centre
    at = (np.arange((2 * radius + 1) * finer) - (radius * finer + finer // 2)) * optics.pixel / finer
    light = _radial(optics.na, optics.n, optics.emission / 1000, at, z)
    if optics.kind == "confocal":
        light = _through_pinhole(light, _pinhole(optics), optics.pixel)
        light = light * _radial(optics.na, optics.n, optics.excitation / 1000, at, z)
    side = 2 * radius + 1
    return np.asarray(light.reshape(side, finer, side, finer).mean((1, 3)))


def _radial(na: float, n: float, wavelength: float, at: Values, z: float) -> Values:
    """Return the Debye integral on a square grid, interpolated from a profile."""
    farthest = math.hypot(at[-1], at[-1])
    profile = np.linspace(0, farthest * 1.001, max(64, math.ceil(farthest / wavelength * 40)))
    from scipy.interpolate import CubicSpline

    spline = CubicSpline(profile, debye(na, n, wavelength, profile, z))
    return np.asarray(np.clip(spline(np.hypot(at[:, None], at[None, :])), 0, None), float)


def _through_pinhole(light: Values, diameter: float, pixel: float) -> Values:
    """Return the detected light: the emission PSF blurred by the disc of the pinhole."""
    if diameter < pixel / 4:
        return light
    from scipy.signal import fftconvolve

    fine = 7
    radius = math.ceil(diameter / 2 / pixel)
    at = (np.arange((2 * radius + 1) * fine) - (radius * fine + fine // 2)) / fine * pixel
    disc = np.hypot(at[:, None], at[None, :]) <= diameter / 2
    side = 2 * radius + 1
    share = disc.reshape(side, fine, side, fine).mean((1, 3))
    blurred = fftconvolve(light, share / share.sum(), mode="same")
    return np.asarray(np.clip(blurred, 0, None), float)


def _truncated(kernel: Values) -> Values:
    """Return the smallest central part with most of the light, at least 3 pixels wide."""
    plane = kernel if kernel.ndim == 2 else kernel.sum(0)
    centre = len(plane) // 2
    total = plane.sum()
    for radius in range(1, centre + 1):
        part = slice(centre - radius, centre + radius + 1)
        if plane[part, part].sum() >= KEPT * total:
            return kernel[..., part, part]
    return kernel
