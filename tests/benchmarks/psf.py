"""How well the width of a PSF is recovered: from the pixels of simulated targets, and from simulated beads.

The target is a page of text, or another specimen, that nothing but a Gaussian blurs. Its camera has a read
noise of 1.5 photons; photons are those of bright pixels.
"""

from __future__ import annotations

import argparse

import numpy as np

from core.errors import QuietfieldError
from core.psf.estimate import estimate_sigma
from core.simulation.experiment import Simulation


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks psf", description=__doc__)
    parser.add_argument("--sigmas", nargs="+", type=float, default=[0.7, 1.0, 1.4, 2.0])
    parser.add_argument("--photons", nargs="+", type=float, default=[10, 30, 100])
    parser.add_argument("--specimens", nargs="+", default=["text"])
    parser.add_argument("--seeds", type=int, default=3, help="number of targets of each kind")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--frames", type=int, default=1)
    args = parser.parse_args(arguments)
    worst: dict[str, list[float]] = {}
    print("specimen          true sigma  photons   estimates (error)")
    for specimen in args.specimens:
        for sigma in args.sigmas:
            for photons in args.photons:
                words = []
                for seed in range(args.seeds):
                    found = _estimate(specimen, sigma, photons, seed, args)
                    error = found / sigma - 1
                    worst.setdefault(specimen, []).append(abs(error))
                    words.append(f"{found:.3f} ({error:+.0%})")
                print(f"{specimen:<18}{sigma:>9g}{photons:>9g}   {'   '.join(words)}", flush=True)
    for specimen, errors in worst.items():
        share = np.mean(np.array(errors) <= 0.1)
        middle, most = np.nanmedian(errors), np.nanmax(errors)
        print(f"{specimen}: {share:.0%} within 10 %, median error {middle:.1%}, largest {most:.1%}")


def _estimate(specimen: str, sigma: float, photons: float, seed: int, args: argparse.Namespace) -> float:
    made = Simulation(
        specimen=specimen, sigma=sigma, photons=photons, seed=100 + seed, size=args.size, planes=args.frames
    ).run()
    try:
        return estimate_sigma(made.noisy).sigma
    except QuietfieldError:
        return float("nan")
