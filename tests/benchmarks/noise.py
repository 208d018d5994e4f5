"""Accuracy of the noise report and of calibrations over simulated cameras, as tables.

Every line is a camera at a light level, with its error relative to the truth: the median and the largest of
all scenes, where the report says that it knows the value, and how often it does. The last table has the
correlation of neighbouring pixels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.noise.calibrating import calibrate
from core.noise.models import PoissonGaussian
from core.noise.report import report_noise
from core.noise.report.values import Quantity
from core.simulation.detection import Detector, record
from core.simulation.scenes import scene
from core.stack import Stack

CAMERAS = {
    "CCD": (0.8, 200.0, 6.0), "sCMOS": (2.2, 100.0, 1.4), "sCMOS, high gain": (8.0, 100.0, 1.0),
    "12-bit": (0.25, 100.0, 2.5),
}  # fmt: skip
"""Counts per photon, counts without light, and read noise in photons."""

PHOTONS = (3, 10, 30, 100, 300)
SIZE = 256
KERNELS = ((0.1, 0.8, 0.1), (0.2, 0.6, 0.2), (0.25, 0.5, 0.25), (0.05, 0.2, 0.75, 0.0, 0.0))

Image = NDArray[np.float64]


def recorded(light: Image, frames: int, camera: tuple[float, float, float], seed: int) -> Stack:
    """Record frames of a scene given in photons."""
    gain, offset, read = camera
    model = PoissonGaussian.camera(gain=gain, offset=offset, read_noise=gain * read)
    mean = np.repeat(offset + gain * light[None], frames, axis=0)
    counts = np.rint(model.sample(mean, np.random.default_rng([seed, frames])))
    return Stack.of(np.clip(counts, 0, 65535).astype(np.uint16), "TYX")


def errors(pairs: list[tuple[Quantity, float]]) -> str:
    """Return the median and largest relative error of known values, and how many are known."""
    known = [abs(q.value / truth - 1) for q, truth in pairs if q.known and q.value is not None]
    share = f"{len(known):3d}/{len(pairs)}"
    return f"{np.median(known):7.1%}{max(known):7.1%} {share}" if known else f"{'–':>7}{'–':>7} {share}"


def table(name: str, make: Callable[[str, int, int], list[tuple[Quantity, float]]], seeds: int) -> None:
    """Print gain, offset and read noise for each camera and light level."""
    print(f"\n{name}\n{'':<18}{'photons':>8}" + "".join(f"{t:>22}" for t in ("gain", "offset", "read noise")))
    for camera in CAMERAS:
        for photons in PHOTONS:
            found = [make(camera, photons, seed) for seed in range(seeds)]
            columns = (errors([one[n] for one in found]) for n in range(3))
            print(f"{camera:<18}{photons:>8}" + "".join(f"{one:>22}" for one in columns), flush=True)


def main(arguments: list[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks noise", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="scenes for each camera and light level")
    given = parser.parse_args(arguments)
    scenes = [scene(seed, (SIZE, SIZE)).astype(np.float64) for seed in range(given.seeds)]

    def truth(camera: str) -> tuple[float, float, float]:
        gain, offset, read = CAMERAS[camera]
        return gain, offset, float(np.hypot(gain * read, 12**-0.5))

    def measured(frames: int) -> Callable[[str, int, int], list[tuple[Quantity, float]]]:
        def make(camera: str, photons: int, seed: int) -> list[tuple[Quantity, float]]:
            stack = recorded(photons * scenes[seed], frames, CAMERAS[camera], seed)
            found = report_noise(stack).channels[0].camera
            return list(zip((found.gain, found.offset, found.read_noise), truth(camera), strict=True))

        return make

    def calibrated(camera: str, photons: int, seed: int) -> list[tuple[Quantity, float]]:
        y, x = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
        dark = recorded(np.zeros((SIZE, SIZE)), 10, CAMERAS[camera], seed)
        flat = recorded(photons * (1 - x**2 - y**2), 10, CAMERAS[camera], seed + 100)
        made = calibrate("a", dark=dark, flat=flat)
        values = made.gain, made.offset, made.read_noise
        return [(Quantity(value=v, known=True), t) for v, t in zip(values, truth(camera), strict=True)]

    table("One frame", measured(1), given.seeds)
    table("Six frames of one scene", measured(6), given.seeds)
    table("Calibration: ten dark and ten flat frames", calibrated, given.seeds)
    print("\nCorrelation of neighbouring pixels along rows at 30 photons: largest error of all scenes")
    for kernel in KERNELS:
        found = {1: [0.0], 6: [0.0]}
        for seed, light in enumerate(scenes):
            for frames in found:
                detector = Detector(read_noise=1.4, levels=65536, step=4.0, dark=100.0, kernels=((), kernel))
                rng = np.random.default_rng([seed, frames])
                made = [record(30 * light + 3, detector, rng) for _ in range(frames)]
                stack = Stack.of(np.stack([one.noisy for one in made]), "TYX")
                along = report_noise(stack).channels[0].pattern.along_x[0]
                found[frames].append(abs(along - made[0].correlation[1]))
        told = ", ".join(f"{frames} frames {max(values):.3f}" for frames, values in found.items())
        print(f"{made[0].correlation[1]:.2f}: {told}", flush=True)
