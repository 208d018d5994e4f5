"""Compare networks for planes and for volumes on simulated volumes, after the same time.

``python -m tests.benchmarks volumes --seconds 60 --seeds 2``
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.learning.base import Learned
from core.learning.methods import DecoNoising, Noise2Void
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.optics import convolve
from core.params import build
from core.psf import gaussian
from core.psf.convolution import convolve_volume
from core.simulation.depth import Body, Ellipsoids, Points, Surface
from core.stack import Metadata, Stack

SHAPE = (32, 128, 128)
PSF = gaussian(1.5, 1.3, 1.3)
DARK = 100.0
"""Offset of the camera in counts."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A simulated volume: the noisy stack, its signal, and the phantom before the PSF."""

    stack: Stack
    signal: NDArray[np.float32]
    phantom: NDArray[np.float32]


def simulated(seed: int, photons: float) -> Volume:
    """Return a volume of filaments or puncta, ellipsoids and a surface, blurred by `PSF`."""
    rng = np.random.default_rng(seed)
    depth, height, width = SHAPE
    bodies: list[Body] = [
        Points((height, width), depth / 3, rng),
        Ellipsoids((height, width), depth / 3, 5.0, rng),
        Surface(convolve(rng.random((height, width)), 2.0), depth / 3, rng),
    ]
    depths = (np.arange(depth) - (depth - 1) / 2) / 3
    parts = []
    for body in bodies:
        light = np.stack([body.at(float(z)) for z in depths])
        parts.append(light / max(float(np.quantile(light, 0.999)), 1e-9))
    phantom = np.sum(parts, 0).astype(np.float32)
    signal = convolve_volume(phantom, PSF).clip(0)
    scale = photons / float(np.quantile(signal, 0.99))
    phantom, signal = phantom * scale, signal * scale
    noisy = rng.poisson(signal + 0.5) + rng.normal(DARK, 1.0, SHAPE)
    known = Metadata(name="volume", spacing={"Z": 0.2, "Y": 0.1, "X": 0.1})
    return Volume(stack=Stack.of(noisy.astype(np.float32), "ZYX", known), signal=signal, phantom=phantom)


def contenders(seconds: float) -> Iterator[tuple[str, Learned]]:
    """Yield the methods with their names in the table."""
    kinds: list[tuple[str, type[Learned], str, dict[str, Any]]] = [
        ("Noise2Void, planes", Noise2Void, "fast", {}),
        ("Noise2Void, planes with neighbours along Z", Noise2Void, "fast", {"neighbours": "Z"}),
        ("Noise2Void, volumes", Noise2Void, "volume", {}),
        ("DecoNoising, planes, PSF in focus", DecoNoising, "fast", {"psf": PSF.text}),
        ("DecoNoising, volumes, PSF in focus", DecoNoising, "volume", {"psf": PSF.plane.text}),
        ("DecoNoising, volumes, whole PSF", DecoNoising, "volume", {"psf": PSF.text}),
    ]
    for label, cls, preset, more in kinds:
        if cls is DecoNoising:
            more |= {"positivity": 1.0, "estimate_offset": False, "offset": DARK}
        yield label, build(cls, {**cls.preset_values(preset), **more, "seconds": seconds, "steps": 0})


def fitted_psnr(image: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """Return the PSNR in dB after the best linear fit of the image; the range is that of the truth."""
    design = np.stack([image.ravel().astype(float), np.ones(image.size)], 1)
    best = design @ np.linalg.lstsq(design, truth.ravel().astype(float), rcond=None)[0]
    return float(10 * np.log10(np.ptp(truth) ** 2 / np.square(best - truth.ravel()).mean()))


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="volumes", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--photons", type=float, default=10.0)
    parser.add_argument("--only", default="", help="part of the names of the methods")
    given = parser.parse_args(arguments)
    print("| method | steps | denoised | deconvolved |\n|---|---|---|---|", flush=True)
    for label, method in contenders(given.seconds):
        if given.only not in label:
            continue
        steps, found = [], []
        for seed in range(given.seeds):
            volume = simulated(seed, given.photons)
            trainer = Trainer(volume.stack, replace(method, seed=seed), device="cpu", threads=1)
            for report in trainer.run():
                steps.append(report.step)
            images = evaluate(volume.stack, trainer.model().prediction("cpu"))
            truths = (volume.signal, smooth_phantom(volume.phantom))[: len(images)]
            found.append([fitted_psnr(i, t) for i, t in zip(images, truths, strict=True)])
        columns = [" ".join(f"{row[at]:.2f}" for row in found) for at in range(len(found[0]))]
        columns += ["-"] * (2 - len(columns))
        print(f"| {label} | {max(steps)} | {columns[0]} | {columns[1]} |", flush=True)
    volumes = [simulated(seed, given.photons) for seed in range(given.seeds)]
    raw = [f"{fitted_psnr(volume.stack.read(), volume.signal):.2f}" for volume in volumes]
    print(f"| raw | - | {' '.join(raw)} | - |")


def smooth_phantom(phantom: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the phantom at the resolution of the pixels (sigma 0.5), to which deconvolution is compared."""
    return convolve_volume(phantom, gaussian(0.5, 0.5, 0.5))
