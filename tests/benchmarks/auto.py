"""Automatic choice of the parameters of filters, compared with their defaults and with the truth.

``python -m tests.benchmarks auto [--sets ...] [--out FILE]`` chooses the parameters of each classic filter on
every recorded set by the estimated error, without a reference. It prints the PSNR with the default
parameters, with the chosen ones, and with the best ones according to the truth.
"""

from __future__ import annotations

import argparse
import itertools
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import params
from core.methods.apply import evaluate
from core.methods.base import Method
from core.quality.judge import Judge
from core.stack import Region, Stack
from core.work.compare import suitable
from core.work.tuning import tunable, tune
from tests.benchmarks._sets import SETS, Image, Set, score

SIDE = 384
"""Side of the central part that is filtered, in pixels."""

FRAMES = 4
"""Maximum number of frames of a set, for filters that average neighbouring frames."""


def recorded(names: list[str]) -> list[Set]:
    """Recorded sets with the truth of every frame."""
    return [one for one in SETS if (not names or one.name in names) and not one.name.startswith("simulated")]


def load(one: Set) -> tuple[Stack, Image, Region]:
    """Read the middle of a set; return it with the truth of a frame, and the region of that frame."""
    noisy, truths = one.read(0)
    y, x = ((n - min(n, SIDE)) // 2 for n in noisy.shape[-2:])
    part = np.s_[: FRAMES if one.still else 1, y : y + SIDE, x : x + SIDE]
    stack = one.stack(noisy[part])
    number = stack.sizes.get("T", 1) // 2
    at = {"T": number} if "T" in stack.axes else {}
    return stack, truths[part][number].astype(np.float64), stack.region(**at)


def psnr(one: Set, stack: Stack, truth: Image, region: Region, method: Method) -> float:
    """PSNR of a filter in dB."""
    pixels: NDArray[np.floating] = evaluate(stack, method, region)[0]
    return score(pixels.reshape(truth.shape), truth, one.measure)


def best(one: Set, stack: Stack, truth: Image, region: Region, method: Method) -> float:
    """Best PSNR in dB of all combinations of values that can be chosen."""
    chosen = tunable(method)
    grids = [[value for value in p.auto if p.le is None or value <= p.le] for p in chosen]
    found = -math.inf
    for values in itertools.product(*grids):
        given = dict(zip((p.name for p in chosen), values, strict=True))
        one_method = params.build(type(method), {**params.values(method), **given})
        found = max(found, psnr(one, stack, truth, region, one_method))
    return found


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks auto", description=__doc__)
    parser.add_argument("--sets", nargs="*", default=[], help="recorded sets; by default all")
    parser.add_argument("--out", type=Path, help="file for the table (Markdown)")
    given = parser.parse_args(arguments)
    lines = ["| set | filter | default | auto | best by truth | chosen |", "|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for one in recorded(given.sets):
        stack, truth, region = load(one)
        judge = Judge(stack, region=region)
        doubt = "" if judge.valid else f" ({', '.join(f.kind.code for f in judge.findings)})"
        for method in suitable(stack, "filter"):
            found = tune(method, judge).method
            usual, auto = (psnr(one, stack, truth, region, m) for m in (method, found))
            top = max(auto, best(one, stack, truth, region, method))
            brief = type(found).in_brief(params.values(found))
            lines.append(
                f"| {one.name}{doubt} | {method.label} | {usual:.2f} | {auto:.2f} | {top:.2f} | {brief} |"
            )
            print(lines[-1], flush=True)
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
