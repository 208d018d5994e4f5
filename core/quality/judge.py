"""Mean squared error of denoised images without a reference, with its uncertainty."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.methods.apply import compute
from core.methods.base import Bindable, Operation
from core.noise.estimate import estimate
from core.noise.noise_estimate import NoiseEstimate
from core.noise.survey import Survey, find_shared_noise
from core.progress import Context
from core.quality.judgement import Judgement
from core.quality.recorruption import (
    PILOT,
    Draw,
    Errors,
    NoiseAdded,
    PhotonsDivided,
    blurred,
    count_photons,
    read_plane,
)
from core.stack import Region, Stack, channel_of, middle

PLANES = 3
"""Maximum number of judged planes per channel, spread over the region."""

SIDE = 512
"""Maximum side of a judged plane, in pixels."""

LEAST = 64
"""Minimum side of a judged plane, in pixels."""

BLOCK = 32
"""Side of the blocks whose scatter gives the uncertainty, in pixels."""

FEW_PHOTONS = 3.0
"""Mean number of photons below which counts are divided instead of adding Gaussian noise."""

NEAR_SATURATION = 3.0
"""Distance from saturation, in noise standard deviations, within which pixels are left out."""

SMOOTH = 1.5
"""Standard deviation in pixels of the blur of the noisy image whose range is that of the estimated PSNR."""

_ENOUGH = 0.25
_LEAST_BLOCKS = 2  # one alone has no scatter
_CALIBRATED, _READ, _WHITE = 0.2, 0.4, 0.05
# counts are photons if they are at most this far from integers (rms), with little read noise and correlation

_TOO_FEW = (
    "Most pixels in the middle of the region are saturated or were never recorded, so results cannot "
    "be judged there without a reference. Choose another region."
)

_NO_NOISE = "No noise was found here, so that errors cannot be estimated without a reference."

Plane = NDArray[np.float64]


class Judge:
    """Judges methods on one stack by the estimated error of their results.

    All methods get the same random draws, so that differences between them are more certain than each
    error itself.

    Parameters
    ----------
    stack : Stack
        Noisy stack.
    region : tuple of slice, optional
        Region to judge; by default the whole stack. At most `PLANES` planes per channel are used, and their
        central `SIDE` x `SIDE` pixels.
    seed : int
        Seed of all draws.
    context : Context, optional
        Cancellation.

    Raises
    ------
    QuietfieldError
        If the region is smaller than `LEAST` x `LEAST` pixels, most of it is saturated or was never recorded,
        or it has no noise.
    """

    __slots__ = ("_scenes", "_seed", "_stack", "findings", "span")

    def __init__(
        self, stack: Stack, *, region: Region | None = None, seed: int = 0, context: Context | None = None
    ) -> None:
        region = stack.region() if region is None else region
        rows, columns = (part.stop - part.start for part in region[-2:])
        if min(rows, columns) < LEAST:
            raise QuietfieldError(
                f"The region has {rows} x {columns} pixels; results can be judged without a reference from "
                f"{LEAST} x {LEAST} on. Choose a larger region."
            )
        noise = Survey.of(stack).noise(context)
        inner = (*region[:-2], *(middle(part, SIDE) for part in region[-2:]))
        cropped = stack.crop((*stack.region()[:-2], *inner[-2:]))
        self._stack, self._seed = stack, seed
        self._scenes: list[_Scene] = []
        for where in _spread(cropped, region):
            # the part alone may not show that its constant area was never recorded
            if read_plane(stack, (*where[:-2], *inner[-2:]))[1].mean() < _ENOUGH:
                raise QuietfieldError(_TOO_FEW)
            channels = noise.channels
            if noise.each_plane:
                channels = tuple(estimate(read_plane(cropped, one)[0]) for one in _channels(cropped, where))
            self._scenes.append(_Scene.of(cropped, where, channels))
        self.span = float(np.mean([scene.span for scene in self._scenes]))
        self.findings = _problems([scene.noise for scene in self._scenes])
        """Reasons why the estimates may be wrong; empty if they are valid."""

    @property
    def valid(self) -> bool:
        """Whether nothing is known that makes the estimates wrong."""
        return not self.findings

    @property
    def noise(self) -> float:
        """Mean noise variance of the judged planes, in counts squared."""
        return float(np.mean([scene.variance for scene in self._scenes]))

    def unchanged(self) -> Judgement:
        """Return the error of the noisy image itself: its noise variance, without any draw."""
        found = [scene.in_blocks(scene.model_variance() / scene.variance) for scene in self._scenes]
        return Judgement(
            blocks=np.concatenate(found), modelled=1.0, draws=0, noise=self.noise, span=self.span
        )  # fmt: skip

    def judge(self, method: Bindable, draws: int = 2, context: Context | None = None) -> Judgement:
        """Estimate the error of a method.

        Parameters
        ----------
        method : Bindable
            Method or trained network; it is applied to noisier versions of the stack, and judged by its first
            output.
        draws : int
            Number of random draws to average, at least 1.
        context : Context, optional
            Progress and cancellation.

        Returns
        -------
        Judgement
            Estimated error.

        Raises
        ------
        QuietfieldError
            If the method cannot be applied to the stack.
        """
        context = context or Context()
        total = draws * len(self._scenes)
        axes = axes_used(self._stack, method, context)
        shared = (find_shared_noise(self._stack, axis, kinds.JUDGED_SHARED_NOISE) for axis in axes)
        found: list[Plane] = []
        modelled: list[float] = []
        for number, scene in enumerate(self._scenes):
            maps: list[Errors] = []
            for draw in range(draws):
                done = number * draws + draw
                part = context.part(done / total, (done + 1) / total)
                maps.append(scene.errors(method, (self._seed, draw), part))
            squares, model = np.mean(maps, axis=0) / scene.variance
            found.append(scene.in_blocks(squares))
            modelled.append(float(scene.in_blocks(model).mean()))
        return Judgement(
            blocks=np.concatenate(found), modelled=float(np.mean(modelled)), draws=draws,
            noise=self.noise, span=self.span,
            findings=tuple(finding for finding in shared if finding is not None),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """A judged plane, its noise, and the pixels that count."""

    stack: Stack
    region: Region
    channels: tuple[NoiseEstimate, ...]
    kept: NDArray[np.bool_]
    span: float
    variance: float
    counted: bool
    draws: dict[tuple[int, int], tuple[Draw, tuple[Stack, ...]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def of(cls, stack: Stack, region: Region, channels: tuple[NoiseEstimate, ...]) -> _Scene:
        plane, recorded = read_plane(stack, region)
        noise = channels[channel_of(region, stack.axes)]
        smooth = blurred(plane, SMOOTH)
        limit = noise.ceiling - NEAR_SATURATION * np.sqrt(noise.model.variance(smooth))
        kept = recorded & (smooth < limit)
        if kept.mean() < _ENOUGH:
            raise QuietfieldError(_TOO_FEW)
        variance = float(noise.model.variance(blurred(plane, PILOT)[kept]).mean())
        if variance <= 0:
            raise QuietfieldError(_NO_NOISE)
        scene = cls(
            stack=stack, region=region, channels=channels, kept=kept, span=float(np.ptp(smooth[kept])),
            variance=variance, counted=_are_photons(plane, noise),
        )  # fmt: skip
        if scene.in_blocks(plane).size < _LEAST_BLOCKS:
            raise QuietfieldError(_TOO_FEW)
        return scene

    @property
    def noise(self) -> NoiseEstimate:
        return self.channels[channel_of(self.region, self.stack.axes)]

    def model_variance(self) -> Plane:
        """Return the variance of the noise of every pixel, in counts squared."""
        plane, _ = read_plane(self.stack, self.region)
        return np.asarray(self.noise.model.variance(blurred(plane, PILOT)), np.float64)

    def errors(self, method: Bindable, seed: tuple[int, int], context: Context) -> Errors:
        """Return the estimated squared error of every pixel, for one draw."""
        if seed not in self.draws:
            kind = PhotonsDivided if self.counted else NoiseAdded
            made: Draw = kind(stack=self.stack, channels=self.channels, seed=seed)
            self.draws[seed] = made, made.stacks  # which keep their pixels for the next method
        draw, stacks = self.draws[seed]
        results = []
        for number, stack in enumerate(stacks):
            part = context.part(number / len(stacks), (number + 1) / len(stacks))
            operation = method.bind(stack, part.part(0.0, 0.0))
            results.append(_first(stack, operation, self.region, part))
        return draw.errors(results, self.region)

    def in_blocks(self, errors: Plane) -> Plane:
        """Return the mean of the pixels that count in every block that has enough of them."""
        rows, columns = (n // BLOCK for n in errors.shape)
        inner = np.s_[: rows * BLOCK, : columns * BLOCK]

        def totals(values: Plane) -> Plane:
            blocks: Plane = values[inner].reshape(rows, BLOCK, columns, BLOCK).sum((1, 3)).ravel()
            return blocks

        count = totals(self.kept.astype(np.float64))
        enough = count >= BLOCK * BLOCK / 2
        means: Plane = totals(np.where(self.kept, errors, 0.0))[enough] / count[enough]
        return means


def axes_used(stack: Stack, method: Bindable, context: Context) -> list[str]:
    """Return the axes along which a method uses neighbouring planes or frames."""
    halo = method.bind(stack, context.part(0.0, 0.0)).halo(stack.axes)
    return [axis for axis in "TZ" if halo.get(axis, 0) and stack.sizes.get(axis, 1) > 1]


def _first(stack: Stack, operation: Operation, region: Region, context: Context) -> Plane:
    pixels = compute(stack, operation, region, context)[0]
    return pixels.reshape(pixels.shape[-2:]).astype(np.float64)


def _are_photons(plane: Plane, noise: NoiseEstimate) -> bool:
    """Return whether pixels are few photons, counted without much read noise."""
    model = noise.model
    if model.gain <= 0 or max(map(abs, noise.correlations)) > _WHITE or model.read_noise > _READ * model.gain:
        return False
    photons = (plane - model.offset) / model.gain
    off = photons - count_photons(plane, noise)
    few = float(np.mean(photons)) < FEW_PHOTONS
    return few and float(np.sqrt(np.mean(np.square(off)))) < _CALIBRATED


def _problems(noises: list[NoiseEstimate]) -> tuple[Finding, ...]:
    found = []
    for noise in noises:
        if noise.absent:
            found.append(Finding(kind=kinds.NOISE_ABSENT))
        elif noise.problem is not None:
            found.append(noise.problem)
    return tuple(dict.fromkeys(found))


def _spread(stack: Stack, region: Region) -> list[Region]:
    """Return the regions of the judged planes: every channel, and some planes spread over the others."""
    lead = dict(zip(stack.axes[:-2], region[:-2], strict=True))
    others = [axis for axis in lead if axis != "C"]
    sizes = [lead[axis].stop - lead[axis].start for axis in others]
    total = math.prod(sizes)
    edges = np.linspace(0, total, min(total, PLANES) + 1)
    numbers = sorted({int((a + b) / 2) for a, b in itertools.pairwise(edges)})
    found = []
    for channel in range(lead["C"].start, lead["C"].stop) if "C" in lead else (0,):
        for number in numbers:
            index = np.unravel_index(number, sizes) if sizes else ()
            at = {axis: lead[axis].start + int(i) for axis, i in zip(others, index, strict=True)}
            found.append(stack.region(**(at | ({"C": channel} if "C" in lead else {}))))
    return found


def _channels(stack: Stack, region: Region) -> list[Region]:
    """Return the regions of all channels of a plane."""
    at: dict[str, slice | int] = dict(zip(stack.axes, region, strict=True))
    return [
        stack.region(**(at | ({"C": channel} if "C" in at else {})))
        for channel in range(stack.sizes.get("C", 1))
    ]
