"""Denoise the volumes of a stack with a trained network, in tiles without seams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from core import memory
from core.errors import QuietfieldError
from core.interrupting import Interruptible
from core.learning.data import normalised
from core.learning.network import OUTPUT_SCALE, receptive_field
from core.learning.prediction import Images, Prediction
from core.learning.volumetric import LEAST_PLANES
from core.methods.base import Block
from core.methods.single import check_output
from core.progress import Context
from core.psf.convolution import convolve_volume
from core.stack import Stack

SIDE, LEAST = 128, 32
"""Rows and columns of the tiles without margins (about 600 MB at width 16), and the smallest number if memory
is insufficient.
"""

PLANES = 16
"""Planes of the tiles without margins, a multiple of the poolings of all networks."""

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VolumePrediction(Prediction):
    """A trained U-Net for volumes as an operation."""

    skips: ClassVar[bool] = False  # a block of few planes would compute its whole halo

    def halo(self, axes: str) -> Mapping[str, int]:
        """Return the halo: the receptive field of the network and the radius of the PSF.

        Raises
        ------
        QuietfieldError
            If the stack lacks the channels or the planes.
        """
        if "Z" not in axes:
            raise QuietfieldError(_flat(1))
        # the network starts at a plane that is a multiple of its poolings
        beyond = self._reach() + self._deep() - 1
        return {**Prediction.halo(self, axes), "Z": self._depth_margin() + beyond}

    def bind(self, stack: Stack, context: Context) -> Prediction:
        """Return the operation for a stack; raise `QuietfieldError` if it has too few planes."""
        if stack.sizes.get("Z", 1) < LEAST_PLANES:
            raise QuietfieldError(_flat(stack.sizes.get("Z", 1)))
        bound = Prediction.bind(self, stack, context)
        assert isinstance(bound, Prediction)
        return bound

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Compute all outputs of a block; planes outside ``block.kept`` are arbitrary."""
        phantom = self._phantom(block, context).reshape(block.pixels.shape)
        if self.psf is None:
            return (phantom,)
        kept, reach = self._kept(block), self._reach()
        near = slice(max(kept.start - reach, 0), kept.stop + reach)
        denoised = np.zeros_like(phantom)
        for index in np.ndindex(phantom.shape[:-3]):
            context.check()
            denoised[(*index, near)] = convolve_volume(phantom[(*index, near)], self.psf)
        return (denoised, phantom)[: len(self.outputs)]

    def _predicted(self, block: Block, side: int, context: Context) -> Images:
        """Return the network's output in counts for volumes of a block, (volumes * Z, Y, X)."""
        norm = self.normalisation.shifted(-self.level, -self.level)
        shape = block.pixels.shape
        pixels = block.pixels
        if block.recorded is not None:
            pixels = np.where(block.recorded, pixels, np.float32(np.nan))
        volumes = pixels.reshape(-1, *shape[-3:])
        channels = self._channel_of_planes(block)[:: shape[-3]]
        result = np.zeros(volumes.shape, np.float32)
        jobs = [(index, tile) for index in range(len(volumes)) for tile in self._tiles(block, side)]
        for done, (index, tile) in enumerate(jobs):
            context.step(done / len(jobs), self.label)
            wide, inner = self._widened(tile, block)
            channel = int(channels[index])
            light = np.stack([normalised(plane, norm, channel) for plane in volumes[index][wide]])
            output = self._run(self._padded(light), context)[0][inner]
            level, deviation = norm.result(channel)
            scale = np.float32(OUTPUT_SCALE) * np.float32(deviation)
            with np.errstate(over="ignore", invalid="ignore"):
                result[index][tile] = output * scale + np.float32(level)
            check_output(result[index][tile], self.label)
        return result

    def _need(self, side: int) -> int:
        planes = PLANES + 2 * self._depth_margin()
        return self.network.bytes_per_pixel * planes * (side + 2 * self._margin()) ** 2

    def _phantom(self, block: Block, context: Context) -> Images:
        def predicted(side: int) -> Images:
            return self._predicted(block, side, context)

        return memory.in_pieces(predicted, SIDE, LEAST, str(self.device), self._need)

    def _tiles(self, block: Block, side: int) -> Iterator[Box]:
        """Yield the tiles of a volume of a block."""
        depth, height, width = block.pixels.shape[-3:]
        kept, reach, step = self._kept(block), self._reach(), self._deep()
        first, last = max(kept.start - reach, 0), min(kept.stop + reach, depth)
        first = max(first - (self._start(block) + first) % step, 0)
        for plane in range(first, last, PLANES):
            for row in range(0, height, side):
                for column in range(0, width, side):
                    yield (
                        slice(plane, min(plane + PLANES, last)),
                        slice(row, min(row + side, height)),
                        slice(column, min(column + side, width)),
                    )

    def _widened(self, tile: Box, block: Block) -> tuple[Box, Box]:
        """Return a tile with its margin, which starts where the network pools, and the tile in it."""
        start, step = self._start(block), self._deep()
        margins = (self._depth_margin(), self._margin(), self._margin())
        wide: list[slice] = []
        inner: list[slice] = []
        for part, margin, size in zip(tile, margins, block.pixels.shape[-3:], strict=True):
            first = max(part.start - margin, 0)
            if not wide:
                first += -(start + first) % step
            last = min(part.stop + margin, size)
            wide.append(slice(first, last))
            inner.append(slice(part.start - first, part.stop - first))
        return (wide[0], wide[1], wide[2]), (inner[0], inner[1], inner[2])

    def _padded(self, light: Images) -> Images:
        """Pad a tile to multiples of the poolings, (1, 1, Z, Y, X)."""
        steps = (self._deep(), self._step(), self._step())
        pads = [(0, -size % step) for size, step in zip(light.shape, steps, strict=True)]
        return np.pad(light, pads, mode="reflect")[None, None]

    def _run(self, light: Images, context: Context) -> Images:
        given = torch.from_numpy(light).to(self.device)
        with torch.inference_mode(), Interruptible(context.check):
            output = self.network(given)[:, 0]
        result: Images = output.cpu().numpy()
        return result

    def _kept(self, block: Block) -> slice:
        """Return the planes of a block whose results are used."""
        depth = block.pixels.shape[-3]
        return slice(0, depth) if block.kept is None else slice(*block.kept[-3].indices(depth))

    def _start(self, block: Block) -> int:
        """Return the index in the stack of the first plane of a block."""
        return block.origin[-3]

    def _reach(self) -> int:
        """Return the radius of the PSF in planes."""
        return len(self.psf.kernel) // 2 if self.psf is not None and self.psf.kernel.ndim == 3 else 0

    def _deep(self) -> int:
        """Return the number whose multiples the planes of the network's input are."""
        step: int = 2**self.network.architecture.deep
        return step

    def _depth_margin(self) -> int:
        margin = receptive_field(self.network.architecture, "Z")
        return margin + -margin % self._deep()


def _flat(planes: int) -> str:
    return (
        f"This network was trained on volumes, and needs at least {LEAST_PLANES} planes along Z; the stack "
        f"has {planes}. Use it on stacks like the one it was trained on, or train one for planes."
    )
