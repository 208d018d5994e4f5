"""Brightness and position of the frames of a stack over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.progress import Context
from core.recorded import Recorded
from core.stack import Stack, middle

SIDE = 512
"""Side of the central region whose mean is taken, in pixels."""

PIXELS = 2e8
"""Number of pixels of whole planes that are read at most; of longer stacks, frames spread over time are."""

LEAST, MOST = 16, 1000
"""Smallest and largest number of frames that are read."""

MATCHED = 16
"""Maximum number of frames whose position is measured."""

WINDOW = 256
"""Maximum side of the region that is matched, in pixels."""

BAND = (0.02, 0.12)
"""Spatial frequencies that are matched, in cycles per pixel."""

CERTAIN = 8.0
"""Height of a correlation peak, in standard deviations of the correlation, from which on it is a match."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Change of the frames over time.

    Attributes
    ----------
    frames : tuple of int
        Indices of the frames, from 0.
    brightness : tuple of float
        Mean intensity of each of these frames, in counts.
    change : float
        Relative change of the brightness above the offset from the first to the last frame, of a fitted line.
    flicker : float
        Standard deviation of the brightness of single frames about their neighbours, relative to the mean.
    compared : int
        Number of frames whose position was to be measured.
    matched : tuple of int
        Indices of the frames whose position is known.
    down, right : tuple of float
        Their displacement along Y and X relative to the first ones, in pixels.
    """

    frames: tuple[int, ...]
    brightness: tuple[float, ...]
    change: float
    flicker: float
    compared: int = 0
    matched: tuple[int, ...] = ()
    down: tuple[float, ...] = ()
    right: tuple[float, ...] = ()

    @property
    def drift(self) -> float:
        """Distance by which the frames move from the first to the last one, in pixels, on a fitted line."""
        if len(self.matched) < 2:
            return 0.0
        length = self.frames[-1] - self.frames[0]
        return length * float(np.hypot(_trend(self.matched, self.down), _trend(self.matched, self.right)))

    @property
    def unlike(self) -> bool:
        """Whether most frames do not match the first ones."""
        return 2 * len(self.matched) < self.compared


def follow(stack: Stack, channel: int, offset: float, context: Context) -> Course | None:
    """Measure brightness and position of frames; None for fewer than three frames.

    Parameters
    ----------
    stack : Stack
        Stack; in the middle of depth.
    channel : int
        Index of the channel; 0 without channels.
    offset : float
        Counts without light.
    context : Context
        Progress and cancellation.
    """
    count = stack.sizes.get("T", 1)
    if count < 3:
        return None
    rows, columns = stack.shape[-2:]
    most = int(np.clip(PIXELS / (rows * columns), LEAST, MOST))
    times = sorted({round(part) for part in np.linspace(0, count - 1, min(count, most))})
    chosen = set(times[:: max(1, -(-len(times) // MATCHED))])
    where: dict[str, slice | int] = {"Z": stack.sizes.get("Z", 1) // 2, "C": channel}
    where |= {axis: middle(stack.sizes[axis], SIDE) for axis in "YX"}
    brightness, pictures = [], {}
    for number, time in enumerate(times):
        context.step(number / len(times), "Following the frames")
        at = {axis: part for axis, part in {**where, "T": time}.items() if axis in stack.axes}
        pixels = Recorded.of(stack).measured(stack.region(**at))
        image = pixels.reshape(pixels.shape[-2:]).astype(np.float64)
        finite = np.isfinite(image)
        mean = float(image[finite].mean()) if finite.any() else np.nan
        brightness.append(mean)
        if time in chosen and finite.any():
            pictures[time] = _band(np.where(finite, image, mean))
    level = np.array(brightness)
    level = np.where(np.isfinite(level), level, np.nanmedian(level) if np.isfinite(level).any() else 0.0)
    change, flicker = _changes(np.array(times, np.float64), level - offset)
    matched = _match(pictures)
    return Course(
        frames=tuple(times), brightness=tuple(float(one) for one in level), change=change, flicker=flicker,
        compared=len(pictures),
        matched=tuple(time for time, _ in matched),
        down=tuple(shift[0] for _, shift in matched), right=tuple(shift[1] for _, shift in matched),
    )  # fmt: skip


def _trend(times: Sequence[int], values: Sequence[float]) -> float:
    """Return the median slope of all pairs of points (Theil-Sen), which single outliers do not change."""
    first, second = np.triu_indices(len(times), 1)
    x, y = np.array(times, np.float64), np.array(values)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])))


def _changes(times: Values, signal: Values) -> tuple[float, float]:
    """Return the relative change along a fitted line, and the relative deviation of single frames."""
    usual = float(np.median(signal))
    if not usual > 0:
        return 0.0, 0.0
    inner = signal[1:-1] - 0.5 * (signal[:-2] + signal[2:])
    flicker = 1.4826 * float(np.median(np.abs(inner - np.median(inner)))) / np.sqrt(1.5)
    # a single frame far from the others, such as a flash, is no change
    kept = np.abs(signal - usual) <= max(6 * flicker, 0.6 * abs(usual))
    if kept.sum() < 2:
        return 0.0, flicker / usual
    spread = times[kept] - times[kept].mean()
    slope = float((spread * signal[kept]).sum() / max(float(np.square(spread).sum()), 1e-300))
    first = float(signal[kept].mean()) + slope * (times[0] - float(times[kept].mean()))
    if not first > 0:
        return 0.0, flicker / usual
    return float(slope * (times[-1] - times[0]) / first), float(flicker / usual)


def _band(image: Values) -> NDArray[np.complex128]:
    """Return the spectrum of the central part, limited to the frequencies in which structure dominates."""
    rows, columns = (middle(n, WINDOW) for n in image.shape)
    part = image[rows, columns]
    part = part / (float(np.abs(part).max()) or 1.0)
    taper = np.outer(*(np.hanning(n + 2)[1:-1] for n in part.shape))
    spectrum: NDArray[np.complex128] = np.fft.rfft2((part - part.mean()) * taper)
    frequency = np.hypot(np.fft.fftfreq(part.shape[0])[:, None], np.fft.rfftfreq(part.shape[1])[None])
    spectrum *= (frequency > BAND[0]) * np.exp(-0.5 * np.square(frequency / BAND[1]))
    return spectrum


def _match(pictures: dict[int, NDArray[np.complex128]]) -> list[tuple[int, tuple[float, float]]]:
    """Return the displacement of frames relative to the mean of the first ones, where it is certain."""
    if len(pictures) < 2:
        return []
    order = sorted(pictures)
    reference = np.mean([pictures[time] for time in order[: max(1, min(3, len(order) // 4))]], axis=0)
    found = []
    for time in order:
        surface = np.fft.irfft2(pictures[time] * np.conj(reference))
        spread = float(surface.std())
        y, x = np.unravel_index(int(surface.argmax()), surface.shape)
        if spread > 0 and float(surface[y, x]) > CERTAIN * spread:
            found.append((time, (_peak(surface[:, x], int(y)), _peak(surface[y], int(x)))))
    return found


def _peak(line: Values, at: int) -> float:
    """Return the position of the vertex of a parabola through a maximum and its neighbours, cyclically."""
    before, here, after = (float(line[(at + step) % len(line)]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    part = 0.5 * (before - after) / bend if bend < 0 else 0.0
    whole = at if at <= len(line) // 2 else at - len(line)
    return whole + part
