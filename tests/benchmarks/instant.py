"""Instant on recorded images, compared with the raw image and the best Gaussian blur.

Single frames in. W2S: affine PSNR (least-squares a x + b onto the reference first), range of the
reference; the others: PSNR with range 255, or max - min of the reference where said. The Gaussian is
the best of seven for each frame, chosen with the truth. Every frame's noise is measured by itself.

The single frames of confocal BPAE lie half a pixel and more beside their truth, which is a mean over many
frames between which the stage drifted: a blurred image scores better for being blurred. Where it says
registered, the truth is moved onto the noisy frame first (whole image, cross-correlation to a fiftieth of
a pixel, of the noisy frame: no denoised one has a say), and the outermost pixels are left out. Where it says
together, the noise is measured once, of all frames as the stack that they are.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from core.instant.denoiser import Denoiser
from core.instant.weights import WEIGHTS, shipped
from core.methods.apply import evaluate
from core.noise.survey import Survey
from core.stack import Stack
from tests.data import DATA

Image = NDArray[np.float64]

SETS: tuple[tuple[str, str, str], ...] = (
    *((f"W2S channel {c}", f"w2s/{{}}_ch{c}.tif", "affine") for c in range(3)),
    ("confocal mice, 4 frames", "fmd/confocal_mice_4frames_{}.tif", "255"),
    ("confocal mice", "fmd/confocal_mice_{}.tif", "255"),
    ("confocal fish", "fmd/confocal_fish_{}.tif", "255"),
    ("confocal fish", "fmd/confocal_fish_{}.tif", "range"),
    *((f"confocal BPAE {c}", f"fmd/confocal_BPAE_{c}_{{}}.tif", "255") for c in "BGR"),
    *((f"confocal BPAE {c}, registered", f"fmd/confocal_BPAE_{c}_{{}}.tif", "255") for c in "BGR"),
    ("two-photon BPAE G", "fmd/twophoton_bpae_g_4frames_{}.tif", "255"),
    ("widefield BPAE G", "fmd/widefield_bpae_g_4frames_{}.tif", "255"),
    ("widefield BPAE G, together", "fmd/widefield_bpae_g_4frames_{}.tif", "255"),
    ("bacteria", "pairs16/bacteria_{}.tif", "range"),
)
EDGE = 8
"""Pixels at the borders that a moved truth says nothing of."""

SIGMAS = (0.7, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0)


def score(image: Image, truth: Image, kind: str) -> float:
    if kind == "affine":
        slope, level = np.polyfit(image.ravel(), truth.ravel(), 1)
        image = slope * image + level
    span = 255.0 if kind == "255" else float(np.ptp(truth))
    return float(10 * np.log10(span**2 / np.mean((image - truth) ** 2)))


def read(name: str, frames: int) -> tuple[NDArray[np.generic], Image]:
    """Noisy frames (N, Y, X), and the truth of each."""
    noisy = tifffile.imread(DATA / name.format("noisy"))
    noisy = noisy.reshape(-1, *noisy.shape[-2:])[:frames]
    truth = tifffile.imread(DATA / name.format("clean")).astype(np.float64)
    truth = truth.reshape(-1, *truth.shape[-2:])[:frames]
    return noisy, np.broadcast_to(truth, noisy.shape)


def registered(frame: Image, truth: Image) -> Image:
    """Ground truth registered to a noisy frame."""
    shift, *_ = phase_cross_correlation(frame, truth, upsample_factor=50, normalization=None)
    moved: Image = np.fft.ifftn(ndimage.fourier_shift(np.fft.fftn(truth), shift)).real
    return moved


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks instant", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the networks")
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--quality", choices=["instant", "best"], default="instant")
    parser.add_argument("--only", default="", help="only sets whose name contains this")
    given = parser.parse_args(arguments)
    networks = shipped(given.quality, given.weights)
    print(f"{'set':<28}{'measure':>8}{'raw':>8}{'Gauss':>8}{'Instant':>9}{'gain':>7}{'s/frame':>9}  noise")
    for name, files, kind in SETS:
        if given.only not in name:
            continue
        noisy, truths = read(files, given.frames)
        rows, seconds = [], 0.0
        for frame, truth in zip(noisy, truths, strict=True):
            began = time.perf_counter()
            stack = Stack.of(frame, "YX")
            known = Stack.of(noisy, "TYX") if name.endswith("together") else stack
            noise = Survey.of(known).noise()
            operation = Denoiser(networks=networks, noise=noise, eightfold=given.quality == "best")
            denoised = evaluate(stack, operation)[0].astype(np.float64)
            seconds += time.perf_counter() - began
            image = frame.astype(np.float64)
            if name.endswith("registered"):
                truth = registered(image, truth)[EDGE:-EDGE, EDGE:-EDGE]
                image, denoised = (one[EDGE:-EDGE, EDGE:-EDGE] for one in (image, denoised))
            gaussian = max(score(ndimage.gaussian_filter(image, s), truth, kind) for s in SIGMAS)
            rows.append((score(image, truth, kind), gaussian, score(denoised, truth, kind)))
        raw, gaussian, ours = np.mean(rows, axis=0)
        one = noise.channels[0]
        deviation = float(one.model.variance(one.mean)) ** 0.5
        print(
            f"{name:<28}{kind:>8}{raw:8.2f}{gaussian:8.2f}{ours:9.2f}{ours - gaussian:+7.2f}"
            f"{seconds / len(noisy):9.2f}  gain {one.model.gain:.3g}, at mean {deviation:.3g}, correlation "
            f"{one.correlation_y:.2f} {one.correlation_x:.2f} {one.problem.code if one.problem else ''}",
            flush=True,
        )
