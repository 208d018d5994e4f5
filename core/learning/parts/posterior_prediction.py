"""Prediction of PN2V: the prior of every pixel from its surroundings, combined with its own value."""

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
from core.instant.constants import GRID, REACH
from core.instant.network import LEAST, InstantNetwork
from core.interrupting import Interruptible
from core.learning.data import Normalisation
from core.learning.masks import fill_hidden
from core.learning.parts.likelihoods import Likelihood
from core.learning.parts.priors import Photons, Prior, PriorHead, lifts, posterior
from core.learning.prior_network import PriorNetwork
from core.learning.suitability import unlike
from core.methods.base import Block, Operation
from core.methods.outputs import DENOISED, EXPECTED_ERROR, PRIOR, Output
from core.methods.single import check_output
from core.noise.hot_pixels import find_hot_pixels
from core.noise.model_text import NoiseModels
from core.noise.survey import StackNoise, Survey
from core.progress import Context
from core.recorded import smooth_fill
from core.stack import Region, Stack, channel_of

PERIOD = 4
"""One pixel in every square of this side, in pixels, is hidden at a time; a divisor of `GRID`."""

TILE, LEAST_TILE = 512, 64
"""Side of the tiles without margins, in pixels, and the smallest side if memory is insufficient."""

MARGIN = REACH + GRID

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PosteriorPrediction(Operation):
    """A trained network that predicts priors, as an operation.

    Every pixel is hidden once, so that its prior does not depend on its own value.

    Attributes
    ----------
    network : InstantNetwork
        Network, on its device.
    device : torch.device
        Device of the network.
    normalisation : Normalisation
        Normalisation from counts to photons.
    models : NoiseModels
        Noise model of each channel.
    outputs : tuple of Output
        Posterior mean, prior mean and posterior standard deviation.
    noise : StackNoise or None
        Noise of the stack; None before the prediction is bound.
    """

    label: ClassVar[str] = "Trained network"
    alignment: ClassVar[int] = GRID
    parallel: ClassVar[bool] = False
    skips: ClassVar[bool] = True

    network: InstantNetwork
    device: torch.device
    normalisation: Normalisation
    models: NoiseModels
    outputs: tuple[Output, ...] = (DENOISED, PRIOR, EXPECTED_ERROR)
    noise: StackNoise | None = None

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if a stack with these axes lacks the channels of the network."""
        if len(self.models.channels) > 1 and "C" not in axes:
            raise QuietfieldError(self._channels("one channel"))

    def halo(self, axes: str) -> Mapping[str, int]:
        """Return the halo: the receptive field of the network and of the replaced pixels."""
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
            for result, image in zip(results, self._plane(plane, recorded, channel, part), strict=True):
                result[index] = image
        return tuple(results)

    def _channels(self, found: str) -> str:
        return (
            f"This network was trained on {len(self.models.channels)} channels, and the stack has {found}. "
            "Use it on stacks like the one it was trained on, or train another one."
        )

    def _plane(
        self, plane: Plane, recorded: NDArray[np.bool_], channel: int, context: Context
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
            return self._tiled(light, channel, side, context)

        mean, prior, deviation = memory.in_pieces(predicted, TILE, LEAST_TILE, str(self.device))
        check_output(mean, self.label)
        denoised = mean * unit + level
        denoised.flat[where] = known.flat[where]
        found = [denoised, prior * unit + level, deviation * unit]
        return [image.astype(np.float32) for image in found]

    def _tiled(self, light: Plane, channel: int, side: int, context: Context) -> NDArray[np.float32]:
        """Return posterior mean, prior mean and posterior deviation in photons, (3, Y, X)."""
        head, likelihood = self._parts(channel)
        height, width = light.shape
        results = np.empty((3, height, width), np.float32)
        tiles = list(tiles_of(height, width, side))
        for done, (rows, columns) in enumerate(tiles):
            top, left = max(rows.start - MARGIN, 0), max(columns.start - MARGIN, 0)
            piece = pad(light[top : rows.stop + MARGIN, left : columns.stop + MARGIN])
            part = context.part(done / len(tiles), (done + 1) / len(tiles))
            found = self._piece(torch.from_numpy(piece).to(self.device), head, likelihood, part)
            inner = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
            results[:, rows, columns] = found.cpu().numpy()[:, inner[0], inner[1]]
        return results

    def _piece(
        self, light: torch.Tensor, head: PriorHead, likelihood: Likelihood, context: Context
    ) -> torch.Tensor:
        """Hide every pixel once; return posterior mean, prior mean and posterior deviation, (3, Y, X)."""
        height, width = light.shape
        results = light.new_zeros(3, height, width)
        index = torch.arange(height * width, device=light.device).reshape(height, width)
        channel = torch.zeros(1, dtype=torch.int64, device=light.device)
        for number in range(PERIOD**2):
            context.step(number / PERIOD**2, self.label)
            here = slice(number // PERIOD, None, PERIOD), slice(number % PERIOD, None, PERIOD)
            hidden = torch.zeros_like(light, dtype=torch.bool)
            hidden[here] = True
            chosen = index[here].reshape(1, -1)
            with torch.inference_mode(), Interruptible(context.check):
                prior = head.prior(self.network, fill_hidden(light[None], hidden[None]), channel, chosen)
                mean, variance = (one.flatten(1).gather(1, chosen) for one in (prior.signal, prior.variance))
                prior = Prior(signal=mean, sharp=mean, variance=variance, samples=prior.samples)
                found = posterior(prior, light[here].reshape(1, -1), likelihood, channel)
                if prior.samples is not None:
                    mean = prior.samples.mean(1)
                images = (found[0], mean, found[1].clamp(min=0).sqrt())
                for result, image in zip(results, images, strict=True):
                    result[here] = image.reshape(light[here].shape)
        return results

    def _parts(self, channel: int) -> tuple[PriorHead, Likelihood]:
        """Return head and likelihood of one channel."""
        assert self.noise is not None
        model, norm = self.models.of(channel), self.normalisation
        dark = self.noise.channels[channel if len(self.noise.channels) > 1 else 0].dark
        stabiliser = model.stabiliser()
        photons = Photons([stabiliser], lifts([stabiliser], [dark]), self.device)
        level, unit = norm.result(channel if len(norm.mean) > 1 else 0)
        one = Normalisation(offset=0.0, mean=(level,), std=(unit,), fill=norm.fill)
        head = PriorHead(photons, samples=isinstance(self.network, PriorNetwork))
        return head, Likelihood([model], one, self.device)


def tiles_of(height: int, width: int, side: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of the tiles of an image."""
    for row in range(0, height, side):
        for column in range(0, width, side):
            yield slice(row, min(row + side, height)), slice(column, min(column + side, width))


def pad(piece: Plane) -> Plane:
    """Reflect an image beyond its lower and right border to a size that the network accepts."""
    pads = [(0, max(-(-n // GRID) * GRID, LEAST) - n) for n in piece.shape]
    return np.ascontiguousarray(np.pad(piece, pads, mode="symmetric"))
