"""Prediction of networks that know the noise: planes are converted to photons, and computed in tiles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core import memory
from core.errors import QuietfieldError
from core.findings import Finding
from core.instant.constants import GRID
from core.instant.network import LEAST
from core.learning.data import Normalisation
from core.learning.suitability import unlike
from core.level import level_of
from core.methods.base import Block, Operation
from core.methods.outputs import Quantity
from core.methods.single import check_output
from core.noise.hot_pixels import find_hot_pixels
from core.noise.model_text import NoiseModels
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import StackNoise, Survey
from core.progress import Context
from core.recorded import smooth_fill
from core.stack import Region, Stack, channel_of

TILE, LEAST_TILE = 512, 64
"""Side of the tiles without margins, in pixels, and the smallest side if memory is insufficient."""

Plane = NDArray[np.float32]


class Place(NamedTuple):
    """Place of a piece in its stack: number of the plane, and first row and column in it."""

    number: int
    row: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotonPrediction(Operation):
    """A trained network that knows the noise model of every channel, as an operation.

    Subclasses predict a piece of a plane with `predict`. Hot pixels are hidden from the network, and keep
    their values.

    Attributes
    ----------
    margin : int
        Pixels that the network sees on each side.
    device : torch.device
        Device of the network.
    normalisation : Normalisation
        Mean and standard deviation of each channel.
    models : NoiseModels
        Noise model of each channel.
    noise : StackNoise or None
        Noise of the stack; None before the prediction is bound.
    level : float
        Level that was subtracted from the stack, in counts.
    """

    label: ClassVar[str] = "Trained network"
    alignment: ClassVar[int] = GRID
    parallel: ClassVar[bool] = False
    skips: ClassVar[bool] = True
    margin: ClassVar[int] = 0

    device: torch.device
    normalisation: Normalisation
    models: NoiseModels
    noise: StackNoise | None = None
    level: float = 0.0

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if a stack with these axes lacks the channels of the network."""
        if len(self.models.channels) > 1 and "C" not in axes:
            raise QuietfieldError(self._channels("one channel"))

    def halo(self, axes: str) -> Mapping[str, int]:
        """Return the halo: the receptive field of the network."""
        self.check(axes)
        return {"Y": self.margin, "X": self.margin}

    def bind(self, stack: Stack, context: Context) -> Self:
        """Measure the noise of the stack, which shows its hot pixels."""
        found = stack.sizes.get("C", 1)
        if len(self.models.channels) not in (1, found):
            raise QuietfieldError(self._channels(str(found)))
        context.step(0.0, "Measuring the noise")
        models = self.models.fitting(found, stack.meta.name)
        noise = Survey.of(stack).noise(context)
        return replace(self, noise=noise, models=models, level=level_of(stack))

    def findings(self, stack: Stack, region: Region) -> tuple[Finding, ...]:
        """Return a finding if the channel of a plane differs strongly from the training pixels."""
        found = unlike(stack, self.normalisation, channel_of(region, stack.axes))
        return (*Operation.findings(self, stack, region), *(() if found is None else (found,)))

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Compute all outputs of a block; planes outside ``block.kept`` stay 0."""
        results = [np.zeros(block.pixels.shape, np.float32) for _ in self.outputs]
        wanted, at, lead = block.wanted, block.axes.find("C"), block.shape[:-2]
        for done, index in enumerate(wanted):
            part = context.part(done / len(wanted), (done + 1) / len(wanted))
            channel = 0 if at < 0 else block.origin[at] + index[at]
            plane = block.pixels[index]
            recorded = np.isfinite(plane) if block.recorded is None else block.recorded[index]
            if not recorded.any():
                continue
            place = tuple(first + i for first, i in zip(block.origin, index, strict=False))
            number = int(np.ravel_multi_index(place, lead)) if lead else 0
            row, column = block.origin[-2:]
            found = self._plane(plane, recorded, channel, Place(number, row, column), part)
            for result, image in zip(results, found, strict=True):
                result[index] = image
        return tuple(results)

    @property
    def bytes_per_pixel(self) -> int:
        """Memory on the processor that a piece of a plane needs per pixel."""
        raise NotImplementedError

    def predict(self, light: Tensor, channel: int, place: Place, context: Context) -> Tensor:
        """Return all outputs of a piece of a plane, normalised, (outputs, Y, X).

        Parameters
        ----------
        light : Tensor, shape (Y, X)
            Normalised pixels; sides are multiples of `GRID` and at least `LEAST`.
        channel : int
            Index of the channel.
        place : Place
            Place of the piece in the stack.
        context : Context
            Progress and cancellation.
        """
        raise NotImplementedError

    def dark(self, channel: int) -> float:
        """Return the mean of the darkest parts of a channel, in counts of the training."""
        return self._noise(channel).dark + self._shift

    def scale(self, channel: int) -> tuple[float, float]:
        """Return mean and unit of a channel, in counts of the training, of normalised pixels."""
        norm = self.normalisation.shifted(-self.normalisation.offset)
        return norm.result(channel if len(norm.mean) > 1 else 0)

    def single(self, channel: int) -> Normalisation:
        """Return the normalisation of one channel."""
        level, unit = self.scale(channel)
        return Normalisation(offset=0.0, mean=(level,), std=(unit,), fill=self.normalisation.fill)

    @property
    def _shift(self) -> float:
        """Difference of counts of the training and of the stack, of both of which a level was subtracted."""
        return self.level - self.normalisation.offset

    def _noise(self, channel: int) -> NoiseEstimate:
        assert self.noise is not None
        return self.noise.channels[channel if len(self.noise.channels) > 1 else 0]

    def _channels(self, found: str) -> str:
        return (
            f"This network was trained on {len(self.models.channels)} channels, and the stack has {found}. "
            "Use it on stacks like the one it was trained on, or train another one."
        )

    def _plane(
        self, plane: Plane, recorded: NDArray[np.bool_], channel: int, place: Place, context: Context
    ) -> Iterator[Plane]:
        noise = self._noise(channel)
        known = plane if recorded.all() else smooth_fill(plane, recorded, noise.mean)
        where, replacements = find_hot_pixels(known, noise)
        mended = known.copy()
        mended.flat[where] = replacements
        level, unit = self.scale(channel)
        light = ((mended + self._shift - level) / unit).astype(np.float32)

        def predicted(side: int) -> NDArray[np.float32]:
            return self._tiled(light, channel, place, side, context)

        def need(side: int) -> int:
            return self.bytes_per_pixel * math.prod(min(n, side + 2 * self.margin) for n in plane.shape)

        found = memory.in_pieces(predicted, TILE, LEAST_TILE, str(self.device), need)
        check_output(found[0], self.label)
        for output, image in zip(self.outputs, found, strict=True):
            if output.quantity == Quantity.ERROR:
                yield (image * unit).astype(np.float32)
                continue
            counts = image * unit + (level - self._shift)
            counts.flat[where] = known.flat[where]
            yield counts.astype(np.float32)

    def _tiled(
        self, light: Plane, channel: int, place: Place, side: int, context: Context
    ) -> NDArray[np.float32]:
        height, width = light.shape
        results = np.empty((len(self.outputs), height, width), np.float32)
        tiles = [(row, column) for row in range(0, height, side) for column in range(0, width, side)]
        for done, (row, column) in enumerate(tiles):
            rows, columns = slice(row, min(row + side, height)), slice(column, min(column + side, width))
            top, left = max(row - self.margin, 0), max(column - self.margin, 0)
            piece = padded(light[top : rows.stop + self.margin, left : columns.stop + self.margin])
            part = context.part(done / len(tiles), (done + 1) / len(tiles))
            here = place._replace(row=place.row + top, column=place.column + left)
            found = self.predict(torch.from_numpy(piece).to(self.device), channel, here, part)
            inner = np.s_[:, row - top : rows.stop - top, column - left : columns.stop - left]
            results[:, rows, columns] = found.cpu().numpy()[inner]
        return results


def padded(piece: Plane) -> Plane:
    """Reflect an image beyond its lower and right border to a size that the network accepts."""
    pads = [(0, max(-(-n // GRID) * GRID, LEAST) - n) for n in piece.shape]
    return np.ascontiguousarray(np.pad(piece, pads, mode="symmetric"))
