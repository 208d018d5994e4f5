"""Prediction of DivNoising: the mean, the deviation, and some of many possible images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core import memory
from core.errors import QuietfieldError
from core.findings import Finding
from core.instant.constants import GRID
from core.instant.constants import REACH as INSTANT_REACH
from core.interrupting import Interruptible
from core.learning.data import Normalisation
from core.learning.parts.posterior_prediction import pad, tiles_of
from core.learning.parts.priors import lifts
from core.learning.parts.variational import SampleHead
from core.learning.suitability import unlike
from core.learning.variational_network import REACH, VariationalNetwork
from core.methods.base import Block, Operation
from core.methods.outputs import DENOISED, DEVIATION, SAMPLES, Output
from core.methods.single import check_output
from core.noise.hot_pixels import find_hot_pixels
from core.noise.model_text import NoiseModels
from core.noise.noise_estimate import LAGS
from core.noise.survey import StackNoise, Survey
from core.progress import Context
from core.recorded import smooth_fill
from core.stack import Region, Stack, channel_of

TILE, LEAST_TILE = 512, 64
"""Side of the tiles without margins, in pixels, and the smallest side if memory is insufficient."""

MARGIN = INSTANT_REACH + REACH

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampledPrediction(Operation):
    """A trained variational autoencoder as an operation.

    Attributes
    ----------
    network : VariationalNetwork
        Network, on its device.
    device : torch.device
        Device of the network.
    normalisation : Normalisation
        Mean and standard deviation of each channel.
    models : NoiseModels
        Noise model of each channel.
    samples : int
        Number of samples for mean and deviation, even: every random number is used with both signs, so that
        the mean of few samples is accurate.
    shown : int
        Number of samples that are outputs of their own.
    seed : int
        Seed of the samples.
    noise : StackNoise or None
        Noise of the stack; None before the prediction is bound.
    """

    label: ClassVar[str] = "Trained network"
    alignment: ClassVar[int] = GRID
    parallel: ClassVar[bool] = False
    skips: ClassVar[bool] = True

    network: VariationalNetwork
    device: torch.device
    normalisation: Normalisation
    models: NoiseModels
    samples: int = 32
    shown: int = 0
    seed: int = 0
    noise: StackNoise | None = None

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Mean, deviation, and single samples."""
        return (DENOISED, DEVIATION, *SAMPLES[: self.shown])

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if a stack with these axes lacks the channels of the network."""
        if len(self.models.channels) > 1 and "C" not in axes:
            raise QuietfieldError(self._channels("one channel"))

    def halo(self, axes: str) -> Mapping[str, int]:
        """Return the halo: the receptive field of the network."""
        self.check(axes)
        return {"Y": MARGIN, "X": MARGIN}

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Measure the noise of the stack, which shows its hot pixels."""
        found = stack.sizes.get("C", 1)
        if len(self.models.channels) not in (1, found):
            raise QuietfieldError(self._channels(str(found)))
        context.step(0.0, "Measuring the noise")
        models = self.models.fitting(found, stack.meta.name)
        return replace(self, noise=Survey.of(stack).noise(context), models=models)

    def findings(self, stack: Stack, region: Region) -> tuple[Finding, ...]:
        """Return a finding if the channel of a plane differs strongly from the training pixels."""
        found = unlike(stack, self.normalisation, channel_of(region, stack.axes))
        return (*Operation.findings(self, stack, region), *(() if found is None else (found,)))

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Compute all outputs of a block; planes outside ``block.kept`` stay 0."""
        results = [np.zeros(block.pixels.shape, np.float32) for _ in self.outputs]
        wanted, at = block.wanted, block.axes.find("C")
        for done, index in enumerate(wanted):
            part = context.part(done / len(wanted), (done + 1) / len(wanted))
            channel = 0 if at < 0 else block.origin[at] + index[at]
            plane = block.pixels[index]
            recorded = np.isfinite(plane) if block.recorded is None else block.recorded[index]
            if not recorded.any():
                continue
            place = tuple(first + i for first, i in zip(block.origin, index, strict=False))
            lead = block.shape[:-2]
            number = int(np.ravel_multi_index(place, lead)) if lead else 0
            field = _Field(block.shape[-2:], block.origin[-2:], (self.seed, number))
            found = self._plane(plane, recorded, channel, field, part)
            for result, image in zip(results, found, strict=True):
                result[index] = image
        return tuple(results)

    def _channels(self, found: str) -> str:
        return (
            f"This network was trained on {len(self.models.channels)} channels, and the stack has {found}. "
            "Use it on stacks like the one it was trained on, or train another one."
        )

    def _plane(
        self, plane: Plane, recorded: NDArray[np.bool_], channel: int, field: _Field, context: Context
    ) -> list[Plane]:
        assert self.noise is not None
        noise = self.noise.channels[channel if len(self.noise.channels) > 1 else 0]
        known = plane if recorded.all() else smooth_fill(plane, recorded, noise.mean)
        where, replacements = find_hot_pixels(known, noise)
        mended = known.copy()
        mended.flat[where] = replacements
        level, unit = self.normalisation.result(channel if len(self.normalisation.mean) > 1 else 0)
        light = ((mended - level) / unit).astype(np.float32)

        def predicted(side: int) -> NDArray[np.float32]:
            return self._tiled(light, channel, field, side, context)

        mean, deviation, *single = memory.in_pieces(predicted, TILE, LEAST_TILE, str(self.device))
        check_output(mean, self.label)
        images = [mean * unit + level, deviation * unit, *(one * unit + level for one in single)]
        for image in (images[0], *images[2:]):
            image.flat[where] = known.flat[where]
        return [image.astype(np.float32) for image in images]

    def _tiled(
        self, light: Plane, channel: int, field: _Field, side: int, context: Context
    ) -> NDArray[np.float32]:
        height, width = light.shape
        results = np.empty((len(self.outputs), height, width), np.float32)
        tiles = list(tiles_of(height, width, side))
        for done, (rows, columns) in enumerate(tiles):
            top, left = max(rows.start - MARGIN, 0), max(columns.start - MARGIN, 0)
            piece = pad(light[top : rows.stop + MARGIN, left : columns.stop + MARGIN])
            part = context.part(done / len(tiles), (done + 1) / len(tiles))
            found = self._piece(torch.from_numpy(piece).to(self.device), channel, field, (top, left), part)
            inner = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
            results[:, rows, columns] = found.cpu().numpy()[:, inner[0], inner[1]]
        return results

    def _piece(
        self, light: Tensor, channel: int, field: _Field, corner: tuple[int, int], context: Context
    ) -> Tensor:
        """Return mean, deviation and the first samples of an image, normalised, (outputs, Y, X)."""
        head, zero = self._head(channel), torch.zeros(1, dtype=torch.int64, device=light.device)
        total, squares = torch.zeros_like(light), torch.zeros_like(light)
        single: list[Tensor] = []
        with torch.inference_mode(), Interruptible(context.check):
            values = head.values(light[None], zero)
            features = self.network.encode(values, values.new_zeros(1, len(LAGS)), *head.contrast(zero))
            centre = head.signal(self.network.decode(features, None).output, zero)[0]
            pairs = self.samples // 2
            for number in range(pairs):
                context.step(number / pairs, "Drawing samples")
                draws = field.draws(number, self.network.planes, corner, light.shape, light.device)
                for sign in (1, -1):
                    image = head.signal(self.network.decode(features, sign * draws).output, zero)[0]
                    total += image - centre
                    squares += (image - centre).square()
                    if len(single) < self.shown:
                        single.append(image)
            mean = total / (2 * pairs)
            spread = (squares / (2 * pairs) - mean.square()).clamp(min=0).sqrt()
            return torch.stack([centre + mean, spread, *single])

    def _head(self, channel: int) -> SampleHead:
        """Return the head of one channel."""
        assert self.noise is not None
        dark = self.noise.channels[channel if len(self.noise.channels) > 1 else 0].dark
        stabiliser, norm = self.models.of(channel).stabiliser(), self.normalisation
        level, unit = norm.result(channel if len(norm.mean) > 1 else 0)
        one = Normalisation(offset=0.0, mean=(level,), std=(unit,), fill=norm.fill)
        return SampleHead([stabiliser], lifts([stabiliser], [dark]), one, self.device)


class _Field:
    """Random numbers of a whole plane, so that tiles and regions get those at their place.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the plane.
    origin : tuple of int
        Row and column of the first pixel of the block.
    seed : tuple of int
        Seed, and number of the plane in the stack.
    """

    def __init__(self, shape: tuple[int, ...], origin: tuple[int, ...], seed: tuple[int, int]) -> None:
        self._shape, self._origin, self._seed = shape, origin, seed

    def draws(
        self, number: int, planes: int, corner: tuple[int, int], size: torch.Size, device: torch.device
    ) -> Tensor:
        """Return the random numbers of a sample for a piece of the block, (1, planes, Y, X)."""
        ends = [-(-n // GRID) * GRID for n in self._shape]
        rng = np.random.default_rng([*self._seed, number])
        whole = rng.standard_normal((planes, *ends), dtype=np.float32)
        first = [start + at for start, at in zip(self._origin, corner, strict=True)]
        part = whole[:, first[0] : first[0] + size[0], first[1] : first[1] + size[1]]
        missing = [(0, 0), *((0, wanted - n) for wanted, n in zip(size, part.shape[1:], strict=True))]
        return torch.from_numpy(np.pad(part, missing, mode="wrap"))[None].to(device)
