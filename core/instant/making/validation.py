"""Validate a network on simulated scenes that were not used for training, against the best Gaussian blur."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from core.instant.constants import DEPTH, beside
from core.instant.making.examples import DEEP
from core.instant.network import InstantNetwork
from core.simulation.detection import Detector, Recording, record
from core.simulation.scenes import scene
from core.simulation.sequences import time_lapse, volume

LEVELS = (0.5, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Photons in the brightest pixels."""

SEED = 987_654_321
"""Seed of the validation scenes; training uses other seeds."""

GROUND = 0.05
"""Background light, as a fraction of the brightest pixels."""

Maker = Callable[[tuple[int, ...], int, tuple[int, int]], NDArray[np.float32]]

SIGMAS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 6.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Performance on one kind of recordings.

    Attributes
    ----------
    name : str
        Kind of recordings.
    raw, gaussian, network : float
        Mean PSNR in dB of the recorded images, of the best Gaussian blur of each, and of the network;
        the range is the largest mean of each scene.
    doubt : float
        Ratio of predicted to actual squared error, in dB; 0 if they are equal.
    """

    name: str
    raw: float
    gaussian: float
    network: float
    doubt: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """Recordings for validation.

    Attributes
    ----------
    name : str
        Kind of recordings.
    recordings : tuple of Recording
        All with the same shape (Y, X).
    beside : tuple of ndarray, shape (len(OFFSETS), Y, X), or None
        Neighbouring planes or frames of each recording, as recorded.
    """

    name: str
    recordings: tuple[Recording, ...]
    beside: tuple[NDArray[np.float32], ...] | None = None

    @functools.cached_property
    def simple(self) -> tuple[float, float]:
        """Mean PSNR in dB of the recordings, and of the best Gaussian blur of each."""
        raw = [psnr(r.noisy, r.mean) for r in self.recordings]
        best = [
            max(psnr(ndimage.gaussian_filter(r.noisy, sigma), r.mean) for sigma in SIGMAS)
            for r in self.recordings
        ]
        return float(np.mean(raw)), float(np.mean(best))


@functools.lru_cache(maxsize=2)
def cases(scenes: int = 12, side: int = 128) -> tuple[Case, ...]:
    """Return recordings of fixed scenes at each light level, some with correlated noise, some of stacks."""
    lights = [scene((SEED, index), (side, side)) for index in range(scenes)]
    plain = Detector(read_noise=1.0)
    blurred = Detector(read_noise=1.0, smoothing=(0.7, 0.7))
    kinds = [(f"{level:g} photons", level, plain) for level in LEVELS]
    kinds += [(f"{level:g} photons, correlated", level, blurred) for level in (10.0, 100.0)]
    found = []
    for number, (name, level, detector) in enumerate(kinds):
        rng = np.random.default_rng([SEED, number])
        recordings = tuple(
            record((light.astype(np.float64) + GROUND) * level, detector, rng) for light in lights
        )
        found.append(Case(name=name, recordings=recordings))
    makers: tuple[tuple[str, Maker], ...] = (("volume", volume), ("time lapse", time_lapse))
    for number, (name, make) in enumerate(makers):
        rng = np.random.default_rng([SEED, 100 + number])
        stacks = [make((SEED, index), DEEP, (side, side)).astype(np.float64) for index in range(scenes)]
        found += _stacks(f"10 photons, {name}", [(light + GROUND) * 10 for light in stacks], plain, rng)
    return tuple(found)


def _stacks(
    name: str, stacks: Sequence[NDArray[np.float64]], detector: Detector, rng: np.random.Generator
) -> tuple[Case, Case]:
    """Return middle planes of stacks (Z, Y, X) in photons, without and with neighbouring planes."""
    middles, others = [], []
    for photons in stacks:
        whole = record(photons.reshape(-1, photons.shape[-1]), detector, rng)
        noisy = whole.noisy.reshape(photons.shape)
        mean = whole.mean.reshape(photons.shape)[DEPTH]
        middles.append(replace(whole, noisy=noisy[DEPTH], mean=mean))
        others.append(noisy[list(beside(DEPTH, DEEP))])
    return (
        Case(name=f"{name}, alone", recordings=tuple(middles)),
        Case(name=f"{name}, with neighbours", recordings=tuple(middles), beside=tuple(others)),
    )


def evaluate(network: InstantNetwork, scenes: int = 12, side: int = 128) -> list[Row]:
    """Evaluate a network on the validation scenes with known noise."""
    rows = []
    for case in cases(scenes, side):
        outputs, expected = denoise(network, case)
        scores = [
            (psnr(o, r.mean), 10 * np.log10(np.mean(e**2) / np.mean((o - r.mean) ** 2)))
            for r, o, e in zip(case.recordings, outputs, expected, strict=True)
        ]
        ours, doubt = map(float, np.mean(scores, axis=0))
        raw, gaussian = case.simple
        rows.append(Row(name=case.name, raw=raw, gaussian=gaussian, network=ours, doubt=doubt))
    return rows


def denoise(network: InstantNetwork, case: Case) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Denoise recordings with known noise.

    Returns
    -------
    tuple of two ndarray, shape (N, Y, X)
        Denoised images, and their predicted errors, both in the counts of the recordings.
    """
    device = next(network.parameters()).device
    known = case.recordings

    def given(images: Sequence[NDArray[np.float32]]) -> torch.Tensor:
        uniform = [r.noise.stabiliser().forward(i) for i, r in zip(images, known, strict=True)]
        return torch.from_numpy(np.stack(uniform).astype(np.float32)).to(device)

    correlations = torch.tensor([r.correlation for r in known], dtype=torch.float32, device=device)
    with torch.inference_mode():
        others = None if case.beside is None else given(case.beside)
        output = network(given([r.noisy for r in known])[:, None], correlations, others)
    assert output.log_variance is not None
    images, errors = [], []
    values, logs = output.denoised.cpu().numpy()[:, 0], output.log_variance.cpu().numpy()[:, 0]
    for r, value, log in zip(known, values, logs, strict=True):
        stabiliser = r.noise.stabiliser()
        images.append(stabiliser.inverse(value))
        errors.append(stabiliser.error(value, np.exp(0.5 * log)))
    return np.stack(images).astype(np.float32), np.stack(errors).astype(np.float32)


def psnr(image: NDArray[np.float32], mean: NDArray[np.float32]) -> float:
    """Return the PSNR in dB; the range is the largest mean."""
    return float(10 * np.log10(mean.max() ** 2 / np.mean((image - mean) ** 2)))
