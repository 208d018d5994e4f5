"""Denoise a stack with the network, the noise being known: plane by plane, in pieces if it is large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.instant.measuring import StackNoise
from core.instant.network import LEAST, LEVEL, InstantNetwork
from core.instant.reach import GRID, REACH
from core.methods.base import WHOLE, Block, Operation
from core.noise.estimate import estimate
from core.noise.model import NoiseEstimate
from core.noise.transform import Stabiliser
from core.progress import Context

TILE = 1024
"""Side in pixels of the pieces that go through the network at once, without their neighbours."""

FARTHEST = 8.0
"""No pixel is changed by more standard deviations of its noise than this: whatever the network says of an
image unlike all it has seen, such as one without noise, what is no noise stays."""

FAR = 20.0
"""Where noise is constant, values are moved to this many times the level up to which darkness matters."""

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Denoiser(Operation):
    """The network together with the noise of a stack.

    Attributes
    ----------
    network : InstantNetwork
        The network.
    noise : StackNoise
        Noise of the stack.
    strength : float
        Share of the denoised image in the result, 0 to 1.
    eightfold : bool
        Whether to average over eight orientations.
    """

    label: ClassVar[str] = "Instant"
    alignment: ClassVar[int] = GRID
    parallel: ClassVar[bool] = False

    network: InstantNetwork
    noise: StackNoise
    strength: float = 1.0
    eightfold: bool = False

    def halo(self, axes: str) -> Mapping[str, int]:  # noqa: ARG002
        """Neighbours needed: what the network sees, or the whole plane if its own noise is measured."""
        reach = WHOLE if self.noise.each_plane else REACH
        return {"Y": reach, "X": reach}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Denoise a block."""
        lead = block.pixels.shape[:-2]
        result = np.empty(block.pixels.shape, np.float32)
        count = max(1, int(np.prod(lead, dtype=np.int64)))
        for done, index in enumerate(np.ndindex(*lead)):
            part = context.part(done / count, (done + 1) / count)
            plane = block.pixels[index]
            result[index] = self._plane(plane, self._noise_of(plane, block, index), part)
        return (result,)

    def _noise_of(self, plane: Plane, block: Block, index: tuple[int, ...]) -> NoiseEstimate:
        if self.noise.each_plane:
            return estimate(plane)
        at = block.axes.find("C")
        return self.noise.channels[0 if at < 0 else block.origin[at] + index[at]]

    def _plane(self, plane: Plane, noise: NoiseEstimate, context: Context) -> Plane:
        finite = np.isfinite(plane)
        try:
            stabiliser = Stabiliser.of(noise)
        except QuietfieldError:  # no noise at all
            return plane
        lift = _lift(stabiliser, noise)
        values = (stabiliser.forward(np.where(finite, plane, noise.mean)) + lift).astype(np.float32)
        correlation = (noise.correlation_y, noise.correlation_x)
        turns = range(8 if self.eightfold else 1)
        total = np.zeros(values.shape, np.float32)
        for turn in turns:
            part = context.part(turn / len(turns), (turn + 1) / len(turns))
            seen = correlation if turn % 2 == 0 else correlation[::-1]
            total += _turned_back(self._run(_turned(values, turn), seen, part), turn)
        change = np.clip(total / len(turns) - values, -FARTHEST, FARTHEST)
        known = np.where(finite, plane, noise.mean)
        mixed = known + self.strength * (stabiliser.inverse(values + change - lift) - known)
        return np.where(finite, mixed, plane).astype(np.float32)

    def _run(self, values: Plane, correlation: tuple[float, float], context: Context) -> Plane:
        """Send a plane through the network, in tiles with margins."""
        height, width = values.shape
        told = torch.tensor([correlation], dtype=torch.float32)
        result = np.empty(values.shape, np.float32)
        tiles = list(_tiles(height, width))
        for done, (rows, columns) in enumerate(tiles):
            context.step(done / len(tiles), self.label)
            top, left = max(rows.start - REACH, 0), max(columns.start - REACH, 0)
            piece = values[top : rows.stop + REACH, left : columns.stop + REACH]
            with torch.inference_mode():
                output = self.network(torch.from_numpy(_padded(piece))[None, None], told)[0, 0].numpy()
            result[rows, columns] = output[
                rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
            ]
        return result


def _lift(stabiliser: Stabiliser, noise: NoiseEstimate) -> float:
    """What to add to transformed values whose level says nothing, or is too high to keep digits."""
    dark = float(stabiliser.forward(noise.dark))
    return FAR * LEVEL - dark if stabiliser.constant_only or dark > FAR * LEVEL else 0.0


def _tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    for row in range(0, height, TILE):
        for column in range(0, width, TILE):
            yield slice(row, min(row + TILE, height)), slice(column, min(column + TILE, width))


def _padded(piece: Plane) -> Plane:
    """Mirror an image beyond its lower and right border up to sides the network can take."""
    pads = [(0, max(-(-n // GRID) * GRID, LEAST) - n) for n in piece.shape]
    return np.ascontiguousarray(np.pad(piece, pads, mode="symmetric"))


def _turned(values: Plane, turn: int) -> Plane:
    turned = np.rot90(values, turn % 4)
    return np.ascontiguousarray(turned if turn < 4 else turned[:, ::-1])


def _turned_back(values: Plane, turn: int) -> Plane:
    return np.rot90(values if turn < 4 else values[:, ::-1], -(turn % 4))
