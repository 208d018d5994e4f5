"""Denoise a stack with networks and its known noise, plane by plane, and large planes in tiles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from core import memory
from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.instant.constants import DEPTH, GRID, REACH, beside, substitutes
from core.instant.familiarity import examine
from core.instant.network import LEAST, LEVEL, InstantNetwork
from core.instant.scene import propose_averaging
from core.interrupting import Interruptible
from core.methods.base import WHOLE, Block, Operation
from core.methods.outputs import EXPECTED_ERROR, RESULT, Output
from core.methods.single import check_output
from core.noise.estimate import estimate
from core.noise.hot_pixels import find_hot_pixels
from core.noise.noise_estimate import TRANSPOSED, NoiseEstimate
from core.noise.survey import StackNoise, find_shared_noise
from core.noise.transform import Stabiliser
from core.optics import convolve
from core.progress import Context
from core.recorded import Recorded, smooth_fill
from core.stack import Region, Stack, channel_of, middle

TILE, LEAST_TILE = 1024, 64
"""Side of the tiles without margins, in pixels, and the smallest side if memory is insufficient."""

EXAMINED = 1024
"""Side of the central part of a plane that is examined, in pixels."""

FARTHEST = 8.0
"""Maximum change of a pixel, in noise standard deviations. It limits the damage in images that differ
strongly from the training images, such as images without noise.
"""

FAR = 20.0
"""If noise is constant, values are shifted to this many times the level below which intensity matters."""

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Denoiser(Operation):
    """Networks with the noise of a stack.

    Attributes
    ----------
    networks : tuple of InstantNetwork
        One or more networks whose results are averaged; all on one device.
    noise : StackNoise
        Noise of the stack.
    outputs : tuple of Output
        Denoised image, and `EXPECTED_ERROR` if requested.
    label : str
        Name in progress messages.
    strength : float
        Weight of the denoised image in the result, 0 to 1.
    eightfold : bool
        Whether to average over eight orientations.
    along : {"", "Z", "T"}
        Axis of the neighbouring planes or frames of the network, if any.
    sigma : float
        Standard deviation of the PSF that the denoised image is convolved with, in pixels; 0 for none.
    mend : bool
        Whether hot and dead pixels are replaced in the result; they always are in the input of the network.
    """

    alignment: ClassVar[int] = GRID
    parallel: ClassVar[bool] = False
    skips: ClassVar[bool] = True

    networks: tuple[InstantNetwork, ...]
    noise: StackNoise
    outputs: tuple[Output, ...] = (RESULT,)
    label: str = "Instant"
    strength: float = 1.0
    eightfold: bool = False
    along: str = ""
    sigma: float = 0.0
    mend: bool = False

    @property
    def _uncertain(self) -> bool:
        """Whether the predicted error is requested."""
        return EXPECTED_ERROR in self.outputs

    def halo(self, axes: str) -> Mapping[str, int]:  # noqa: ARG002
        """Return the halo: the receptive field, or the whole plane if its noise is estimated separately."""
        reach = WHOLE if self.noise.each_plane else REACH + (GRID if self.sigma else 0)
        return {"Y": reach, "X": reach} | ({self.along: DEPTH} if self.along else {})

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Denoise a block; planes outside ``block.kept`` stay 0."""
        results = [np.zeros(block.pixels.shape, np.float32) for _ in self.outputs]
        wanted = block.wanted
        for done, index in enumerate(wanted):
            part = context.part(done / len(wanted), (done + 1) / len(wanted))
            plane = block.pixels[index]
            channel = self.channel(block, index)
            recorded = _recorded(block, index)
            if not recorded.any():
                continue
            if self.noise.each_plane:
                noise = estimate(np.where(recorded, plane, np.nan))
            else:
                noise = self.noise.channels[channel]
            found = self._plane(plane, recorded, self._beside(block, index), noise, part)
            for result, image in zip(results, found, strict=False):
                result[index] = image
        return tuple(results)

    def findings(self, stack: Stack, region: Region) -> tuple[Finding, ...]:
        """Return findings about the central part of the plane, its neighbours, and averaging of frames."""
        pixels = Recorded.of(stack).measured(central_region(stack, region))
        plane = pixels.reshape(pixels.shape[-2:])
        found = self.examine(plane, channel_of(region, stack.axes))
        around = find_shared_noise(stack, self.along, kinds.NEIGHBOURS_SHARE_NOISE), propose_averaging(stack)
        return (*Operation.findings(self, stack, region), *found, *filter(None, around))

    def examine(self, plane: NDArray[np.generic], channel: int) -> tuple[Finding, ...]:
        """Return findings about a plane (Y, X) of a channel."""
        noise = estimate(plane) if self.noise.each_plane else self.noise.channels[channel]
        if noise.absent:
            return (Finding(kind=kinds.NOISE_ABSENT),)
        return examine(plane, noise, mend=self.mend)

    @staticmethod
    def channel(block: Block, index: tuple[int, ...]) -> int:
        """Return the channel of a plane of a block; 0 without channels."""
        at = block.axes.find("C")
        return 0 if at < 0 else block.origin[at] + index[at]

    def _beside(self, block: Block, index: tuple[int, ...]) -> list[tuple[Plane, Mask]]:
        """Return the neighbours of a plane of a block, and which of their pixels were recorded."""
        axis = block.axes.index(self.along) if self.along else -1
        if axis < 0 or block.shape[axis] < 2:
            return []
        first = block.origin[axis]
        numbers = beside(first + index[axis], block.shape[axis])
        places = [(*index[:axis], number - first, *index[axis + 1 :]) for number in numbers]
        return [(block.pixels[place], _recorded(block, place)) for place in places]

    def _plane(
        self,
        plane: Plane,
        recorded: Mask,
        others: list[tuple[Plane, Mask]],
        noise: NoiseEstimate,
        context: Context,
    ) -> list[Plane]:
        try:
            stabiliser = noise.model.stabiliser()
        except QuietfieldError:  # no noise at all
            return [plane, np.where(recorded, 0, np.nan).astype(np.float32)]
        raised = lift(stabiliser, noise)
        known = plane if recorded.all() else smooth_fill(plane, recorded, noise.mean)
        shown = np.stack([known, *replace_unrecorded(others, known)])
        found = [find_hot_pixels(image, noise) for image in shown]
        for image, (where, replacements) in zip(shown, found, strict=True):
            image.flat[where] = replacements
        values = (stabiliser.forward(shown) + raised).astype(np.float32)
        mean, variance = self._predict(values, noise, context)
        change = np.clip(mean - values[0], -FARTHEST, FARTHEST)
        denoised = convolve(stabiliser.inverse(values[0] + change - raised), self.sigma)
        denoised = np.minimum(denoised, noise.ceiling)
        if not self.mend:
            denoised.flat[found[0][0]] = known.flat[found[0][0]]
        if not self._uncertain:
            return blend(plane, [denoised], self.strength, noise)
        error = stabiliser.error(values[0] + change - raised, np.sqrt(variance))
        return blend(plane, [denoised, error], self.strength, noise)

    def _predict(self, values: Plane, noise: NoiseEstimate, context: Context) -> tuple[Plane, Plane]:
        """Return the mean prediction of networks and orientations, and the mean error variance (or 0)."""
        correlations = noise.correlations
        transposed = tuple(correlations[lag] for lag in TRANSPOSED)
        jobs = list(itertools.product(self.networks, range(8 if self.eightfold else 1)))
        mean, variance = (np.zeros(values.shape[1:], np.float32) for _ in range(2))
        for done, (network, turn) in enumerate(jobs):
            part = context.part(done / len(jobs), (done + 1) / len(jobs))
            seen = correlations if turn % 2 == 0 else transposed
            denoised, log = self._run(network, _orient(values, turn), seen, part)
            mean += _orient_back(denoised, turn) / len(jobs)
            if self._uncertain:
                variance += _orient_back(np.exp(log), turn) / len(jobs)
        check_output(mean, self.label)
        return mean, variance

    def _run(
        self, network: InstantNetwork, values: Plane, correlation: tuple[float, ...], context: Context
    ) -> tuple[Plane, Plane]:
        """Apply a network to a plane and its neighbours."""
        device = next(network.parameters()).device

        def found(side: int) -> tuple[Plane, Plane]:
            return self._tiled(network, values, correlation, side, context)

        def need(side: int) -> int:
            return network.bytes_per_pixel * math.prod(min(n, side + 2 * REACH) for n in values.shape[1:])

        return memory.in_pieces(found, TILE, LEAST_TILE, str(device), need)

    def _tiled(
        self,
        network: InstantNetwork,
        values: Plane,
        correlation: tuple[float, ...],
        side: int,
        context: Context,
    ) -> tuple[Plane, Plane]:
        """Apply a network to planes in tiles with margins."""
        height, width = values.shape[1:]
        device = next(network.parameters()).device
        correlations = torch.tensor([correlation], dtype=torch.float32, device=device)
        results = np.empty((len(self.outputs), height, width), np.float32)
        tiles = list(_tiles(height, width, side))
        for done, (rows, columns) in enumerate(tiles):
            context.step(done / len(tiles), self.label)
            top, left = max(rows.start - REACH, 0), max(columns.start - REACH, 0)
            piece = _pad(values[:, top : rows.stop + REACH, left : columns.stop + REACH])
            given = torch.from_numpy(piece)[None].to(device)
            with torch.inference_mode(), Interruptible(context.check):
                others = given[:, 1:] if len(piece) > 1 else None
                output = network(given[:, :1], correlations, others, expect=self._uncertain)
            inner = (
                slice(rows.start - top, rows.stop - top),
                slice(columns.start - left, columns.stop - left),
            )
            for result, image in zip(results, output, strict=False):
                result[rows, columns] = image[0, 0].cpu().numpy()[inner]
        return results[0], results[-1]


def _recorded(block: Block, index: tuple[int, ...]) -> Mask:
    """Return which pixels of a plane of a block were recorded."""
    if block.recorded is None:
        return np.ones(block.pixels.shape[-2:], bool)
    found: Mask = block.recorded[index]
    return found


def replace_unrecorded(others: Sequence[tuple[Plane, Mask]], known: Plane) -> list[Plane]:
    """Replace pixels of neighbours that were not recorded by those of other neighbours, or of the plane.

    Parameters
    ----------
    others : sequence of (ndarray, ndarray of bool)
        Neighbours (Y, X) in the order of `core.instant.constants.OFFSETS`, and their recorded pixels.
    known : ndarray, shape (Y, X)
        The plane itself.
    """
    filled = []
    for number, (pixels, recorded) in enumerate(others):
        result, rest = pixels, ~recorded
        if rest.any():
            result = np.where(recorded, pixels, known)
            for other in substitutes(number):
                better = rest & others[other][1]
                result[better] = others[other][0][better]
                rest &= ~better
        filled.append(result)
    return filled


def central_region(stack: Stack, region: Region) -> Region:
    """Return the central part of the plane of a region."""
    return (*region[:-2], *(middle(n, EXAMINED, GRID) for n in stack.shape[-2:]))


def blend(
    plane: Plane, found: Sequence[NDArray[np.floating]], strength: float, noise: NoiseEstimate
) -> list[Plane]:
    """Blend results, a denoised image and optionally its predicted error, with the input."""
    finite = np.isfinite(plane)
    denoised = found[0]
    with np.errstate(invalid="ignore"):
        mixed = [np.where(finite, (1 - strength) * plane + strength * denoised, plane).astype(np.float32)]
    for error in found[1:]:
        left = (1 - strength) ** 2 * noise.model.variance(denoised)
        error = np.sqrt(np.square(strength * error) + left)
        mixed.append(np.where(finite, error, np.nan).astype(np.float32))
    return mixed


def lift(stabiliser: Stabiliser, noise: NoiseEstimate) -> float:
    """Return the offset of transformed values whose level has no meaning, or is too high for float32."""
    dark = float(stabiliser.forward(noise.dark))
    return FAR * LEVEL - dark if stabiliser.constant_only or dark > FAR * LEVEL else 0.0


def _tiles(height: int, width: int, side: int) -> Iterator[tuple[slice, slice]]:
    for row in range(0, height, side):
        for column in range(0, width, side):
            yield slice(row, min(row + side, height)), slice(column, min(column + side, width))


def _pad(piece: Plane) -> Plane:
    """Reflect images (N, Y, X) beyond their lower and right border to a size that the network accepts."""
    pads = [(0, 0), *((0, max(-(-n // GRID) * GRID, LEAST) - n) for n in piece.shape[1:])]
    return np.ascontiguousarray(np.pad(piece, pads, mode="symmetric"))


def _orient(values: Plane, turn: int) -> Plane:
    turned = np.rot90(values, turn % 4, (1, 2))
    return np.ascontiguousarray(turned if turn < 4 else turned[:, :, ::-1])


def _orient_back(values: Plane, turn: int) -> Plane:
    return np.rot90(values if turn < 4 else values[:, ::-1], -(turn % 4))
