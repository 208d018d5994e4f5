"""Training examples: recorded patches of simulated scenes with uniform noise.

The target is the transform *of the mean*, not the mean of the transform, so that the inverse transform is
algebraic and unbiased. Some batches are volumes and time lapses, and include the neighbouring planes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from core.instant.constants import DEPTH, beside
from core.instant.making.detectors import random_detector
from core.noise.models import PoissonGaussian
from core.noise.noise_estimate import LAGS
from core.simulation.detection import Recording, record
from core.simulation.scenes import scene
from core.simulation.sequences import time_lapse, volume

PHOTONS = (0.3, 1500.0)
"""Range of photons in the brightest pixels of a scene."""

SKEW = 1.6
"""Skew of the photon distribution: above 1, low photon counts, which are harder, are drawn more often."""

CLEAN = 0.08
"""Fraction of examples with up to a thousand times more light, so that clean images stay unchanged."""

STACKS = 0.25
"""Fraction of batches with neighbouring planes."""

ENDS = 0.25
"""Fraction of these examples that lie at an end of a stack, or in a short stack."""

DEEP = 2 * DEPTH + 1
"""Planes of a simulated volume or time lapse."""

SCENES = 48
"""Scenes simulated before the first batch."""

MARGIN = 6
"""Border of a plane, in pixels, that is recorded and cropped, so that filters do not mix planes."""

Lights = NDArray[np.float32]
Source = Callable[[tuple[int, ...]], Lights]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Patches with noise of unit variance.

    Attributes
    ----------
    noisy, clean : Tensor, shape (N, 1, Y, X)
        Transform of the recorded image, and of its mean.
    correlation : Tensor, shape (N, len(LAGS))
        Correlation of the noise at `LAGS`, with a small error as input of the network.
    beside : Tensor, shape (N, len(OFFSETS), Y, X), or None
        Transforms of the neighbouring planes or frames.
    """

    noisy: Tensor
    clean: Tensor
    correlation: Tensor
    beside: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Return the patches on a device."""
        beside = None if self.beside is None else self.beside.to(device)
        noisy, clean, correlation = (t.to(device) for t in (self.noisy, self.clean, self.correlation))
        return Batch(noisy=noisy, clean=clean, correlation=correlation, beside=beside)


def misjudge(recording: Recording, rng: np.random.Generator) -> PoissonGaussian:
    """Return the noise of a recording with the errors of an estimate, a few percent."""
    level, tilt = np.exp(rng.normal(0, 0.05, 2))
    middle = float(recording.mean.mean())
    gain = recording.noise.gain * level * tilt
    constant = recording.noise.constant * level + (recording.noise.gain * level - gain) * middle
    return PoissonGaussian(gain=gain, constant=constant)


def example(light: Lights, rng: np.random.Generator) -> tuple[Lights, Lights, NDArray[np.float32]]:
    """Record patches of a scene with a random detector, and transform them to uniform noise.

    Parameters
    ----------
    light : ndarray, shape (Z, Y, X)
        Planes or frames, or a single one.
    rng : Generator
        Source of the detector and the noise.

    Returns
    -------
    noisy, clean : ndarray, shape (Z, Y, X)
        Transform of the recorded planes, and of their means.
    correlation : ndarray, shape (len(LAGS),)
        Correlation of the noise, with the errors of an estimate.
    """
    peak = PHOTONS[0] * (PHOTONS[1] / PHOTONS[0]) ** (rng.random() ** SKEW)
    if rng.random() < CLEAN:
        peak *= 10 ** rng.uniform(0, 3)
    photons = (light + rng.choice([0.0, 0.15, 0.5], p=[0.3, 0.6, 0.1]) * rng.random()) * peak
    recording = record(photons.reshape(-1, light.shape[-1]), random_detector(rng), rng)
    stabiliser = misjudge(recording, rng).stabiliser()
    correlations = np.array(recording.correlation) + rng.normal(0, 0.02, len(LAGS))
    return (
        stabiliser.forward(recording.noisy).astype(np.float32).reshape(light.shape),
        stabiliser.forward(recording.mean).astype(np.float32).reshape(light.shape),
        correlations.astype(np.float32),
    )


def choose_planes(rng: np.random.Generator) -> list[int]:
    """Return the index of the plane to denoise, of `DEEP` planes, and of its neighbours.

    Mostly it is the middle plane with all others as neighbours.

    Returns
    -------
    list of int
        The plane, then its neighbours in the order of `core.instant.constants.OFFSETS`.
    """
    if rng.random() >= ENDS:
        return [DEPTH, *beside(DEPTH, DEEP)]
    count = int(rng.integers(2, DEEP))
    first, index = int(rng.integers(DEEP - count + 1)), int(rng.integers(count))
    return [first + index, *(first + other for other in beside(index, count))]


def plane(seed: tuple[int, ...]) -> Lights:
    """Return a scene (1, Y, X)."""
    return scene(seed)[None]


def stack(seed: tuple[int, ...]) -> Lights:
    """Return a volume or a time lapse (`DEEP`, Y, X)."""
    return (volume if seed[-1] % 2 else time_lapse)(seed, DEEP)


@dataclass(slots=True)
class Pool:
    """A pool of scenes from which patches are cropped; new scenes are added slowly and replace old ones.

    Attributes
    ----------
    make : callable
        Returns a scene (Z, Y, X) for a seed.
    seed : tuple of int
        Start of the seeds.
    first, most : int
        Number of scenes before the first patch, and maximum number of scenes.
    every : int
        Number of patches between two new scenes.
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
        """Yield patches (Z, Y, X) in one of eight orientations, with a margin around each."""
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
    """Infinite batches; every reading process draws its own scenes from its own seed.

    Parameters
    ----------
    seed : int
        Seed of scenes and noise.
    batch, side : int
        Patches per batch, and their side in pixels.
    scenes : int
        Scenes to simulate before the first batch of planes; a quarter of that before the first of stacks.
    """

    def __init__(self, seed: int, batch: int, side: int, scenes: int = SCENES) -> None:
        self.seed, self.batch, self.side, self.scenes = seed, batch, side, scenes

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker = info.id if info else 0
        rng = np.random.default_rng([self.seed, worker])
        planes = Pool(plane, (self.seed, worker), first=self.scenes, most=3000, every=32)
        stacks = Pool(stack, (self.seed, worker, 1), first=-(-self.scenes // 4), most=500, every=32)
        while True:
            yield self._stacks(stacks, rng) if rng.random() < STACKS else self._planes(planes, rng)

    def _planes(self, pool: Pool, rng: np.random.Generator) -> Batch:
        found = [example(patch, rng) for patch in pool.patches(self.batch, self.side, 0, rng)]
        noisy, clean, correlation = _together(found)
        return Batch(noisy=noisy, clean=clean, correlation=correlation)

    def _stacks(self, pool: Pool, rng: np.random.Generator) -> Batch:
        found = []
        for patch in pool.patches(self.batch, self.side, MARGIN, rng):
            order = choose_planes(rng)
            low, high = min(order), max(order) + 1
            recorded, mean, correlations = example(patch[low:high], rng)
            inner = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
            chosen = np.stack([recorded[(index - low, *inner)] for index in order])
            found.append((chosen, mean[(slice(order[0] - low, order[0] - low + 1), *inner)], correlations))
        noisy, clean, correlation = _together(found)
        return Batch(noisy=noisy[:, :1], clean=clean, correlation=correlation, beside=noisy[:, 1:])


def _together(found: list[tuple[Lights, Lights, Lights]]) -> tuple[Tensor, Tensor, Tensor]:
    noisy, clean, correlation = (torch.from_numpy(np.stack(part)) for part in zip(*found, strict=True))
    return noisy, clean, correlation


def batches(examples: Examples, workers: int) -> Iterator[Batch]:
    """Yield infinite batches made by worker processes."""
    loader: DataLoader[Batch] = DataLoader(
        examples, batch_size=None, num_workers=workers,
        worker_init_fn=_one_thread if workers else None, prefetch_factor=4 if workers else None,
    )  # fmt: skip
    return iter(loader)


def _one_thread(worker: int) -> None:  # noqa: ARG001
    torch.set_num_threads(1)
