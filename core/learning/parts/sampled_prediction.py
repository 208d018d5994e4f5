"""Prediction of DivNoising: the mean, the deviation, and some of many possible images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.instant.constants import REACH as INSTANT_REACH
from core.interrupting import Interruptible
from core.learning.parts.photon_prediction import PhotonPrediction, Place
from core.learning.parts.priors import lifts
from core.learning.parts.variational import SampleHead
from core.learning.variational_network import REACH, VariationalNetwork
from core.methods.outputs import DENOISED, DEVIATION, SAMPLES, Output, sample_output
from core.noise.noise_estimate import LAGS
from core.progress import Context

CELL = 256
"""Side of the squares of a plane that have their own random numbers, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampledPrediction(PhotonPrediction):
    """A trained variational autoencoder as an operation.

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
    """

    margin: ClassVar[int] = INSTANT_REACH + REACH

    network: VariationalNetwork
    samples: int = 32
    shown: int = 0
    seed: int = 0
    only: int = 0

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Mean, deviation, and single samples; or one sample alone."""
        if self.only:
            return (sample_output(self.only),)
        return (DENOISED, DEVIATION, *SAMPLES[: self.shown])

    def predict(self, light: Tensor, channel: int, place: Place, context: Context) -> Tensor:
        """Return mean, deviation and the first samples of a piece, normalised, (outputs, Y, X)."""
        head, zero = self._head(channel), torch.zeros(1, dtype=torch.int64, device=light.device)
        total, squares = torch.zeros_like(light), torch.zeros_like(light)
        single: list[Tensor] = []
        with torch.inference_mode(), Interruptible(context.check):
            values = head.values(light[None], zero)
            features = self.network.encode(values, values.new_zeros(1, len(LAGS)), *head.contrast(zero))
            if self.only:
                number, second = divmod(self.only - 1, 2)
                draws = self._draws(number, place, light) * (-1 if second else 1)
                return head.signal(self.network.decode(features, draws).output, zero)
            centre = head.signal(self.network.decode(features, None).output, zero)[0]
            pairs = self.samples // 2
            for number in range(pairs):
                context.step(number / pairs, "Drawing samples")
                draws = self._draws(number, place, light)
                for sign in (1, -1):
                    image = head.signal(self.network.decode(features, sign * draws).output, zero)[0]
                    total += image - centre
                    squares += (image - centre).square()
                    if len(single) < self.shown:
                        single.append(image)
            mean = total / (2 * pairs)
            spread = (squares / (2 * pairs) - mean.square()).clamp(min=0).sqrt()
            return torch.stack([centre + mean, spread, *single])

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
