"""Calibrate a camera from dark frames, a flat stack, or repeated frames of a static scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.noise.blocks import SIDE, block_means
from core.noise.calibration import Calibration
from core.noise.report import report_noise
from core.noise.report.values import Quantity
from core.progress import Context
from core.stack import Stack, middle

FRAMES = 64
"""Maximum number of frames that are read, from the first one."""

PART = 1024
"""Side of the central part that is read, in pixels."""

SATURATED = 0.01
"""Fraction of pixels with the largest value above which a flat stack is saturated."""

LEAST = 64
"""Minimum number of blocks of 8 x 8 pixels."""

Values = NDArray[np.float64]


def calibrate(
    name: str,
    *,
    dark: Stack | None = None,
    flat: Stack | None = None,
    repeats: Stack | None = None,
    context: Context | None = None,
) -> Calibration:
    """Measure offset, read noise and gain of a camera.

    Dark frames give the offset and the read noise; a flat stack, or repeats, the gain. Without dark frames,
    the offset follows from the skewness of the noise of the others, if it can be measured.

    Parameters
    ----------
    name : str
        Name of the calibration.
    dark : Stack, optional
        Frames without light.
    flat : Stack, optional
        Two or more frames of a uniform light, which may decrease towards the edges.
    repeats : Stack, optional
        Frames of one static scene, if there is no flat stack.
    context : Context, optional
        Progress and cancellation.

    Returns
    -------
    Calibration
        What could be measured.

    Raises
    ------
    QuietfieldError
        If the stacks do not fit each other, contain no noise, or do not show what they should.
    """
    context = context or Context()
    given = [
        (what, stack)
        for what, stack in (("dark frames", dark), ("flat stack", flat), ("repeats", repeats))
        if stack
    ]
    if not given:
        raise QuietfieldError("Nothing to calibrate from. Name dark frames, a flat stack, or repeats.")
    if flat is not None and repeats is not None:
        raise QuietfieldError("A flat stack and repeats both give the gain. Name one of them.")
    _check(given)
    first = given[0][1]
    rows, columns = first.shape[-2:]
    made_from = " and ".join(f"{what} ({stack.meta.name})" for what, stack in given)
    made = Calibration(name=name, shape=(rows, columns), dtype=first.dtype.name, made_from=made_from)
    if dark is not None:
        made = _from_dark(made, dark, context.part(0.0, 0.4))
    bright = flat if flat is not None else repeats
    if bright is None:
        return made
    if dark is None or repeats is not None:
        made = _from_repeats(made, bright, context.part(0.4, 0.7 if dark is not None else 1.0))
        return made if dark is None else _through_dark(made, bright, context.part(0.7, 1.0))
    return _through_dark(made, bright, context.part(0.4, 1.0))


def _check(given: list[tuple[str, Stack]]) -> None:
    """Raise an error if the stacks differ in size or type, or have several channels."""
    (_, first), *others = given
    for what, stack in given:
        if stack.sizes.get("C", 1) > 1:
            raise QuietfieldError(
                f"The {what} {stack.meta.name} has {stack.sizes['C']} channels. Calibrate each camera "
                "with a stack of one channel."
            )
    for what, stack in others:
        if stack.shape[-2:] != first.shape[-2:] or stack.dtype != first.dtype:
            sizes = [
                f"{one.shape[-1]} x {one.shape[-2]} pixels of {one.dtype.name}" for one in (first, stack)
            ]
            raise QuietfieldError(
                f"{first.meta.name} has {sizes[0]} and the {what} {stack.meta.name} has {sizes[1]}. "
                "Record both in the same mode of the camera."
            )


def _read(stack: Stack, context: Context) -> Values:
    """Return the first frames, shape (N, Y, X)."""
    inner = {axis: middle(stack.sizes[axis], PART) for axis in "YX"}
    frames: list[Values] = []
    for at in np.ndindex(*stack.shape[:-2]):
        if len(frames) == FRAMES:
            break
        context.step(len(frames) / min(FRAMES, stack.planes), "Reading frames")
        where = dict(zip(stack.axes[:-2], map(int, at), strict=True))
        pixels = stack.read(stack.region(**where, **inner)).astype(np.float64)
        frames.append(pixels.reshape(pixels.shape[-2:]))
    found = np.stack(frames)
    if not np.isfinite(found).all():
        raise QuietfieldError(f"{stack.meta.name} contains pixels that are not finite. Record it again.")
    if found.shape[1] * found.shape[2] < LEAST * SIDE**2:
        raise QuietfieldError(
            f"{stack.meta.name} has {found.shape[2]} x {found.shape[1]} pixels; a calibration needs at "
            f"least {LEAST * SIDE**2} pixels."
        )
    return found


def _from_dark(made: Calibration, dark: Stack, context: Context) -> Calibration:
    frames = _read(dark, context)
    if not np.ptp(frames) > 0:
        raise QuietfieldError(
            f"All pixels of the dark frames {dark.meta.name} are {frames.flat[0]:g}: the camera cuts off "
            "its noise, or this is no recording. Raise the offset of the camera."
        )
    if float((frames == frames.min()).mean()) > 0.5:
        raise QuietfieldError(
            f"More than half of the pixels of the dark frames {dark.meta.name} are {frames.min():g}, the "
            "smallest value: the camera cuts off its noise. Raise its offset, and record them again."
        )
    count = len(frames)
    mean = frames.mean(axis=0)
    if count > 1:
        steady = frames - frames.mean(axis=(1, 2), keepdims=True) - (mean - mean.mean())
        blocks = _blocks(np.square(steady).sum(axis=0) / (count - 1))
        means = frames.mean(axis=(1, 2))
        drift = float(means.std(ddof=1)) / np.sqrt(count)
    else:  # the pattern of single pixels counts as noise
        rough = mean[1:-1, 1:-1] - (mean[:-2, 1:-1] + mean[2:, 1:-1]) / 2
        blocks, drift = _blocks(np.square(rough) / 1.5), 0.0
    # the median of blocks: hot pixels, a few, have far more noise
    variance = float(np.median(blocks))
    read_noise = float(np.sqrt(variance))
    pixels = mean.size * max(count - 1, 1)
    pattern = max(float(np.median(_blocks(np.square(mean - _flattened(mean))))) - variance / count, 0.0)
    return replace(
        made, offset=float(np.median(block_means(_cut(mean)))),
        offset_error=float(np.hypot(drift, read_noise / np.sqrt(mean.size))),
        read_noise=read_noise, read_noise_error=read_noise * float(np.sqrt(1.6 / (2 * pixels))),
        pattern=float(np.sqrt(pattern)),
    )  # fmt: skip


def _from_repeats(made: Calibration, bright: Stack, context: Context) -> Calibration:
    """Return a calibration with what the noise report of repeated frames tells."""
    if bright.planes < 2:
        raise QuietfieldError(
            f"{bright.meta.name} has one frame; at least two are needed to measure the noise."
        )
    report = report_noise(bright, context).channels[0]
    if report.method != "frames":
        raise QuietfieldError(
            f"The frames of {bright.meta.name} do not show one static scene, so that they cannot "
            "calibrate a camera. Record the same scene several times, or a uniform light."
        )
    camera = report.camera
    made = replace(made, gain=camera.gain.value, gain_error=_error(camera.gain))
    if made.offset is None and camera.offset.known:
        made = replace(made, offset=camera.offset.value, offset_error=_error(camera.offset))
        if camera.read_noise.known:
            read_noise = camera.read_noise
            made = replace(made, read_noise=read_noise.value, read_noise_error=_error(read_noise))
    if made.gain is None and made.offset is None:
        raise QuietfieldError(
            f"The noise of {bright.meta.name} does not tell gain and offset of the camera. Use brighter "
            "frames, and dark frames."
        )
    return made


def _error(quantity: Quantity) -> float | None:
    """Return the standard error of a quantity, whose interval has two of them on each side."""
    return None if quantity.error is None else quantity.error / 2


def _through_dark(made: Calibration, bright: Stack, context: Context) -> Calibration:
    """Return a calibration with the gain from mean and variance of bright frames, and of dark ones."""
    frames = _read(bright, context)
    offset, floor = made.offset or 0.0, (made.read_noise or 0.0) ** 2
    if len(frames) < 2:
        raise QuietfieldError(
            f"{bright.meta.name} has one frame; at least two are needed to measure the noise."
        )
    if float((frames == frames.max()).mean()) > SATURATED:
        raise QuietfieldError(f"{bright.meta.name} is saturated. Record it with less light.")
    mean = frames.mean(axis=0)
    level = mean - mean.mean()
    energy, total = max(float(np.square(level).mean()), 1e-300), np.zeros_like(mean)
    for frame in frames:  # without the flicker of the light
        change = frame - mean - (frame.mean() - mean.mean())
        total += np.square(change - float((change * level).mean()) / energy * level)
    variances, light = _blocks(total / (len(frames) - 1)), _blocks(mean) - offset
    bright_enough = light > 2 * np.sqrt(floor / SIDE**2)
    if float(np.median(light)) <= 0 or bright_enough.sum() < LEAST // 2:
        raise QuietfieldError(
            f"{bright.meta.name} is not brighter than the dark frames. Record it with light."
        )
    variances, light = variances[bright_enough], light[bright_enough]
    expected = np.maximum(variances, float(np.median(variances)) / 10)
    for _ in range(4):  # weights from the line itself: those from the variances would favour low ones
        weight = 1 / np.square(expected)
        gain = float((weight * light * (variances - floor)).sum() / (weight * np.square(light)).sum())
        expected = np.maximum(gain * light + floor, 1e-300)
        kept = variances < 4 * expected
        variances, light, expected = variances[kept], light[kept], expected[kept]
    if not gain > 0:
        raise QuietfieldError(
            f"The noise of {bright.meta.name} does not increase with the light. Check that both were "
            "recorded in the same mode, and that neither was processed."
        )
    scatter = np.square(light * (variances - gain * light - floor) / np.square(expected)).sum()
    error = float(np.sqrt(scatter) / (np.square(light) / np.square(expected)).sum())
    return replace(made, gain=gain, gain_error=error)


def _blocks(image: Values) -> Values:
    """Return the mean of every block."""
    return block_means(_cut(image)).ravel()


def _cut(image: Values) -> Values:
    rows, columns = (n // SIDE * SIDE for n in image.shape)
    return image[:rows, :columns]


def _flattened(mean: Values) -> Values:
    """Return the mean of every block at each of its pixels; the border beyond whole blocks is kept."""
    flat = mean.copy()
    cut = _cut(mean)
    flat[: cut.shape[0], : cut.shape[1]] = block_means(cut).repeat(SIDE, 0).repeat(SIDE, 1)
    return flat
