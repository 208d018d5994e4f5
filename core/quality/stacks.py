"""Compute metrics of whole stacks, plane by plane, and average frames to a reference."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.noise.motion import Course
from core.progress import Context
from core.quality.metric import Measures
from core.quality.metrics import mean, measure_plane
from core.recorded import Recorded
from core.stack import AXIS_NAMES, Stack

DRIFT, STRUCTURE = 2.0, 10.0
"""Upper limits for static scenes (measured: up to 1.2 and 4.3 on static ones, from 4.2 or 37 on others)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackMeasures:
    """Metrics of a stack.

    Attributes
    ----------
    mean : Measures
        Means over the measured planes.
    planes : tuple of Measures
        Metrics of each measured plane.
    indices : tuple of tuple of int
        Indices of these planes along the axes before Y and X.
    total : int
        Number of planes of the stack.
    """

    mean: Measures
    planes: tuple[Measures, ...]
    indices: tuple[tuple[int, ...], ...]
    total: int

    @property
    def note(self) -> str:
        """Number of measured planes as text, such as "16 of 100 planes"."""
        used = len(self.planes)
        if used == self.total:
            return "1 plane" if used == 1 else f"all {used} planes"
        return f"{used} of {self.total} planes, evenly spread"


def measure_stack(
    stack: Stack,
    reference: Stack | None,
    *,
    data_range: float | None = None,
    affine: bool = False,
    limit: int | None = None,
    context: Context | None = None,
) -> StackMeasures:
    """Compute the metrics of a stack against a reference, with one plane in memory at a time.

    Pixels that were not recorded in the stack or in the reference are left out, and so are planes without any
    others.

    Parameters
    ----------
    stack : Stack
        Stack; its pixels may be computed on demand.
    reference : Stack or None
        Reference. Missing axes, or axes of length 1, are repeated (time and depth, not channels). Without
        a reference, only mean/std is computed.
    data_range : float, optional
        Data range of PSNR, SSIM and NRMSE; by default the range of each plane of the reference.
    affine : bool
        Whether to fit scale and offset of every plane to the reference first.
    limit : int, optional
        Maximum number of measured planes, evenly spaced; by default all.
    context : Context, optional
        Progress and cancellation.

    Returns
    -------
    StackMeasures
        Metrics of the stack and of each measured plane.

    Raises
    ------
    QuietfieldError
        If the stacks do not match, or a plane cannot be measured; the message names the plane.
    """
    context = context or Context()
    leading = stack.shape[:-2]
    letters = matching_axes(stack, reference) if reference is not None else ""
    chosen = _spread(stack.planes, limit)
    indices = tuple(tuple(int(i) for i in np.unravel_index(n, leading)) if leading else () for n in chosen)
    planes: list[Measures] = []
    used: list[tuple[int, ...]] = []
    target: NDArray[Any] | None = None
    there_recorded: NDArray[np.bool_] | None = None
    last: dict[str, int] | None = None
    for done, index in enumerate(indices):
        context.step(done / len(indices), "Measuring")
        at = dict(zip(stack.axes, index, strict=False))
        if reference is not None:
            there = {
                axis: i for axis, i in zip(letters, index, strict=True) if reference.sizes.get(axis, 1) > 1
            }
            if there != last:
                last = there
                target, there_recorded = _plane(reference, there)
        plane, recorded = _plane(stack, at)
        masks = [mask for mask in (recorded, there_recorded) if mask is not None]
        known = np.logical_and.reduce(masks) if masks else None
        both = np.isfinite(plane) if target is None else np.isfinite(plane) & np.isfinite(target)
        if not (both if known is None else both & known).any():
            continue
        used.append(index)
        try:
            planes.append(measure_plane(plane, target, data_range=data_range, affine=affine, recorded=known))
        except QuietfieldError as error:
            where = ", ".join(f"{AXIS_NAMES[axis]} {i + 1}" for axis, i in at.items())
            raise QuietfieldError(f"{stack.meta.name}{f' ({where})' if where else ''}: {error}") from error
    context.step(1.0, "Measuring")
    if not planes:
        raise QuietfieldError(f"{stack.meta.name} has no recorded pixels; there is nothing to measure.")
    return StackMeasures(mean=mean(planes), planes=tuple(planes), indices=tuple(used), total=stack.planes)


def _plane(stack: Stack, at: Mapping[str, int]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Return a plane (Y, X), and which of its pixels were recorded (None for all)."""
    region = stack.region(**{axis: at.get(axis, 0) for axis in stack.axes[:-2]})
    pixels, recorded = Recorded.of(stack).read(region)
    size = pixels.shape[-2:]
    return pixels.reshape(size), None if recorded is None else recorded.reshape(size)


def _spread(total: int, limit: int | None) -> list[int]:
    if limit is None or limit >= total:
        return list(range(total))
    if limit < 1:
        raise QuietfieldError(f"The number of planes to measure is {limit}; it must be at least 1.")
    return sorted({int(n) for n in (np.arange(limit) + 0.5) * total / limit})


def matching_axes(stack: Stack, reference: Stack) -> str:
    """Return the axes of the reference that correspond to the axes of the stack before Y and X.

    Raises
    ------
    QuietfieldError
        If the sizes do not match.
    """
    names = f"{reference.meta.name} cannot be the reference of {stack.meta.name}: "
    if stack.shape[-2:] != reference.shape[-2:]:
        size, wanted = (" x ".join(str(n) for n in s.shape[-2:]) for s in (reference, stack))
        raise QuietfieldError(
            f"{names}its planes have {size} pixels, not {wanted}. Choose one of the same size."
        )
    if stack.shape == reference.shape:  # plane by plane, whatever the names of the axes
        return reference.axes[:-2]
    for axis in dict.fromkeys(stack.axes[:-2] + reference.axes[:-2]):
        ours, theirs = stack.sizes.get(axis, 1), reference.sizes.get(axis, 1)
        if ours != theirs and (theirs != 1 or axis == "C"):
            raise QuietfieldError(
                f"{names}it has {theirs} along {AXIS_NAMES[axis]} ({axis}) where the stack has {ours}. "
                "Choose one with the same number" + ("." if axis == "C" else ", or with a single one.")
            )
    return stack.axes[:-2]


def mean_of_frames(stack: Stack, context: Context | None = None) -> Stack:
    """Average a stack over time, as the reference of a static scene.

    Frames are read one at a time; pixels that were not recorded are left out of the mean, which is NaN where
    none was recorded. The findings of the result contain the number of frames, and a caution if
    the frames do not seem to show one scene at constant brightness. Each frame is part of this reference, so
    the PSNR of a raw frame is 10 log10(T / (T - 1)) dB higher than against the true scene.

    Parameters
    ----------
    stack : Stack
        A stack with a time axis of length 2 or more.
    context : Context, optional
        Progress and cancellation.

    Returns
    -------
    Stack
        float32, without the time axis.

    Raises
    ------
    QuietfieldError
        If there are no frames to average.
    """
    frames = stack.sizes.get("T", 1)
    if frames < 2:
        raise QuietfieldError(
            f"{stack.meta.name} has a single time point; a mean over time needs at least two. "
            "If its planes are frames of one scene, set the axis to time first."
        )
    context = context or Context()
    place = stack.axes.index("T")
    shape = stack.shape[:place] + stack.shape[place + 1 :]
    axes = stack.axes.replace("T", "")
    out = np.empty(shape, np.float32)
    static, count = True, math.prod(shape[:-2])
    for n, index in enumerate(np.ndindex(*shape[:-2])):
        part = context.part(n / count, (n + 1) / count)
        out[index], course = _averaged(stack, dict(zip(axes, index, strict=False)), part)
        static = static and course.drift < DRIFT and course.structure < STRUCTURE
    findings = [Finding(kind=kinds.FRAMES_AVERAGED, value=frames, details={"name": stack.meta.name})]
    if not static:
        findings.append(Finding(kind=kinds.FRAMES_DIFFER))
    meta = dataclasses.replace(
        stack.meta,
        name=f"Mean of {stack.meta.name}",
        spacing={axis: step for axis, step in stack.meta.spacing.items() if axis != "T"},
        path=None, labels=(), imagej={}, ome_xml="", findings=tuple(findings), format="",
    )  # fmt: skip
    return Stack.of(out, axes, meta)


def _averaged(stack: Stack, at: Mapping[str, int], context: Context) -> tuple[NDArray[np.float32], Course]:
    """Average one plane over time, and compare its frames; `at` is its index along the other axes."""
    frames = stack.sizes["T"]
    total, count = np.zeros(stack.shape[-2:]), np.zeros(stack.shape[-2:], np.int64)
    numbers = []
    for t in range(frames):
        context.step(0.5 * t / frames, "Averaging frames")
        if _any_recorded(stack, {**at, "T": t}):
            numbers.append(t)
    course = Course(frames=max(2, len(numbers)))
    for done, t in enumerate(numbers):
        context.step(0.5 + 0.5 * done / len(numbers), "Averaging frames")
        frame = Recorded.of(stack).measured(stack.region(**{**at, "T": t})).reshape(total.shape)
        frame = frame.astype(np.float64)
        finite = np.isfinite(frame)
        total += np.where(finite, frame, 0.0)
        count += finite
        course.add(frame)
    mean_plane = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean_plane.astype(np.float32), course


def _any_recorded(stack: Stack, at: Mapping[str, int]) -> bool:
    pixels, recorded = _plane(stack, at)
    return bool(np.isfinite(pixels).any() and (recorded is None or recorded.any()))
