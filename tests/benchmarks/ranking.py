"""Ranking of methods without a reference, compared with the truth.

``python -m tests.benchmarks ranking [--sets ...] [--seconds S] [--out FILE]`` runs filters of many sizes,
Instant of several strengths and, with ``--seconds``, trained networks on the first frame of every set. It
prints Spearman's rho between estimated and true error, and the decibels that the method with the smallest
estimate loses.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from scipy import ndimage
from scipy.stats import spearmanr
from skimage.registration import phase_cross_correlation

from core import catalogue
from core.methods.apply import apply
from core.methods.base import Bindable, Method
from core.noise.models import PoissonGaussian
from core.quality.judge import Judge
from core.quality.judgement import Judgement, better, possible_loss
from core.quality.recorruption import correlated
from core.stack import Stack
from tests.benchmarks._sets import SETS, Image
from tests.data import DATA

PHOTONS = (1, 3, 10, 30, 100, 300)
CORRELATED = 0.35
"""Correlation of neighbouring pixels in the simulated sets with correlated noise."""
SIDE = 384
"""Side of the central part that is compared, in pixels."""
CERTAIN = 1.96


class Scored(NamedTuple):
    """A method, its true error in units of the noise variance, and the estimate."""

    name: str
    true: float
    found: Judgement


def candidates() -> list[tuple[str, Method]]:
    """Methods without training: classic filters of several sizes, and Instant of several strengths."""
    create = catalogue.create
    found = [(f"gaussian {s}", create("gaussian", {"sigma": s})) for s in (0.5, 0.8, 1.2, 1.8, 2.6, 4.0)]
    found += [(f"box {n}", create("box", {"size": n})) for n in (3, 5, 9)]
    found += [(f"median {n}", create("median", {"size": n})) for n in (3, 5)]
    found += [(f"instant {s}", create("instant", {"strength": s})) for s in (0.3, 0.5, 0.8, 1.0)]
    return found


def trained(stack: Stack, names: list[str], seconds: float, preset: str) -> Iterator[tuple[str, Bindable]]:
    """Train networks on the noisy image."""
    from core.learning.base import Learned
    from core.learning.trainer import Trainer

    for name in names:
        cls = catalogue.find(name)
        if not issubclass(cls, Learned):
            raise SystemExit(f"{name} is not trained")
        values = {**cls.preset_values(preset), "seconds": seconds, "steps": 0, "seed": 0}
        trainer = Trainer(stack, catalogue.create(name, values), device="cpu", threads=1)
        for _ in trainer.run():
            pass
        yield name, trainer.model().prediction("cpu")


def simulated() -> Iterator[tuple[str, Image, Image]]:
    """Clean recorded images with the noise of a camera, white and correlated."""
    for channel in (0, 1):
        clean = tifffile.imread(DATA / "w2s" / f"clean_ch{channel}.tif").astype(np.float64)
        clean = clean.reshape(-1, *clean.shape[-2:])[0][:SIDE, :SIDE]
        clean = (clean - clean.min()) / np.quantile(clean, 0.995)
        for photons in PHOTONS:
            rng = np.random.default_rng([channel, photons])
            for read_noise in (0.0, 5.0):
                camera = PoissonGaussian.camera(gain=5.0, offset=100.0, read_noise=read_noise)
                truth = 100 + 5 * photons * clean
                noisy = np.rint(camera.sample(truth, rng))
                yield f"w2s-{channel}, {photons} photons, read noise {read_noise / 5:g}", noisy, truth
            line = np.array([CORRELATED**4, CORRELATED, 1.0, CORRELATED, CORRELATED**4])
            noise = correlated(np.outer(line, line), truth.shape, rng) * np.sqrt(camera.variance(truth))
            yield f"w2s-{channel}, {photons} photons, correlated", np.rint(truth + noise), truth


def recorded(names: list[str]) -> Iterator[tuple[str, Image, Image]]:
    """First frame of each recorded set, and its truth after registration and the best straight line.

    Some truths lie up to 0.7 pixels beside the frame, so that a blur seems to be better than it is.
    """
    for one in SETS:
        if (names and one.name not in names) or one.name.startswith("simulated"):
            continue
        noisy, truths = one.read(0)
        noise, truth = noisy[0].astype(np.float64), truths[0].astype(np.float64)
        shift = phase_cross_correlation(
            *(ndimage.gaussian_filter(image, 1.0) for image in (noise, truth)), upsample_factor=20
        )[0]
        truth = ndimage.shift(truth, shift, order=5, mode="reflect")
        name = one.name if not shift.any() else f"{one.name} (truth moved by {shift[0]:.2f}, {shift[1]:.2f})"
        noise, truth = _middle(noise), _middle(truth)
        blurred = [ndimage.gaussian_filter(image, 1.0).ravel() for image in (truth, noise)]
        slope, level = np.polyfit(*blurred, 1)
        yield name, noise, slope * truth + level


def _middle(image: Image) -> Image:
    y, x = ((n - min(n, SIDE)) // 2 for n in image.shape)
    return image[y : y + SIDE, x : x + SIDE]


def compare(
    noisy: Image, truth: Image, names: list[str], seconds: float, preset: str, draws: int
) -> tuple[Judge, list[Scored]]:
    """Estimate the error of all methods on an image, and measure the true one."""
    stack = Stack.of(noisy.astype(np.float32), "YX", name="noisy")
    judge = Judge(stack)
    scored = []
    methods: list[tuple[str, Bindable]] = list(candidates())
    if seconds:
        methods += trained(stack, names, seconds, preset)
    for name, method in methods:
        result = apply(stack, method)[0].read().astype(np.float64)
        true = float(np.mean((result - truth) ** 2)) / judge.noise
        scored.append(Scored(name, true, judge.judge(method, draws)))
    return judge, scored


def row(name: str, judge: Judge, scored: list[Scored]) -> str:
    """Return the line of a set in the table."""
    true = np.array([one.true for one in scored])
    found = np.array([one.found.share for one in scored])
    rho = spearmanr(true, found).statistic
    best, pick = int(true.argmin()), int(found.argmin())
    lost = 10 * math.log10(true[pick] / true[best])
    errors = np.array([one.found.share_error for one in scored])
    covered = float(np.mean(np.abs(found - true) <= CERTAIN * errors))
    wrong = sum(
        better(a.found, b.found) and a.true > b.true * 1.02 for a in scored for b in scored if a is not b
    )
    valid = "yes" if judge.valid else f"no ({', '.join(f.kind.code for f in judge.findings)})"
    chosen = scored[pick].found
    most = max(possible_loss(chosen, one.found) for one in scored if one.found is not chosen)
    levels = (f"{10 * math.log10(max(share, 1e-3)):.1f}" for share in (true[best], found[best]))
    return (
        f"| {name} | {valid} | {rho:.3f} | {scored[best].name} | {scored[pick].name} | {lost:.2f} "
        f"| {most:.2f} | {' / '.join(levels)} | {covered:.0%} | {wrong} |"
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks ranking", description=__doc__)
    parser.add_argument("--sets", nargs="*", default=[], help="recorded sets; by default all")
    parser.add_argument("--only", choices=["recorded", "simulated"], help="only one kind of sets")
    parser.add_argument("--methods", nargs="*", default=["n2v", "deconoising", "pn2v", "quietfield"])
    parser.add_argument("--seconds", type=float, default=0.0, help="training time; 0 for no networks")
    parser.add_argument("--preset", default="fast", help="preset of the networks")
    parser.add_argument("--draws", type=int, default=2, help="random draws for each method")
    parser.add_argument("--details", action="store_true", help="print all errors, true and estimated")
    parser.add_argument("--out", type=Path, help="file for the table (Markdown)")
    given = parser.parse_args(arguments)
    sets = [] if given.only == "simulated" else list(recorded(given.sets))
    sets += [] if given.only == "recorded" or given.sets else list(simulated())
    lines = [
        "| set | valid | rho | best | picked | dB lost | may lose, dB "
        "| error of the best over noise, true / estimated, dB | within the interval | wrong with certainty |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for name, noisy, truth in sets:
        judge, scored = compare(noisy, truth, given.methods, given.seconds, given.preset, given.draws)
        lines.append(row(name, judge, scored))
        print(lines[-1], flush=True)
        if given.details:
            print("   ", " ".join(f"{s.name}:{s.true:.3f}|{s.found.share:.3f}" for s in scored), flush=True)
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
