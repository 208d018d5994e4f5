"""Examples to learn from: patches of simulated scenes, recorded, with the noise made uniform.

The network is to give the transform *of the mean*, not the mean of the transform, so that the
inverse transform is algebraic and without bias. Some batches are of volumes and time lapses, and show
the planes beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from core.instant.making.detectors import random_detector
from core.instant.reach import DEPTH, beside
from core.noise.model import LAGS
from core.noise.models import PoissonGaussian
from core.simulation.detection import Recording, record
from core.simulation.scenes import scene
from core.simulation.sequences import time_lapse, volume

PHOTONS = (0.3, 1500.0)
"""Range of the photons at the bright end of a scene."""

SKEW = 1.6
"""Above 1, few photons are drawn more often than many: they are harder to learn."""

CLEAN = 0.08
"""Share of examples with up to a thousand times more light, so that clean images are left as they are."""

STACKS = 0.25
"""Share of batches with the planes beside."""

ENDS = 0.25
"""Share of their examples that lie at an end of a stack, or in a short one."""

DEEP = 2 * DEPTH + 1
"""Planes of a simulated volume or time lapse."""

MARGIN = 6
"""Pixels around a plane that are recorded and cut off, so that filters do not mix planes."""

Lights = NDArray[np.float32]
Source = Callable[[tuple[int, ...]], Lights]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Patches in units of the noise.

    Attributes
    ----------
    noisy, clean : Tensor, shape (N, 1, Y, X)
        Transform of the recorded image, and of its mean.
    correlation : Tensor, shape (N, len(LAGS))
        Correlation of the noise at `core.noise.model.LAGS` as the network is told, a little wrong.
    beside : Tensor, shape (N, len(OFFSETS), Y, X), or None
        Transforms of the neighbouring planes or frames.
    """

    noisy: Tensor
    clean: Tensor
    correlation: Tensor
    beside: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Same patches on a device."""
        beside = None if self.beside is None else self.beside.to(device)
        noisy, clean, correlation = (t.to(device) for t in (self.noisy, self.clean, self.correlation))
        return Batch(noisy=noisy, clean=clean, correlation=correlation, beside=beside)


def misjudged(recording: Recording, rng: np.random.Generator) -> PoissonGaussian:
    """Return the noise of a recording as an estimate would give it: some percent wrong."""
    level, tilt = np.exp(rng.normal(0, 0.05, 2))
    middle = float(recording.mean.mean())
    gain = recording.noise.gain * level * tilt
    constant = recording.noise.constant * level + (recording.noise.gain * level - gain) * middle
    return PoissonGaussian(gain=gain, constant=constant)


def example(light: Lights, rng: np.random.Generator) -> tuple[Lights, Lights, NDArray[np.float32]]:
    """Record patches of a scene with a random detector, and make the noise uniform.

    Parameters
    ----------
    light : ndarray, shape (Z, Y, X)
        Planes or frames, or just one.
    rng : Generator
        Source of the detector and the noise.

    Returns
    -------
    noisy, clean : ndarray, shape (Z, Y, X)
    correlation : ndarray, shape (len(LAGS),)
    """
    peak = PHOTONS[0] * (PHOTONS[1] / PHOTONS[0]) ** (rng.random() ** SKEW)
    if rng.random() < CLEAN:
        peak *= 10 ** rng.uniform(0, 3)
    photons = (light + rng.choice([0.0, 0.15, 0.5], p=[0.3, 0.6, 0.1]) * rng.random()) * peak
    recording = record(photons.reshape(-1, light.shape[-1]), random_detector(rng), rng)
    stabiliser = misjudged(recording, rng).stabiliser()
    told = np.array(recording.correlation) + rng.normal(0, 0.02, len(LAGS))
    return (
        stabiliser.forward(recording.noisy).astype(np.float32).reshape(light.shape),
        stabiliser.forward(recording.mean).astype(np.float32).reshape(light.shape),
        told.astype(np.float32),
    )


def seen(rng: np.random.Generator) -> list[int]:
    """Choose the plane to denoise of `DEEP` planes, and its neighbours: mostly the middle one and all others.

    Returns
    -------
    list of int
        The plane itself, then its neighbours in the order of `core.instant.reach.OFFSETS`.
    """
    if rng.random() >= ENDS:
        return [DEPTH, *beside(DEPTH, DEEP)]
    count = int(rng.integers(2, DEEP))
    first, index = int(rng.integers(DEEP - count + 1)), int(rng.integers(count))
    return [first + index, *(first + other for other in beside(index, count))]


def plane(seed: tuple[int, ...]) -> Lights:
    """Make a scene (1, Y, X)."""
    return scene(seed)[None]


def stack(seed: tuple[int, ...]) -> Lights:
    """Make a volume or a time lapse (`DEEP`, Y, X)."""
    return (volume if seed[-1] % 2 else time_lapse)(seed, DEEP)


@dataclass(slots=True)
class Pool:
    """Scenes to cut patches from; new ones come in slowly, and replace others when there are many.

    Attributes
    ----------
    make : callable
        Makes scenes (Z, Y, X) from a seed.
    seed : tuple of int
        Start of the seeds.
    first, most : int
        Scenes before the first patch, and scenes kept.
    every : int
        Patches between two new scenes.
    """

    make: Source
    seed: tuple[int, ...]
    first: int
    most: int
    every: int
    scenes: list[NDArray[np.float16]] = field(default_factory=list)
    made: int = 0
    asked: int = 0

    def patches(self, count: int, side: int, margin: int, rng: np.random.Generator) -> Iterator[Lights]:
        """Give patches (Z, Y, X) in any of eight orientations, with a margin around each."""
        while len(self.scenes) < self.first:
            self._add(rng)
        for _ in range(count):
            if self.asked % self.every == 0:
                self._add(rng)
            self.asked += 1
            light = self.scenes[rng.integers(len(self.scenes))]
            y, x = (rng.integers(n - side - 2 * margin + 1) for n in light.shape[1:])
            patch = light[:, y : y + side + 2 * margin, x : x + side + 2 * margin]
            patch = np.rot90(patch, int(rng.integers(4)), (1, 2))
            patch = patch[:, :, ::-1] if rng.random() < 0.5 else patch
            yield np.ascontiguousarray(patch, np.float32)

    def _add(self, rng: np.random.Generator) -> None:
        fresh = self.make((*self.seed, self.made)).astype(np.float16)
        self.made += 1
        if len(self.scenes) < self.most:
            self.scenes.append(fresh)
        else:
            self.scenes[rng.integers(self.most)] = fresh


class Examples(IterableDataset[Batch]):
    """Endless batches; every process that reads it draws its own scenes from its own seed."""

    def __init__(self, seed: int, batch: int, side: int) -> None:
        self.seed, self.batch, self.side = seed, batch, side

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker = info.id if info else 0
        rng = np.random.default_rng([self.seed, worker])
        planes = Pool(plane, (self.seed, worker), first=48, most=3000, every=32)
        stacks = Pool(stack, (self.seed, worker, 1), first=12, most=500, every=32)
        while True:
            yield self._stacks(stacks, rng) if rng.random() < STACKS else self._planes(planes, rng)

    def _planes(self, pool: Pool, rng: np.random.Generator) -> Batch:
        found = [example(patch, rng) for patch in pool.patches(self.batch, self.side, 0, rng)]
        noisy, clean, correlation = _together(found)
        return Batch(noisy=noisy, clean=clean, correlation=correlation)

    def _stacks(self, pool: Pool, rng: np.random.Generator) -> Batch:
        found = []
        for patch in pool.patches(self.batch, self.side, MARGIN, rng):
            order = seen(rng)
            low, high = min(order), max(order) + 1
            recorded, mean, told = example(patch[low:high], rng)
            inner = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
            chosen = np.stack([recorded[(index - low, *inner)] for index in order])
            found.append((chosen, mean[(slice(order[0] - low, order[0] - low + 1), *inner)], told))
        noisy, clean, correlation = _together(found)
        return Batch(noisy=noisy[:, :1], clean=clean, correlation=correlation, beside=noisy[:, 1:])


def _together(found: list[tuple[Lights, Lights, Lights]]) -> tuple[Tensor, Tensor, Tensor]:
    noisy, clean, correlation = (torch.from_numpy(np.stack(part)) for part in zip(*found, strict=True))
    return noisy, clean, correlation


def batches(seed: int, batch: int, side: int, workers: int) -> Iterator[Batch]:
    """Endless batches made by processes beside this one."""
    loader: DataLoader[Batch] = DataLoader(
        Examples(seed, batch, side), batch_size=None, num_workers=workers,
        worker_init_fn=_one_thread if workers else None, prefetch_factor=4 if workers else None,
    )  # fmt: skip
    return iter(loader)


def _one_thread(worker: int) -> None:  # noqa: ARG001
    torch.set_num_threads(1)
