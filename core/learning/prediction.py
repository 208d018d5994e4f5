"""Denoise a stack with a trained network, piece by piece, as if it were done in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.learning.data import Normalisation, normalised
from core.learning.device import layout, out_of_memory
from core.learning.learned import DEPTHS
from core.learning.network import UNet, receptive_field
from core.learning.objectives import OUTPUT_SCALE
from core.methods.base import Block, Operation
from core.optics import gaussian_kernel
from core.progress import Context

TILE_PIXELS = 512 * 512
"""Pixels given to the network at once, without the margins; at width 64 this takes some 400 MB."""

Images = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction(Operation):
    """A trained network as an operation that denoises.

    Attributes
    ----------
    network : UNet
        The network, on its device.
    device : torch.device
        Where to compute.
    normalisation : Normalisation
        How pixels become numbers for the network.
    sigma : float
        Standard deviation of the PSF in pixels, 0 for none.
    """

    label: ClassVar[str] = "Trained network"
    outputs: ClassVar[tuple[str, ...]] = ("denoised",)
    alignment: ClassVar[int] = 2 ** (DEPTHS[1] - 1)  # suits the poolings of networks of every depth
    parallel: ClassVar[bool] = False

    network: UNet
    device: torch.device
    normalisation: Normalisation
    sigma: float = 0.0

    def halo(self, axes: str) -> Mapping[str, int]:
        """Neighbours needed: how far the network and the PSF look."""
        if len(self.normalisation.mean) > 1 and "C" not in axes:
            raise QuietfieldError(self._channels("one channel"))
        margin = self._margin() + (len(self._kernel()) // 2)
        margin += -margin % self.alignment
        return {"Y": margin, "X": margin}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Compute every output for a block."""
        phantom = self._phantom(block, context)
        denoised = self._blur(phantom).reshape(block.pixels.shape)
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
        """Sides of what the network sees are multiples of this."""
        step: int = 2 ** (self.network.architecture.depth - 1)
        return step

    def _kernel(self) -> NDArray[np.float64]:
        return gaussian_kernel(self.sigma) if self.sigma > 0 else np.ones(1)

    def _blur(self, images: Images) -> Images:
        if self.sigma == 0:
            return images
        kernel = self._kernel()
        rows = ndimage.correlate1d(images, kernel, axis=1, mode="mirror")
        result: Images = ndimage.correlate1d(rows, kernel, axis=2, mode="mirror")
        return result

    def _phantom(self, block: Block, context: Context) -> Images:
        """Network's output in counts, (planes, Y, X)."""
        norm = self.normalisation
        height, width = block.pixels.shape[-2:]
        images = block.pixels.reshape(-1, height, width)
        channels = self._channel_of_planes(block)
        step = self._step()
        padding = ((0, 0), (0, -height % step), (0, -width % step))
        result = np.empty(images.shape, np.float32)
        jobs = list(self._tiles(len(images), height, width))
        for done, (planes, rows, columns) in enumerate(jobs):
            context.step(done / len(jobs), self.label)
            margin = self._margin()
            top, left = max(rows.start - margin, 0), max(columns.start - margin, 0)
            piece = images[planes, top : rows.stop + margin, left : columns.stop + margin]
            light = np.stack([normalised(p, norm, c) for p, c in zip(piece, channels[planes], strict=True)])
            at_end = (top + piece.shape[1] == height, left + piece.shape[2] == width)
            pads = (padding[0], padding[1] if at_end[0] else (0, 0), padding[2] if at_end[1] else (0, 0))
            output = self._run(np.pad(light, pads, mode="reflect"))
            inner = output[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            levels, deviations = np.array([norm.result(c) for c in channels[planes]], np.float32).T
            scale, level = np.float32(OUTPUT_SCALE) * deviations, levels
            result[planes, rows, columns] = inner * scale[:, None, None] + level[:, None, None]
        return result

    def _channel_of_planes(self, block: Block) -> NDArray[np.int64]:
        """Index into means and deviations for each plane of a block."""
        leading = block.pixels.shape[:-2]
        if len(self.normalisation.mean) == 1:
            return np.zeros(int(np.prod(leading)), np.int64)
        at = block.axes.index("C")
        if block.shape[at] != len(self.normalisation.mean):
            raise QuietfieldError(self._channels(str(block.shape[at])))
        return np.asarray(np.indices(leading)[at].ravel() + block.origin[at], np.int64)

    def _tiles(self, count: int, height: int, width: int) -> Iterator[tuple[slice, slice, slice]]:
        side = int(TILE_PIXELS**0.5)
        across, down = min(side, width), min(side, height)
        together = max(1, TILE_PIXELS // (across * down))
        for first in range(0, count, together):
            for row in range(0, height, down):
                for column in range(0, width, across):
                    yield (
                        slice(first, min(first + together, count)),
                        slice(row, min(row + down, height)),
                        slice(column, min(column + across, width)),
                    )

    def _run(self, light: Images) -> Images:
        try:
            given = torch.from_numpy(light)[:, None].to(self.device)
            with torch.inference_mode():
                output = self.network(given.contiguous(memory_format=layout(self.device)))[:, 0]
            result: Images = output.cpu().numpy()
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise QuietfieldError(
                f"There is not enough memory on {self.device} to use this network. "
                "Close other programs that use it, or choose another device."
            ) from error
        return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeconvolvingPrediction(Prediction):
    """A trained network whose output before the PSF is a result of its own."""

    outputs: ClassVar[tuple[str, ...]] = ("denoised", "deconvolved")
