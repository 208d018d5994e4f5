"""Denoising of static scenes: the mean of frames is denoised instead of each frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding, kinds
from core.instant.constants import GRID, SPAN, around
from core.instant.denoiser import Denoiser, blend
from core.instant.scene import Plane, compare_with_mean, difference_finding, mean
from core.methods.base import Block, Operation
from core.methods.outputs import Output
from core.noise.survey import Survey, find_shared_noise
from core.progress import Context
from core.recorded import Recorded
from core.stack import Pixels, Region, Stack, channel_of, region_shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanOfFrames(Operation):
    """Denoise the mean of the frames around each frame.

    Attributes
    ----------
    single : Denoiser
        Denoises an image with the noise of a single frame.
    """

    label: ClassVar[str] = "Mean of frames"
    alignment: ClassVar[int] = GRID
    native: ClassVar[bool] = True
    parallel: ClassVar[bool] = False
    skips: ClassVar[bool] = True

    single: Denoiser

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Outputs of the denoiser of a single frame."""
        return self.single.outputs

    def halo(self, axes: str) -> Mapping[str, int]:
        """Return the halo of the network plus the frames that are averaged."""
        return {**self.single.halo(axes), "T": SPAN}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Denoise the means of a block, each once; planes outside ``block.kept`` stay 0."""
        results = [np.zeros(block.pixels.shape, np.float32) for _ in self.outputs]
        first, count = block.origin[0], block.shape[0]  # time is the first axis, if there is one
        groups: dict[tuple[range, tuple[int, ...]], list[tuple[int, ...]]] = {}
        for index in block.wanted:
            groups.setdefault((around(first + index[0], count), index[1:]), []).append(index)
        for done, ((frames, rest), members) in enumerate(groups.items()):
            part = context.part(done / len(groups), (done + 1) / len(groups))
            recorded = recorded_frames(block, [(i - first, *rest) for i in frames])
            if not recorded:
                continue
            denoised = self._denoise(mean(recorded), len(recorded), block, (0, *rest), part)
            noise = self.single.noise.channels[self.single.channel(block, (0, *rest))]
            for member in members:
                plane = block.pixels[member].astype(np.float32)
                mixed = blend(plane, denoised, self.single.strength, noise)
                for result, image in zip(results, mixed, strict=True):
                    result[member] = image
        return tuple(results)

    def _denoise(
        self, plane: Plane, frames: int, block: Block, index: tuple[int, ...], context: Context
    ) -> list[Plane]:
        """Denoise the mean of several frames, without blending."""
        lead = (1,) * len(index)
        origin = tuple(o + i for o, i in zip(block.origin, index, strict=False)) + block.origin[-2:]
        pixels = plane.reshape(lead + plane.shape)
        recorded = None if block.recorded is None else np.isfinite(pixels)
        alone = replace(block, pixels=pixels, origin=origin, kept=None, recorded=recorded)
        found = self._with_noise_of(frames).compute(alone, context)
        return [np.asarray(image, np.float32).reshape(plane.shape) for image in found]

    def findings(self, stack: Stack, region: Region) -> tuple[Finding, ...]:
        """Return findings about the mean of frames, and about the difference of the frame from it."""
        channel = channel_of(region, stack.axes)
        together, frames, share = compare_with_mean(stack, region, self.single.noise.channels[channel])
        found = self._with_noise_of(frames).examine(together, channel)
        frame = difference_finding(share, region), find_shared_noise(stack, "T", kinds.NEIGHBOURS_SHARE_NOISE)
        return (*Operation.findings(self, stack, region), *filter(None, frame), *found)

    def _with_noise_of(self, frames: int) -> Denoiser:
        return replace(self.single, noise=self.single.noise.averaged(frames), strength=1.0)


def recorded_frames(block: Block, places: Sequence[tuple[int, ...]]) -> list[Pixels]:
    """Return frames of a block, with NaN where nothing was recorded, without frames that are empty."""
    if block.recorded is None:
        return [block.pixels[place] for place in places]
    return [
        np.where(block.recorded[place], block.pixels[place].astype(np.float32), np.float32(np.nan))
        for place in places
        if block.recorded[place].any()
    ]


@dataclass(frozen=True, slots=True)
class Means:
    """Means of disjoint groups of consecutive frames.

    Parameters
    ----------
    stack : Stack
        Frames of a static scene.
    """

    stack: Stack

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return (len(self._ends) - 1, *self.stack.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always float32."""
        return np.dtype(np.float32)

    @property
    def _ends(self) -> list[int]:
        count = self.stack.shape[0]
        return [round(i) for i in np.linspace(0, count, max(1, round(count / (2 * SPAN + 1))) + 1)]

    def read(self, region: Region) -> Pixels:
        """Return the means in a region."""
        ends, found = self._ends, np.empty(region_shape(region), np.float32)
        for number, group in enumerate(range(region[0].start, region[0].stop)):
            frames = (slice(*ends[group : group + 2]), *region[1:])
            found[number] = mean(list(Recorded.of(self.stack).measured(frames)))
        return found


def means(stack: Stack) -> Stack:
    """Return the means of frames of a stack for training, with noise derived from single frames."""
    found = Stack(Means(stack), stack.axes, stack.meta)
    noise = replace(Survey.of(stack).noise(), each_plane=False)
    noise = noise.averaged(stack.sizes["T"] / found.sizes["T"])
    found.attached(Survey, lambda: Survey(found, noise))
    return found
