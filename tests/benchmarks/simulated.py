"""Instant and every classic filter on simulated validation scenes, by light level.

PSNR in dB, range = brightest mean of each scene, the mean of all scenes. Of each filter the best of its sizes
counts, chosen with the truth for each scene; Instant is told the true noise.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from core.instant.denoiser import Denoiser
from core.instant.making.validation import SIGMAS, cases, psnr
from core.instant.weights import WEIGHTS, shipped
from core.methods.apply import evaluate
from core.noise.noise_estimate import LAGS, NoiseEstimate
from core.noise.survey import StackNoise
from core.simulation.detection import Recording
from core.stack import Stack

SIDES = (3, 5, 7, 9, 13)
"""Sides of the windows of box and median in pixels."""


def known(recording: Recording) -> NoiseEstimate:
    """The true noise of a recording, as if it had been estimated."""
    shared = np.zeros((7, 7))
    shared[3, 3] = 1.0
    for (y, x), told in zip(LAGS, recording.correlation, strict=True):
        shared[3 + y, 3 + x] = shared[3 + y, 3 - x] = told
    dark, mean = float(recording.mean.min()), float(recording.mean.mean())
    return NoiseEstimate(
        model=replace(recording.noise, floor=float(recording.noise.variance(dark))), dark=dark,
        gain_error=0.0, constant_error=0.0, mean=mean, autocorrelation=shared,
    )  # fmt: skip


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks simulated", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the networks")
    given = parser.parse_args(arguments)
    kinds = [(shipped(quality, given.weights), quality == "best") for quality in ("instant", "best")]
    titles = ("raw", "box", "median", "Gauss", "Instant", "best")
    print(f"{'light':<28}" + "".join(f"{title:>9}" for title in titles) + f"{'gains':>9}")
    for case in cases():
        if case.beside is not None:
            continue
        rows = []
        for r in case.recordings:
            stack, noise = Stack.of(r.noisy, "YX"), StackNoise(channels=(known(r),), each_plane=False)
            ours = (
                evaluate(stack, Denoiser(networks=networks, noise=noise, eightfold=eightfold))[0]
                for networks, eightfold in kinds
            )
            rows.append((
                psnr(r.noisy, r.mean),
                max(psnr(ndimage.uniform_filter(r.noisy, side), r.mean) for side in SIDES),
                max(psnr(ndimage.median_filter(r.noisy, side), r.mean) for side in SIDES),
                max(psnr(ndimage.gaussian_filter(r.noisy, sigma), r.mean) for sigma in SIGMAS),
                *(psnr(image, r.mean) for image in ours),
            ))  # fmt: skip
        found = np.mean(rows, axis=0)
        gains = found[-2:] - found[:-2].max()
        told = "".join(f"{one:9.2f}" for one in found) + "".join(f"{gain:+9.2f}" for gain in gains)
        print(f"{case.name:<28}{told}", flush=True)
