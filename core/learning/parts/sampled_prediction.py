"""Prediction of DivNoising: the mean, the deviation, and some of many possible images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.instant.constants import REACH as INSTANT_REACH
from core.interrupting import Interruptible
from core.learning.parts.centring import SIDE, useful_share
from core.learning.parts.photon_prediction import PhotonPrediction, Place, padded
from core.learning.parts.priors import lifts
from core.learning.parts.variational import SampleHead
from core.learning.training_advice import middle_plane
from core.learning.variational_network import REACH, VariationalNetwork
from core.methods.outputs import DENOISED, DEVIATION, SAMPLES, Output, sample_output
from core.noise.noise_estimate import LAGS
from core.progress import Context
from core.recorded import smooth_fill
from core.stack import Stack, middle

CELL = 256
"""Side of the squares of a plane that have their own random numbers, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampledPrediction(PhotonPrediction):
    """A trained variational autoencoder as an operation.

    The mean of its samples is used as far as that lowers the estimated error of the result of Instant, around
    which the samples of an untrained network lie; the samples move with it.

    Attributes
    ----------
    network : VariationalNetwork
        Network, on its device.
    samples : int
        Number of samples for mean and deviation, even: every random number is used with both signs, so that
        the mean of few samples is accurate.
    shown : int
        Number of samples that are outputs of their own.
    seed : int
        Seed of the samples.
    only : int
        Number of the single sample that is computed, from 1; 0 for all outputs.
    shares : tuple of float
        Part, 0 to 1, of the way from the result of Instant to the mean of the samples, of each channel.
    """

    margin: ClassVar[int] = INSTANT_REACH + REACH

    network: VariationalNetwork
    samples: int = 32
    shown: int = 0
    seed: int = 0
    only: int = 0
    shares: tuple[float, ...] = ()

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Mean, deviation, and single samples; or one sample alone."""
        if self.only:
            return (sample_output(self.only),)
        return (DENOISED, DEVIATION, *SAMPLES[: self.shown])

    def bind(self, stack: Stack, context: Context) -> Self:
        """Measure the noise of the stack, and how far the network improves its planes."""
        # super() without arguments does not work in a dataclass with slots
        bound = PhotonPrediction.bind(self, stack, context)
        channels = range(stack.sizes.get("C", 1))
        return replace(bound, shares=tuple(bound._share(stack, one, context) for one in channels))

    @property
    def bytes_per_pixel(self) -> int:
        """Memory on the processor that a piece of a plane needs per pixel."""
        return self.network.bytes_per_pixel

    def predict(self, light: Tensor, channel: int, place: Place, context: Context) -> Tensor:
        """Return mean, deviation and the first samples of a piece, normalised, (outputs, Y, X)."""
        head, zero = self._head(channel), torch.zeros(1, dtype=torch.int64, device=light.device)
        total, squares = torch.zeros_like(light), torch.zeros_like(light)
        with torch.inference_mode(), Interruptible(context.check):
            values = head.values(light[None], zero)
            features = self.network.encode(values, values.new_zeros(1, len(LAGS)), *head.contrast(zero))

            def signal(draws: Tensor | None) -> Tensor:
                return head.signal(self.network.decode(features, draws).output, zero)[0]

            # all samples move alike, so that one that is computed alone is the same
            first = self._draws(0, place, light)
            start = head.signal(features.denoised[0], zero)[0]
            moved = (1 - self.shares[channel]) * (start - (signal(first) + signal(-first)) / 2)
            if self.only:
                number, second = divmod(self.only - 1, 2)
                draws = self._draws(number, place, light) * (-1 if second else 1)
                return (signal(draws) + moved)[None]
            centre, pairs = signal(None), self.samples // 2
            single: list[Tensor] = []
            for number in range(pairs):
                context.step(number / pairs, "Drawing samples")
                draws = self._draws(number, place, light)
                for sign in (1, -1):
                    image = signal(sign * draws)
                    total += image - centre
                    squares += (image - centre).square()
                    if len(single) < self.shown:
                        single.append(image + moved)
            mean = total / (2 * pairs)
            spread = (squares / (2 * pairs) - mean.square()).clamp(min=0).sqrt()
            return torch.stack([centre + mean + moved, spread, *single])

    def _share(self, stack: Stack, channel: int, context: Context) -> float:
        """Return how far the network improves the result of Instant on the middle plane of a channel."""
        plane = middle_plane(stack, channel)
        plane = plane[tuple(middle(size, SIDE) for size in plane.shape)]
        recorded = np.isfinite(plane)
        if not recorded.any():
            return 1.0
        level, unit = self.scale(channel)
        known = smooth_fill(plane.astype(np.float32), recorded, self._noise(channel).mean)
        light = padded(((known + self._shift - level) / unit).astype(np.float32))
        inside = np.zeros(light.shape, np.bool_)
        inside[: plane.shape[0], : plane.shape[1]] = recorded
        head, zero = self._head(channel), torch.zeros(1, dtype=torch.int64, device=self.device)
        generator = torch.Generator().manual_seed(self.seed)
        draws = torch.randn(1, self.network.planes, *light.shape, generator=generator).to(self.device)

        def results(pixels: Tensor) -> tuple[Tensor, Tensor]:
            values = head.values(pixels[None], zero)
            found = self.network.encode(values, values.new_zeros(1, len(LAGS)), *head.contrast(zero))
            more, less = (
                head.signal(self.network.decode(found, sign * draws).output, zero)[0] for sign in (1, -1)
            )
            return head.signal(found.denoised[0], zero)[0], (more + less) / 2

        def variance(signal: Tensor) -> Tensor:
            counts = signal.cpu().numpy().astype(np.float64) * unit + level
            found = self.models.of(channel).variance(counts) / unit**2
            return torch.from_numpy(found.astype(np.float32)).to(self.device)

        with torch.inference_mode(), Interruptible(context.check):
            pixels, counted = (torch.from_numpy(one).to(self.device) for one in (light, inside))
            return useful_share(pixels, counted, results, variance, generator)

    def _draws(self, number: int, place: Place, light: Tensor) -> Tensor:
        """Return the random numbers of a sample for a piece, (1, planes, Y, X).

        Every square of the plane has its own, so that tiles and regions get the numbers of their place.
        """
        starts = place.row, place.column
        first = [start // CELL for start in starts]
        last = [-(-(start + size) // CELL) for start, size in zip(starts, light.shape, strict=True)]
        cells = [
            [self._cell(place.number, number, row, column) for column in range(first[1], last[1])]
            for row in range(first[0], last[0])
        ]
        top, left = (start - CELL * one for start, one in zip(starts, first, strict=True))
        height, width = light.shape
        part = np.block(cells)[:, top : top + height, left : left + width]
        return torch.from_numpy(np.ascontiguousarray(part))[None].to(light.device)

    def _cell(self, plane: int, number: int, row: int, column: int) -> NDArray[np.float32]:
        rng = np.random.default_rng([self.seed, plane, number, row, column])
        return rng.standard_normal((self.network.planes, CELL, CELL), dtype=np.float32)

    def _head(self, channel: int) -> SampleHead:
        """Return the head of one channel."""
        stabiliser = self.models.of(channel).stabiliser()
        lift = lifts([stabiliser], [self.dark(channel)])
        return SampleHead([stabiliser], lift, self.single(channel), self.device)
