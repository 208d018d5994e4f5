"""A point spread function (PSF) on the pixel grid, as a value with JSON."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import stored
from core.errors import QuietfieldError
from core.optics import gaussian_kernel
from core.reading import parse_json

Kernel = NDArray[np.float32]

FWHM = 2 * math.sqrt(2 * math.log(2))
"""Full width at half maximum of a Gaussian, in standard deviations."""

NYQUIST = 2.0
"""A PSF narrower than this (FWHM in pixels) is undersampled: with FWHM 0.51 wavelength / NA, the largest
pixel that samples all frequencies is wavelength / (4 NA), which is FWHM / 2.04.
"""

LARGEST = 257
"""Longest side of a kernel in pixels."""

ALIKE = 0.01
"""Kernels that differ by at most this fraction of their maximum count as symmetric."""

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Psf:
    """A point spread function on the pixel grid.

    Attributes
    ----------
    kernel : ndarray, shape (Y, X) or (Z, Y, X), float32
        Image of a point in the central pixel; odd sides, sum 1.
    spacing : dict of str to float
        Pixel size along ``"X"``, ``"Y"``, ``"Z"`` in micrometres; empty if it is unknown.
    fwhm : dict of str to float
        Full width at half maximum along each axis of the kernel, in pixels.
    source : str
        Origin: "gaussian", "optics", "beads", "estimate" or "file".
    request : str
        Text that this PSF was made from; see `core.psf.request`.
    facts : dict of str to str or float
        Other properties, such as the numerical aperture or the number of beads.
    sigmas : tuple of float
        Standard deviation of a Gaussian along each axis of the kernel, in pixels; empty for other kernels.

    Raises
    ------
    QuietfieldError
        If the kernel is no PSF: wrong shape, not finite, or without a positive sum.
    """

    kernel: Kernel
    spacing: Mapping[str, float] = field(default_factory=dict)
    fwhm: Mapping[str, float] = field(default_factory=dict)
    source: str = "file"
    request: str = ""
    facts: Mapping[str, str | float] = field(default_factory=dict)
    sigmas: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        kernel = np.asarray(self.kernel, np.float64)
        shape = " x ".join(map(str, kernel.shape))
        if kernel.ndim not in (2, 3):
            raise QuietfieldError(f"A PSF has two or three axes; this one has the shape {shape}.")
        if max(kernel.shape) > LARGEST:
            raise QuietfieldError(
                f"The PSF has {shape} pixels; at most {LARGEST} along each axis are possible. Crop it."
            )
        if any(side % 2 == 0 for side in kernel.shape):
            raise QuietfieldError(
                f"The PSF has {shape} pixels; every side must be odd, so that it has a central pixel."
            )
        if not np.isfinite(kernel).all():
            raise QuietfieldError("The PSF contains pixels that are not finite (NaN or infinite).")
        if not kernel.sum() > 0:
            raise QuietfieldError("The sum of the PSF is not above 0, so it cannot be normalised.")
        total = kernel.sum()
        if abs(total - 1) < 1e-6:  # normalised before; another division would change its last digits
            total = 1.0
        normalised = np.array(kernel / total, np.float32, order="C")
        normalised.setflags(write=False)
        object.__setattr__(self, "kernel", normalised)
        if not self.fwhm:
            object.__setattr__(self, "fwhm", measure_fwhm(normalised))

    def __eq__(self, other: object) -> bool:
        """Return whether another PSF has the same pixels."""
        return (
            isinstance(other, Psf)
            and self.sigmas == other.sigmas
            and np.array_equal(self.kernel, other.kernel)
        )

    def __hash__(self) -> int:
        return hash((self.kernel.shape, self.kernel.tobytes()))

    @property
    def axes(self) -> str:
        """Letters of the axes of the kernel: "YX" or "ZYX"."""
        return "ZYX"[-self.kernel.ndim :]

    @property
    def radius(self) -> tuple[int, int]:
        """Number of rows and of columns on each side of the centre."""
        rows, columns = (side // 2 for side in self.kernel.shape[-2:])
        return rows, columns

    @property
    def plane(self) -> Psf:
        """The central plane of a three-dimensional PSF, normalised; a two-dimensional PSF itself."""
        if self.kernel.ndim == 2:
            return self
        return replace(
            self, kernel=self.kernel[len(self.kernel) // 2], sigmas=self.sigmas[-2:],
            fwhm={axis: self.fwhm[axis] for axis in "YX"},
        )  # fmt: skip

    @property
    def undersampled(self) -> tuple[str, ...]:
        """Axes along which the FWHM is below two pixels, so that the finest details are lost."""
        return tuple(axis for axis in self.axes if self.fwhm[axis] < NYQUIST)

    def unchanged(self, orientation: int) -> bool:
        """Return whether the PSF stays the same in an orientation.

        Parameters
        ----------
        orientation : int
            Bits: 1 flips rows, 2 flips columns, 4 transposes.
        """
        kernel = self.kernel
        turned = kernel[..., :: -1 if orientation & 1 else 1, :: -1 if orientation & 2 else 1]
        turned = turned.swapaxes(-1, -2) if orientation & 4 else turned
        if turned.shape != kernel.shape:
            return False
        return bool(np.abs(turned - kernel).max() <= ALIKE * np.abs(kernel).max())

    @property
    def brief(self) -> str:
        """Short description: origin and width, such as "optics, FWHM 2.1 px"."""
        if self.sigmas and len(set(self.sigmas)) == 1:
            return f"sigma {self.sigmas[0]:.4g} px"
        if self.sigmas:
            each = zip(self.axes[::-1], self.sigmas[::-1], strict=True)
            return "sigma " + ", ".join(f"{axis} {sigma:.4g}" for axis, sigma in each) + " px"
        widths = [self.fwhm[axis] for axis in self.axes[::-1]]
        same = max(widths[:2]) - min(widths[:2]) < 0.05 * widths[0]
        shown = [f"{widths[0]:.3g}"] if same else [f"X {widths[0]:.3g}", f"Y {widths[1]:.3g}"]
        shown += [f"Z {widths[2]:.3g}"] if len(widths) > 2 else []
        return f"PSF from {_ORIGINS.get(self.source, 'a file')}, FWHM {', '.join(shown)} px"

    # ------------------------------------------------------------------ text

    def to_dict(self) -> dict[str, object]:
        """Return the PSF without its pixels as a dictionary for JSON."""
        return {
            "source": self.source, "request": self.request, "shape": list(self.kernel.shape),
            "axes": self.axes, "spacing": dict(self.spacing),
            "fwhm": {axis: round(width, 6) for axis, width in self.fwhm.items()},
            "sigmas": list(self.sigmas), "facts": dict(self.facts),
        }  # fmt: skip

    @property
    def text(self) -> str:
        """The whole PSF as text: ``gaussian:…`` if it was given so, else JSON with the compressed kernel."""
        if self.source == "gaussian":
            return gaussian_text(self.axes, self.sigmas)
        pixels = base64.b64encode(zlib.compress(self.kernel.astype("<f4").tobytes(), 9)).decode()
        return json.dumps({"psf": SCHEMA, **self.to_dict(), "kernel": pixels}, separators=(",", ":"))


_ORIGINS = {"optics": "optics", "beads": "beads", "estimate": "an estimate", "gaussian": "a Gaussian"}


def from_text(text: str) -> Psf:
    """Parse the JSON of a PSF; see `Psf.text`.

    Raises
    ------
    QuietfieldError
        If the text is no PSF, is damaged, or was written by a later version.
    """
    try:
        whole = stored.mapping(parse_json(text), "the text")
        if stored.whole(whole, "psf") > SCHEMA:
            raise QuietfieldError("This PSF was written by a later Quietfield. Update Quietfield to use it.")
        sides = stored.items(whole, "shape", 3)
        shape = tuple(stored.whole({"side": side}, "side", low=1, high=LARGEST) for side in sides)
        packer = zlib.decompressobj()
        packed = stored.text(whole, "kernel", most=stored.MOST_VALUE)
        pixels = packer.decompress(base64.b64decode(packed, validate=True), 4 * math.prod(shape))
        sigmas = tuple(stored.finite(one, "sigmas", low=0) for one in stored.items(whole, "sigmas", 3))
        widths = _numbers(whole, "fwhm")
        if len(sigmas) not in (0, len(shape)) or set(widths) != set("ZYX"[-len(shape) :]):
            raise ValueError(f"its widths are not those of {len(shape)} axes")
        return Psf(
            kernel=np.frombuffer(pixels, "<f4").reshape(shape),
            spacing=_numbers(whole, "spacing"),
            fwhm=widths,
            source=stored.text(whole, "source"),
            request=stored.text(whole, "request", most=stored.MOST_VALUE),
            facts=dict(stored.mapping(stored.entry(whole, "facts"), "facts")),
            sigmas=sigmas,
        )
    except (ValueError, TypeError, zlib.error) as error:
        raise QuietfieldError(
            f"This is not a PSF of Quietfield ({error}). Make it again, for example with 'quietfield psf'."
        ) from error


def _numbers(whole: Mapping[str, Any], name: str) -> dict[str, float]:
    given = stored.mapping(stored.entry(whole, name), name)
    return {axis: stored.real(value, name) for axis, value in given.items()}


def gaussian_text(axes: str, sigmas: Sequence[float]) -> str:
    """Return the text of a Gaussian PSF, such as "gaussian:1.2" or "gaussian:x=1.2,y=1"."""
    if len(sigmas) == 2 and sigmas[0] == sigmas[1]:
        return f"gaussian:{sigmas[0]:.10g}"
    each = zip(axes[::-1].lower(), sigmas[::-1], strict=True)
    return "gaussian:" + ",".join(f"{axis}={sigma:.10g}" for axis, sigma in each)


def gaussian(*sigmas: float, spacing: Mapping[str, float] | None = None) -> Psf:
    """Return a Gaussian PSF, sampled at pixel centres and truncated at 4 standard deviations.

    Parameters
    ----------
    *sigmas : float
        Standard deviation in pixels: one number for Y and X, or one each for (Y, X) or (Z, Y, X).
    spacing : dict of str to float, optional
        Pixel size in micrometres.

    Raises
    ------
    QuietfieldError
        If a standard deviation is not a finite number above 0.
    """
    each = (sigmas[0], sigmas[0]) if len(sigmas) == 1 else sigmas
    for sigma in each:
        if not (math.isfinite(sigma) and sigma > 0):
            raise QuietfieldError(
                f"The sigma of the Gaussian PSF is {sigma:g} px; it must be a finite number above 0."
            )
        if 8 * sigma + 1 > LARGEST:
            raise QuietfieldError(
                f"The sigma of the Gaussian PSF is {sigma:g} px; at most {(LARGEST - 1) / 8:g} px are "
                "possible."
            )
    kernel = np.ones(())
    for sigma in each:
        kernel = np.multiply.outer(kernel, gaussian_kernel(sigma))
    axes = "ZYX"[-len(each) :]
    widths = {axis: FWHM * sigma for axis, sigma in zip(axes, each, strict=True)}
    return Psf(
        kernel=kernel.astype(np.float32), spacing=spacing or {}, fwhm=widths, source="gaussian",
        request=gaussian_text(axes, each), sigmas=tuple(float(sigma) for sigma in each),
    )  # fmt: skip


def measure_fwhm(kernel: NDArray[np.floating]) -> dict[str, float]:
    """Return the full widths at half maximum of a kernel along its axes through its centre, in pixels.

    Profiles are interpolated by the Fourier transform, to which band-limited samples add nothing.
    """
    axes, centre = "ZYX"[-kernel.ndim :], tuple(side // 2 for side in kernel.shape)
    found = {}
    for at, axis in enumerate(axes):
        index: list[int | slice] = list(centre)
        index[at] = slice(None)
        found[axis] = _profile_width(np.asarray(kernel[tuple(index)], np.float64))
    return found


_FINER = 32
"""Number of interpolated positions per pixel."""


def _profile_width(profile: NDArray[np.float64]) -> float:
    """Return the width of the part around the centre that is above half the value there."""
    padded = np.pad(profile, len(profile))
    spectrum = np.fft.rfft(np.fft.ifftshift(padded))
    count = len(padded) * _FINER
    fine = np.fft.fftshift(np.fft.irfft(spectrum, count)) * _FINER
    centre = count // 2
    half = fine[centre] / 2
    right = _crossing(fine[centre:], half)
    left = _crossing(fine[centre::-1], half)
    return float((left + right) / _FINER)


def _crossing(falling: NDArray[np.float64], level: float) -> float:
    """Return the position of the first value below a level, linearly interpolated."""
    below = np.flatnonzero(falling < level)
    if not below.size or below[0] == 0:
        return float(len(falling))
    after = below[0]
    high, low = falling[after - 1], falling[after]
    return float(after - 1 + (high - level) / (high - low))
