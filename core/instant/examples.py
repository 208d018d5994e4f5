"""Examples to learn from: patches of simulated scenes, recorded, with the noise made uniform.

The network is to give the transform *of the mean*, not the mean of the transform, so that the
inverse transform is algebraic and without bias.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from core.noise.transform import Stabiliser
from core.simulation.detection import Recording, random_detector, record
from core.simulation.scenes import scene

PHOTONS = (0.3, 1500.0)
"""Range of the photons at the bright end of a scene."""

SKEW = 1.4
"""Above 1, few photons are drawn more often than many: they are harder to learn."""

CLEAN = 0.08
"""Share of examples with up to a thousand times more light, so that clean images are left as they are."""

POOL = 3000
"""Most scenes a process keeps; after that, new ones replace old ones."""

FIRST = 48
"""Scenes a process makes before its first batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Patches in units of the noise.

    Attributes
    ----------
    noisy, clean : Tensor, shape (N, 1, Y, X)
        Transform of the recorded image, and of its mean.
    correlation : Tensor, shape (N, 2)
        Correlation of the noise along Y and X as the network is told, a little wrong.
    """

    noisy: Tensor
    clean: Tensor
    correlation: Tensor


def stabilised(image: NDArray[np.float32], gain: float, constant: float) -> NDArray[np.float32]:
    """Transform an image whose noise has the variance ``gain * mean + constant`` to a variance of about 1."""
    return Stabiliser(gain=gain, constant=constant).forward(image).astype(np.float32)


def misjudged(recording: Recording, rng: np.random.Generator) -> tuple[float, float]:
    """Gain and constant of the noise as an estimate would give them: some percent wrong."""
    level, tilt = np.exp(rng.normal(0, 0.05, 2))
    middle = float(recording.mean.mean())
    gain = recording.gain * level * tilt
    constant = recording.constant * level + (recording.gain * level - gain) * middle
    return gain, constant


def example(
    light: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Record a patch of a scene with a random detector, and make the noise uniform.

    Returns
    -------
    noisy, clean : ndarray, shape (Y, X)
    correlation : ndarray of two floats
    """
    peak = PHOTONS[0] * (PHOTONS[1] / PHOTONS[0]) ** (rng.random() ** SKEW)
    if rng.random() < CLEAN:
        peak *= 10 ** rng.uniform(0, 3)
    photons = (light + rng.choice([0.0, 0.15, 0.5], p=[0.3, 0.6, 0.1]) * rng.random()) * peak
    recording = record(photons, random_detector(rng), rng)
    gain, constant = misjudged(recording, rng)
    told = np.array(recording.correlation) + rng.normal(0, 0.02, 2)
    return (
        stabilised(recording.noisy, gain, constant),
        stabilised(recording.mean, gain, constant),
        told.astype(np.float32),
    )


class Examples(IterableDataset[Batch]):
    """Endless batches; every process that reads it draws its own scenes from its own seed."""

    def __init__(self, seed: int, batch: int, side: int) -> None:
        self.seed, self.batch, self.side = seed, batch, side

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker = info.id if info else 0
        rng = np.random.default_rng([self.seed, worker])
        pool: list[NDArray[np.float16]] = []
        made = 0
        while True:
            while len(pool) < FIRST or made % 2 == 0:  # one new scene for every second batch
                fresh = scene((self.seed, worker, made)).astype(np.float16)
                made += 1
                if len(pool) < POOL:
                    pool.append(fresh)
                else:
                    pool[rng.integers(POOL)] = fresh
            made += 1
            yield self._batch(pool, rng)

    def _batch(self, pool: list[NDArray[np.float16]], rng: np.random.Generator) -> Batch:
        found = []
        for _ in range(self.batch):
            light = pool[rng.integers(len(pool))]
            y, x = (rng.integers(n - self.side + 1) for n in light.shape)
            patch = np.rot90(light[y : y + self.side, x : x + self.side], int(rng.integers(4)))
            patch = patch[:, ::-1] if rng.random() < 0.5 else patch
            found.append(example(np.ascontiguousarray(patch, np.float32), rng))
        noisy, clean, correlation = (torch.from_numpy(np.stack(part)) for part in zip(*found, strict=True))
        return Batch(noisy=noisy[:, None], clean=clean[:, None], correlation=correlation)


def batches(seed: int, batch: int, side: int, workers: int) -> Iterator[Batch]:
    """Endless batches made by processes of low priority beside this one."""
    loader: DataLoader[Batch] = DataLoader(
        Examples(seed, batch, side), batch_size=None, num_workers=workers,
        worker_init_fn=_yield_to_others if workers else None, prefetch_factor=8 if workers else None,
    )  # fmt: skip
    return iter(loader)


def _yield_to_others(worker: int) -> None:  # noqa: ARG001
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(19)
