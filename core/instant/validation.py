"""How well a network denoises simulated scenes it never saw, against the best Gaussian blur."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from core.instant.examples import stabilised
from core.instant.network import InstantNetwork
from core.noise.transform import Stabiliser
from core.simulation.detection import Detector, Recording, record
from core.simulation.scenes import scene

LEVELS = (0.5, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Photons at the bright end."""

SEED = 987_654_321
"""Seed of the validation scenes; training counts from another one."""

SIGMAS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 6.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Mean PSNR in dB at one level of light; the range is the largest mean of each scene."""

    name: str
    raw: float
    gaussian: float
    network: float


def cases(scenes: int = 12, side: int = 128) -> list[tuple[str, list[Recording]]]:
    """Recordings of fixed scenes at each level of light, and of correlated noise at two."""
    return list(_cases(scenes, side))


@functools.lru_cache(maxsize=2)
def _cases(scenes: int, side: int) -> tuple[tuple[str, list[Recording]], ...]:
    lights = [scene((SEED, index), (side, side)) for index in range(scenes)]
    plain = Detector(read_noise=1.0)
    blurred = Detector(read_noise=1.0, smoothing=(0.7, 0.7))
    kinds = [(f"{level:g} photons", level, plain) for level in LEVELS]
    kinds += [(f"{level:g} photons, correlated", level, blurred) for level in (10.0, 100.0)]
    found = []
    for number, (name, level, detector) in enumerate(kinds):
        rng = np.random.default_rng([SEED, number])
        found.append(
            (name, [record((light.astype(np.float64) + 0.05) * level, detector, rng) for light in lights])
        )
    return tuple(found)


def evaluate(network: InstantNetwork, scenes: int = 12, side: int = 128) -> list[Row]:
    """Score a network on the validation scenes, the noise being known."""
    rows = []
    for name, recordings in cases(scenes, side):
        outputs = denoised(network, recordings)
        scores = [
            (
                psnr(r.noisy, r.mean),
                max(psnr(ndimage.gaussian_filter(r.noisy, s), r.mean) for s in SIGMAS),
                psnr(o, r.mean),
            )
            for r, o in zip(recordings, outputs, strict=True)
        ]
        raw, gaussian, ours = np.mean(scores, axis=0)
        rows.append(Row(name=name, raw=float(raw), gaussian=float(gaussian), network=float(ours)))
    return rows


def denoised(network: InstantNetwork, recordings: list[Recording]) -> NDArray[np.float32]:
    """Denoise recordings of one shape, whose noise is known."""
    device = next(network.parameters()).device
    given = np.stack([stabilised(r.noisy, r.gain, r.constant) for r in recordings])[:, None]
    told = torch.tensor([r.correlation for r in recordings], dtype=torch.float32, device=device)
    with torch.inference_mode():
        output = network(torch.from_numpy(given).to(device), told).cpu().numpy()[:, 0]
    counts = [
        Stabiliser(gain=r.gain, constant=r.constant).inverse(o)
        for r, o in zip(recordings, output, strict=True)
    ]
    return np.stack(counts).astype(np.float32)


def psnr(image: NDArray[np.float32], mean: NDArray[np.float32]) -> float:
    """PSNR in dB; its range is the largest mean."""
    return float(10 * np.log10(mean.max() ** 2 / np.mean((image - mean) ** 2)))
