"""Survey of a stack: its noise, and whether its scene is static, each measured once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, Kind, Proposal, kinds
from core.noise import between
from core.noise.calibration import Calibration
from core.noise.estimate import FRAMES, LARGEST, estimate, estimate_frames, select_middle
from core.noise.motion import compare
from core.noise.noise_estimate import NoiseEstimate
from core.noise.outlying import outlying_frames
from core.progress import Context
from core.recorded import Recorded
from core.stack import AXIS_NAMES, Region, Stack, middle

PLANES = 4
"""Maximum number of planes per channel, spread over the stack, whose noise is compared."""

ALIKE = 1.1
"""Ratio of noise standard deviations up to which the noise of planes is considered equal."""

SIDE = 512
"""Side of the central part of planes and frames that are compared, in pixels."""

COMPARED = 8
"""Maximum number of frames that are compared to detect motion."""

CHANGED = 0.0002
"""Fraction of significantly different blocks of a frame above which the scene moves."""

EXCESS = 1.5
"""Excess of the change of a frame from the mean of frames above which the scene moves."""

Plane = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackNoise:
    """Noise of a stack.

    Attributes
    ----------
    channels : tuple of NoiseEstimate
        One estimate for each channel; one if the stack has no channels.
    each_plane : bool
        Whether the noise differs between planes, so that it is estimated for each plane.
    """

    channels: tuple[NoiseEstimate, ...]
    each_plane: bool

    def averaged(self, frames: float) -> StackNoise:
        """Return the noise of means of several frames of one scene."""
        return replace(self, channels=tuple(noise.averaged(frames) for noise in self.channels))


class Survey:
    """Measured properties of the pixels of a stack.

    Each property is measured at first use, and only once; the survey is thread-safe. `Survey.of` returns the
    one survey of a stack.

    Parameters
    ----------
    stack : Stack
        Stack to survey.
    noise : StackNoise, optional
        Noise of the stack, if it is known.
    camera : Calibration, optional
        Calibration of the camera of the stack, which then determines its noise model.
    """

    __slots__ = ("_lock", "_measured", "_noise", "_outlying", "_shared", "_stack", "_still", "camera")

    def __init__(
        self, stack: Stack, noise: StackNoise | None = None, camera: Calibration | None = None
    ) -> None:
        self.camera = camera
        self._measured: StackNoise | None = None
        # a separate stack: the surveyed one refers to this survey, and would never be freed
        self._stack = Stack(stack.source, stack.axes)
        self._stack.attached(Recorded, lambda: Recorded.of(stack))
        self._lock = RLock()
        self._noise = noise
        self._shared: dict[str, float] = {}
        self._outlying: dict[str, tuple[int, ...]] = {}
        self._still: bool | None = None

    @classmethod
    def of(cls, stack: Stack) -> Survey:
        """Return the survey of a stack."""
        return stack.attached(cls, lambda: cls(stack))

    def noise(self, context: Context | None = None) -> StackNoise:
        """Return the noise of every channel.

        It is estimated from consecutive frames in the middle of time (or planes in the middle of depth) if
        they show one static scene, and otherwise from single planes spread over the stack.

        Parameters
        ----------
        context : Context, optional
            Cancellation.

        Raises
        ------
        QuietfieldError
            If the planes are too small, or their intensities too large.
        """
        with self._lock:
            if self._noise is None:
                measured = self._measured = _measure_noise(self._stack, context or Context())
                self._noise = measured
                if self.camera is not None:
                    channels = tuple(self.camera.applied(noise) for noise in measured.channels)
                    self._noise = replace(measured, channels=channels, each_plane=False)
            return self._noise

    def measured(self, context: Context | None = None) -> StackNoise:
        """Return the noise as it is measured without a calibration."""
        known = self.noise(context)
        return self._measured if self._measured is not None else known

    def shared_noise(self, axis: str) -> float:
        """Return the correlation of the noise of neighbouring planes or frames along an axis.

        Parameters
        ----------
        axis : {"T", "Z"}
            Axis along which they are neighbours.

        Returns
        -------
        float
            Maximum over all channels: 0 for independent noise, at most 1; 0 for fewer than three planes.
        """
        with self._lock:
            if axis not in self._shared:
                self._shared[axis] = between.shared_noise(self._stack, axis)
            return self._shared[axis]

    def outlying(self, axis: str, context: Context | None = None) -> tuple[int, ...]:
        """Return the indices of frames or planes along an axis that are far from all others, as a flash is.

        Parameters
        ----------
        axis : {"T", "Z"}
            Axis of the frames or planes.
        context : Context, optional
            Cancellation.
        """
        with self._lock:
            if axis not in self._outlying:
                self._outlying[axis] = outlying_frames(self._stack, axis, context or Context())
            return self._outlying[axis]

    def stands_still(self) -> bool:
        """Return whether all frames seem to show the same scene, with independent noise."""
        with self._lock:
            if self._still is None:
                self._still = self._stack.sizes.get("T", 1) > 1 and all(
                    noise.method == "frames" and not _moves(self._stack, channel, noise)
                    for channel, noise in enumerate(self.noise().channels)
                )
            return self._still


def find_shared_noise(stack: Stack, axis: str, kind: Kind) -> Finding | None:
    """Return a finding if neighbouring planes or frames share noise.

    Parameters
    ----------
    stack : Stack
        Stack to examine.
    axis : {"T", "Z", ""}
        Axis along which they are neighbours; "" for none.
    kind : Kind
        Kind of the finding, which depends on the effect of the shared noise.

    Returns
    -------
    Finding or None
        None if the correlation is at most `between.LIMIT`.
    """
    if not axis or (correlation := Survey.of(stack).shared_noise(axis)) <= between.LIMIT:
        return None
    details = {"axis": axis, "name": AXIS_NAMES[axis]}
    proposal = (
        Proposal(label="Use no neighbours", params={"neighbours": "none"})
        if kind == kinds.NEIGHBOURS_SHARE_NOISE else None
    )  # fmt: skip
    return Finding(kind=kind, value=correlation, limit=between.LIMIT, details=details, proposal=proposal)


def find_outlying(stack: Stack, context: Context) -> tuple[Finding, ...]:
    """Return a finding for each axis along which frames or planes are outlying."""
    found = []
    for axis in "TZ":
        indices = Survey.of(stack).outlying(axis, context)
        if indices:
            numbers = ", ".join(str(index + 1) for index in indices)
            details = {"axis": axis, "numbers": numbers, "things": "frames" if axis == "T" else "planes"}
            found.append(Finding(kind=kinds.FRAMES_OUTLYING, value=float(len(indices)), details=details))
    return tuple(found)


def spread_frames(stack: Stack, channel: int) -> list[Region]:
    """Return the regions of some frames of a channel, from the first to the last, in the middle of depth.

    Parameters
    ----------
    stack : Stack
        Stack with a time axis.
    channel : int
        Index of the channel; 0 without channels.

    Returns
    -------
    list of Region
        At most `COMPARED` regions, each the central part of a plane.
    """
    count = stack.sizes["T"]
    times = sorted({round(part) for part in np.linspace(0, count - 1, min(count, COMPARED))})
    where = _central(stack, SIDE) | {"C": channel}
    return [stack.region(**_known(stack, where | {"T": time})) for time in times]


def _measure_noise(stack: Stack, context: Context) -> StackNoise:
    found, differ = [], False
    for channel in range(stack.sizes.get("C", 1)):
        context.check()
        noise = _from_frames(stack, channel)
        single = []
        for plane in _spread_planes(stack, channel):
            context.check()
            single.append(estimate(plane))
        found.append(noise or select_middle(single))
        differ = differ or _differ(single)
    return StackNoise(channels=tuple(found), each_plane=differ)


def _from_frames(stack: Stack, channel: int) -> NoiseEstimate | None:
    """Estimate the noise from consecutive frames or planes; None if they show different scenes."""
    for axis in "TZ":
        if stack.sizes.get(axis, 1) > 1:
            where = _central(stack, LARGEST) | {"C": channel, axis: middle(stack.sizes[axis], FRAMES)}
            pixels = Recorded.of(stack).measured(stack.region(**_known(stack, where)))
            frames = pixels.reshape(-1, *pixels.shape[-2:])
            frames = frames[np.isfinite(frames).any((1, 2))]
            found = estimate_frames(frames) if len(frames) > 1 else None
            if found is not None:
                return found
    return None


def _spread_planes(stack: Stack, channel: int) -> list[NDArray[np.generic]]:
    """Read the central parts of some planes of a channel, spread over time and depth."""
    lead = {axis: stack.sizes.get(axis, 1) for axis in "TZ"}
    count = lead["T"] * lead["Z"]
    numbers = sorted({round(part) for part in np.linspace(0, count - 1, min(count, PLANES))})
    inner = _central(stack, LARGEST if count == 1 else SIDE)
    planes = []
    for number in numbers:
        time, depth = divmod(number, lead["Z"])
        where = inner | {"T": time, "Z": depth, "C": channel}
        pixels = Recorded.of(stack).measured(stack.region(**_known(stack, where)))
        planes.append(pixels.reshape(pixels.shape[-2:]))
    return [plane for plane in planes if np.isfinite(plane).any()] or planes[:1]


def _differ(found: list[NoiseEstimate]) -> bool:
    """Return whether the noise of planes differs significantly at their average intensity."""
    blank = [one.absent for one in found]
    if any(blank):
        return not all(blank)
    if not all(one.reliable for one in found):
        return False
    mean = float(np.mean([one.mean for one in found]))
    deviations = np.sqrt([float(one.model.variance(mean)) for one in found])
    return bool(deviations.max() > ALIKE * deviations.min())


def _moves(stack: Stack, channel: int, noise: NoiseEstimate) -> bool:
    """Return whether one of several frames differs from their mean by more than the noise explains."""
    images = (_image(stack, region) for region in spread_frames(stack, channel))
    frames = [image for image in images if np.isfinite(image).any()]
    if len(frames) < 2:
        return True
    # pixels that are not finite in one frame are not compared
    mean = np.mean(frames, axis=0)
    changes = [compare(mean, frame, noise, frames=len(frames)) for frame in frames]
    return any(change.share > CHANGED or change.excess > EXCESS for change in changes)


def _image(stack: Stack, region: Region) -> Plane:
    pixels = Recorded.of(stack).measured(region)
    return pixels.reshape(pixels.shape[-2:]).astype(np.float64)


def _central(stack: Stack, side: int) -> dict[str, slice | int]:
    """Return the central part of the plane in the middle of time and depth."""
    where: dict[str, slice | int] = {axis: stack.sizes.get(axis, 1) // 2 for axis in "TZ"}
    return where | {axis: middle(stack.sizes[axis], side) for axis in "YX"}


def _known(stack: Stack, where: dict[str, slice | int]) -> dict[str, slice | int]:
    """Remove axes that the stack does not have."""
    return {axis: part for axis, part in where.items() if axis in stack.axes}
