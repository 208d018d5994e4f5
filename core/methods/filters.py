"""Classic filters, in 2D and 3D: mean (box), Gaussian and median."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from core import params
from core.errors import QuietfieldError
from core.methods import median as ranked
from core.methods import partial, separable
from core.methods.base import Block, BlockMethod, named
from core.optics import gaussian_kernel
from core.params import Value, param
from core.progress import Context
from core.stack import AXIS_NAMES

SMALL = 2**14
"""Size of a stack, in pixels, for which preparing a slab takes longer than filtering."""

PLANE = {"YX": "rows and columns", "Y": "rows only (Y)", "X": "columns only (X)"}
VOLUME = {
    "auto": "X, Y and Z (time if there is no Z)",
    "ZYX": "X, Y and Z",
    "TYX": "X, Y and time",
    "TZYX": "X, Y, Z and time",
    "Z": "Z only",
    "T": "time only",
}
_PLANE_HELP = "Axes of the filter in the plane."
_VOLUME_HELP = "Axes of the filter; planes along Z or frames along time."


def directions(wanted: str, axes: str, label: str) -> str:
    """Return the letters of the axes along which a filter works.

    Parameters
    ----------
    wanted : str
        Axes that the parameter names; "auto" for X, Y and Z, or time if there is no Z.
    axes : str
        Axes of the stack.
    label : str
        Name of the filter for the error message.

    Raises
    ------
    QuietfieldError
        If the stack lacks one of the axes.
    """
    if wanted == "auto":
        if "Z" not in axes and "T" not in axes:
            raise QuietfieldError(
                f"{label} needs planes along Z or frames along time, and this stack has neither. "
                "Use the 2D filter."
            )
        return "ZYX" if "Z" in axes else "TYX"
    missing = [axis for axis in wanted if axis not in axes]
    if missing:
        names = " and ".join(f"{AXIS_NAMES[axis]} ({axis})" for axis in missing)
        raise QuietfieldError(
            f"{label} along {VOLUME.get(wanted) or PLANE[wanted]} needs an axis missing from the stack: "
            f"{names}. Choose other axes for the filter, or correct the axes of the stack."
        )
    return wanted


class _Window(BlockMethod):
    """A filter with an odd window along each axis."""

    equivariant: ClassVar[bool] = True

    __slots__ = ()
    native = True

    def _window(self, axes: str) -> tuple[int, ...]:
        """Return the extent of the window along each axis of a stack."""
        raise NotImplementedError

    def halo(self, axes: str) -> Mapping[str, int]:
        return {axis: extent // 2 for axis, extent in zip(axes, self._window(axes), strict=True)}


class _Volume(BlockMethod):
    """A filter with one extent along X and Y and another along depth."""

    __slots__ = ()

    @classmethod
    def in_brief(cls, given: Mapping[str, Value]) -> str:
        """Return the extents along X, Y and depth, such as "sigma 1 × 1 × 2"."""
        first, *_ = params.describe(cls)
        plane, depth = (given.get(name, "?") for name in (first.name, "depth"))
        words = [f"{first.short} {number(plane)} × {number(plane)} × {number(depth)}"]
        axes = str(given.get("axes", "auto"))
        return ", ".join([*words, *([VOLUME.get(axes, axes)] if axes != "auto" else [])])


def number(value: Value) -> str:
    """Format a number without trailing zeros."""
    return f"{value:g}" if isinstance(value, float) else str(value)


class _Mean(_Window):
    __slots__ = ()

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        def smooth(pixels: NDArray[Any]) -> NDArray[np.float32]:
            return separable.mean(pixels, self._window(block.axes), context)

        return (_over_recorded(block, smooth),)


class _Median(_Window):
    __slots__ = ()

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        window = self._window(block.axes)

        def whole(pixels: NDArray[Any]) -> NDArray[np.float32]:
            return ranked.median(pixels, window, context)

        if block.recorded is None:
            return (whole(block.pixels),)
        return (partial.median(block.pixels, block.recorded, window, whole, context),)


class _Gauss(BlockMethod):
    """A Gaussian filter with a standard deviation for each axis."""

    equivariant: ClassVar[bool] = True

    __slots__ = ()
    native = True

    def _sigmas(self, axes: str) -> tuple[float, ...]:
        """Return the standard deviation along each axis of a stack, in pixels or planes."""
        raise NotImplementedError

    def halo(self, axes: str) -> Mapping[str, int]:
        sigmas = zip(axes, self._sigmas(axes), strict=True)
        return {axis: len(gaussian_kernel(sigma)) // 2 for axis, sigma in sigmas}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        kernels = [gaussian_kernel(sigma) for sigma in self._sigmas(block.axes)]
        reach = [len(kernel) // 2 for kernel in kernels[-2:]]
        wide = any(3 * r > size for r, size in zip(reach, block.shape[-2:], strict=True))
        in_slabs = not wide and math.prod(block.shape) >= SMALL

        def smooth(pixels: NDArray[Any]) -> NDArray[np.float32]:
            if in_slabs:
                return separable.convolve(pixels, kernels, context)
            return _convolve_whole(pixels, kernels, context)

        return (_over_recorded(block, smooth),)


def _convolve_whole(
    pixels: NDArray[Any], kernels: Sequence[NDArray[np.float64]], context: Context
) -> NDArray[np.float32]:
    """Convolve a small image at once, which is faster because it needs no padding."""
    from scipy import ndimage  # imported here, so that the window starts without scipy

    with np.errstate(over="ignore", invalid="ignore"):
        result = pixels.astype(np.float32)
    for axis, kernel in enumerate(kernels):
        context.check()
        if len(kernel) > 1:
            result = ndimage.correlate1d(result, kernel, axis, mode="reflect")
    return result


def _over_recorded(block: Block, smooth: partial.Smooth) -> NDArray[np.float32]:
    """Apply a linear filter to the recorded pixels of a block."""
    if block.recorded is None:
        return smooth(block.pixels)
    return partial.normalised(block.pixels, block.recorded, smooth)


SIGMAS = (0.0, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6)
SIZES = (1, 3, 5, 7, 9, 11)
DEPTHS = (1, 3, 5, 7)
DEPTH_SIGMAS = (0.0, 0.5, 0.7, 1.0, 1.4, 2.0)
"""Values among which parameters are chosen automatically; the first one leaves the image unchanged."""


@named("box", label="Mean (box)")
@dataclass(frozen=True, slots=True, kw_only=True)
class Box(_Mean):
    """Replace every pixel by the mean of a square window around it.

    Borders are reflected. Pixels that were not recorded do not count, and stay unchanged.
    """

    size: int = param(
        3, "Window", unit="px", ge=1, le=501, step=2, odd=True, auto=SIZES,
        help="Width of the window, an odd number; radius r in ImageJ is a width of 2 r + 1.",
    )  # fmt: skip
    axes: str = param("YX", "Along", choices=PLANE, help=_PLANE_HELP)

    def _window(self, axes: str) -> tuple[int, ...]:
        along = directions(self.axes, axes, self.label)
        return tuple(self.size if axis in along else 1 for axis in axes)


@named("gaussian", label="Gaussian blur")
@dataclass(frozen=True, slots=True, kw_only=True)
class Gaussian(_Gauss):
    """Convolve every plane with a Gaussian.

    The kernel is truncated at four standard deviations; borders are reflected. Pixels that were not
    recorded do not count, and stay unchanged.
    """

    sigma: float = param(
        1.0, "Sigma", unit="px", ge=0, le=100, step=0.1, auto=SIGMAS,
        help="Standard deviation of the Gaussian; 0 leaves the image unchanged.",
    )  # fmt: skip
    axes: str = param("YX", "Along", choices=PLANE, help=_PLANE_HELP)

    def _sigmas(self, axes: str) -> tuple[float, ...]:
        along = directions(self.axes, axes, self.label)
        return tuple(self.sigma if axis in along else 0.0 for axis in axes)


@named("median", label="Median")
@dataclass(frozen=True, slots=True, kw_only=True)
class Median(_Median):
    """Replace every pixel by the median of a square window around it.

    The median is exact in the pixel type; borders are reflected. Pixels that were not recorded do not
    count, and stay unchanged.
    """

    size: int = param(
        3, "Window", unit="px", ge=1, le=51, step=2, odd=True, auto=SIZES,
        help="Width of the window, an odd number; radius r in ImageJ is a width of about 2 r + 1.",
    )  # fmt: skip
    axes: str = param("YX", "Along", choices=PLANE, help=_PLANE_HELP)

    def _window(self, axes: str) -> tuple[int, ...]:
        along = directions(self.axes, axes, self.label)
        return tuple(self.size if axis in along else 1 for axis in axes)


@named("box-3d", label="Mean 3D (box)")
@dataclass(frozen=True, slots=True, kw_only=True)
class Box3D(_Volume, _Mean):
    """Replace every pixel by the mean of a box around it, including neighbouring planes.

    Borders are reflected. Pixels that were not recorded do not count, and stay unchanged.
    """

    size: int = param(
        3, "Window in the plane", short="window", unit="px", ge=1, le=501, step=2, odd=True,
        auto=SIZES,
        help="Width of the window along X and Y, an odd number.",
    )  # fmt: skip
    depth: int = param(
        3, "Window in depth", short="depth", unit="planes", ge=1, le=501, step=2, odd=True,
        auto=DEPTHS,
        help="Planes along Z, or frames along time, the window spans; an odd number.",
    )  # fmt: skip
    axes: str = param("auto", "Along", choices=VOLUME, help=_VOLUME_HELP)

    def _window(self, axes: str) -> tuple[int, ...]:
        along = directions(self.axes, axes, self.label)
        return tuple((self.size if a in "YX" else self.depth) if a in along else 1 for a in axes)


@named("gaussian-3d", label="Gaussian blur 3D")
@dataclass(frozen=True, slots=True, kw_only=True)
class Gaussian3D(_Volume, _Gauss):
    """Convolve with a Gaussian that includes neighbouring planes.

    The kernel is truncated at four standard deviations; borders are reflected. Pixels that were not
    recorded do not count, and stay unchanged.
    """

    sigma: float = param(
        1.0, "Sigma in the plane", short="sigma", unit="px", ge=0, le=100, step=0.1, auto=SIGMAS,
        help="Standard deviation along X and Y; 0 for no smoothing.",
    )  # fmt: skip
    depth: float = param(
        1.0, "Sigma in depth", short="depth", unit="planes", ge=0, le=100, step=0.1,
        auto=DEPTH_SIGMAS,
        help="Standard deviation along Z in planes, or along time in frames; 0 for no smoothing.",
    )  # fmt: skip
    axes: str = param("auto", "Along", choices=VOLUME, help=_VOLUME_HELP)

    def _sigmas(self, axes: str) -> tuple[float, ...]:
        along = directions(self.axes, axes, self.label)
        return tuple((self.sigma if a in "YX" else self.depth) if a in along else 0.0 for a in axes)


@named("median-3d", label="Median 3D")
@dataclass(frozen=True, slots=True, kw_only=True)
class Median3D(_Volume, _Median):
    """Replace every pixel by the median of a box around it, including neighbouring planes.

    The median is exact in the pixel type; borders are reflected. Pixels that were not recorded do not
    count, and stay unchanged.
    """

    size: int = param(
        3, "Window in the plane", short="window", unit="px", ge=1, le=11, step=2, odd=True,
        auto=SIZES,
        help="Width of the window along X and Y, an odd number.",
    )  # fmt: skip
    depth: int = param(
        3, "Window in depth", short="depth", unit="planes", ge=1, le=11, step=2, odd=True,
        auto=DEPTHS,
        help="Planes along Z, or frames along time, the window spans; an odd number.",
    )  # fmt: skip
    axes: str = param("auto", "Along", choices=VOLUME, help=_VOLUME_HELP)

    def _window(self, axes: str) -> tuple[int, ...]:
        along = directions(self.axes, axes, self.label)
        return tuple((self.size if a in "YX" else self.depth) if a in along else 1 for a in axes)
