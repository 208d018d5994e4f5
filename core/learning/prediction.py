"""Denoise a stack with a trained network, in tiles without seams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from core import memory
from core.errors import QuietfieldError
from core.findings import Finding
from core.instant.constants import DEPTH, OFFSETS, beside
from core.instant.denoiser import replace_unrecorded
from core.interrupting import Interruptible
from core.learning.adapted_prediction import alone
from core.learning.architecture import DEPTHS
from core.learning.data import Normalisation, normalised
from core.learning.device import layout
from core.learning.network import OUTPUT_SCALE, UNet, receptive_field
from core.learning.suitability import unlike
from core.learning.volume_network import VolumeUNet
from core.level import level_of
from core.methods.base import Block, Operation
from core.methods.outputs import DENOISED, Output
from core.methods.single import check_output
from core.noise.survey import Survey
from core.progress import Context
from core.psf import Psf
from core.psf.convolution import convolve
from core.stack import Region, Stack, channel_of

SIDE, LEAST = 512, 64
"""Side of the tiles without margins, in pixels (about 400 MB at width 64), and the smallest side if memory is
insufficient.
"""

Images = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction(Operation):
    """A trained U-Net as an operation.

    Attributes
    ----------
    network : UNet or VolumeUNet
        Network, on its device.
    device : torch.device
        Device of the network.
    normalisation : Normalisation
        Normalisation of the pixels.
    outputs : tuple of Output
        The denoised image, and `DECONVOLVED` if the image before the PSF is requested.
    psf : Psf or None
        PSF; None for no PSF. Of a three-dimensional one, the plane in focus is used.
    along : {"", "Z", "T"}
        Axis of the neighbouring planes or frames of the network, if any.
    without : tuple of int
        Indices of outlying frames of the stack, which are not used as neighbours.
    level : float
        Level that was subtracted from the stack; see `core.level`.
    """

    label: ClassVar[str] = "Trained network"
    alignment: ClassVar[int] = 2 ** (DEPTHS[1] - 1)  # suits the pooling of networks of any depth
    parallel: ClassVar[bool] = False
    skips: ClassVar[bool] = True

    network: UNet | VolumeUNet
    device: torch.device
    normalisation: Normalisation
    outputs: tuple[Output, ...] = (DENOISED,)
    psf: Psf | None = None
    along: str = ""
    without: tuple[int, ...] = ()
    level: float = 0.0

    def halo(self, axes: str) -> Mapping[str, int]:
        """Return the halo: the receptive field of the network and the radius of the PSF.

        Raises
        ------
        QuietfieldError
            If the stack lacks the channels or neighbours.
        """
        if self.along and self.along not in axes:
            raise QuietfieldError(alone(self.along))
        if len(self.normalisation.mean) > 1 and "C" not in axes:
            raise QuietfieldError(self._channels("one channel"))
        margin = self._margin() + (max(self.psf.radius) if self.psf is not None else 0)
        margin += -margin % self.alignment
        return {"Y": margin, "X": margin} | ({self.along: DEPTH} if self.along else {})

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Find outlying neighbours of the stack; raise `QuietfieldError` if it lacks neighbours."""
        level = level_of(stack)
        if not self.along:
            return self if level == self.level else replace(self, level=level)
        if stack.sizes.get(self.along, 1) < 2:
            raise QuietfieldError(alone(self.along))
        return replace(self, without=Survey.of(stack).outlying(self.along, context), level=level)

    def findings(self, stack: Stack, region: Region) -> tuple[Finding, ...]:
        """Return findings about unrecorded pixels, and about a channel unlike the training pixels."""
        found = unlike(stack, self.normalisation, channel_of(region, stack.axes))
        unrecorded = Operation.findings(self, stack, region)
        return unrecorded if found is None else (*unrecorded, found)

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Compute all outputs of a block; planes outside ``block.kept`` stay 0."""
        phantom = self._phantom(block, context)
        denoised = convolve(phantom, self.psf).reshape(block.pixels.shape)
        return (denoised, phantom.reshape(block.pixels.shape))[: len(self.outputs)]

    def _channels(self, found: str) -> str:
        wanted = len(self.normalisation.mean)
        return (
            f"This network was trained on {wanted} channels, and the stack has {found}. "
            "Use it on stacks like the one it was trained on, or train another one."
        )

    def _margin(self) -> int:
        margin = receptive_field(self.network.architecture)
        return margin + -margin % self._step()

    def _step(self) -> int:
        """Sides of the network's input are multiples of this."""
        step: int = 2 ** (self.network.architecture.depth - 1)
        return step

    def _phantom(self, block: Block, context: Context) -> Images:
        """Return the network's output in counts, (planes, Y, X)."""

        def predicted(side: int) -> Images:
            return self._predicted(block, side, context)

        def need(side: int) -> int:
            return self.network.bytes_per_pixel * (side + 2 * self._margin()) ** 2

        return memory.in_pieces(predicted, SIDE, LEAST, str(self.device), need)

    def _predicted(self, block: Block, side: int, context: Context) -> Images:
        norm = self.normalisation.shifted(-self.level, -self.level)
        height, width = block.pixels.shape[-2:]
        images = block.pixels.reshape(-1, height, width)
        if block.recorded is not None:
            images = np.where(block.recorded.reshape(images.shape), images, np.float32(np.nan))
        channels = self._channel_of_planes(block)
        step = self._step()
        down, across = -height % step, -width % step
        result = np.zeros(images.shape, np.float32)
        seen = self._seen(block)
        jobs = list(_tiles(len(seen), height, width, side))
        for done, (some, rows, columns) in enumerate(jobs):
            context.step(done / len(jobs), self.label)
            margin = self._margin()
            top, left = max(rows.start - margin, 0), max(columns.start - margin, 0)
            planes = seen[some, 0]
            pieces = images[:, top : rows.stop + margin, left : columns.stop + margin]
            light = np.stack(
                [
                    [normalised(shown, norm, channels[row[0]]) for shown in self._beside(pieces[row])]
                    for row in seen[some]
                ]
            )
            at_end = (top + light.shape[2] == height, left + light.shape[3] == width)
            pads = ((0, 0), (0, 0), (0, down if at_end[0] else 0), (0, across if at_end[1] else 0))
            output = self._run(np.pad(light, pads, mode="reflect"), context)
            inner = output[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            levels, deviations = np.array([norm.result(c) for c in channels[planes]], np.float32).T
            scale, level = np.float32(OUTPUT_SCALE) * deviations, levels
            with np.errstate(over="ignore", invalid="ignore"):
                result[planes, rows, columns] = inner * scale[:, None, None] + level[:, None, None]
            check_output(result[planes, rows, columns], self.label)
        return result

    def _beside(self, shown: Images) -> Images:
        """Replace what was not recorded in the neighbours of a plane, (inputs, Y, X), the plane first."""
        recorded = np.isfinite(shown)
        if recorded[1:].all():
            return shown
        others = list(zip(shown[1:], recorded[1:], strict=True))
        return np.stack([shown[0], *replace_unrecorded(others, shown[0])])

    def _seen(self, block: Block) -> NDArray[np.intp]:
        """Return the indices of denoised planes of a block and of their neighbours, (planes, inputs)."""
        lead, wanted = block.pixels.shape[:-2], block.wanted
        shown = np.array(wanted, np.intp).reshape(len(wanted), 1, len(lead))
        if self.along:
            axis = block.axes.index(self.along)
            first, count = block.origin[axis], block.shape[axis]
            shown = np.repeat(shown, 1 + len(OFFSETS), 1)
            for row in shown:
                row[1:, axis] = np.array(beside(first + row[0, axis], count, self.without)) - first
        if not lead:
            return np.zeros((1, 1), np.intp)
        return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(shown, 2, 0)), lead), np.intp)

    def _channel_of_planes(self, block: Block) -> NDArray[np.int64]:
        """Return the index of means and standard deviations for each plane of a block."""
        leading = block.pixels.shape[:-2]
        if len(self.normalisation.mean) == 1:
            return np.zeros(int(np.prod(leading)), np.int64)
        at = block.axes.index("C")
        if block.shape[at] != len(self.normalisation.mean):
            raise QuietfieldError(self._channels(str(block.shape[at])))
        return np.asarray(np.indices(leading)[at].ravel() + block.origin[at], np.int64)

    def _run(self, light: Images, context: Context) -> Images:
        given = torch.from_numpy(light).to(self.device)
        with torch.inference_mode(), Interruptible(context.check):
            output = self.network(given.contiguous(memory_format=layout(self.device)))[:, 0]
        result: Images = output.cpu().numpy()
        return result


def _tiles(count: int, height: int, width: int, side: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield planes, rows and columns of the tiles."""
    across, down = min(side, width), min(side, height)
    together = max(1, side**2 // (across * down))
    for first in range(0, count, together):
        for row in range(0, height, down):
            for column in range(0, width, across):
                yield (
                    slice(first, min(first + together, count)),
                    slice(row, min(row + down, height)),
                    slice(column, min(column + across, width)),
                )
