"""Classic filters of Quietfield against scipy.ndimage on the same stack, in one run.

Both do the same work on each turn, alternately, so that other load on the machine meets both;
the table shows medians. On one thread (ours: the filter as one block) processor time is compared,
which other load changes little; ours on all threads, which is what `apply` does, is compared
with scipy by the clock. scipy gets float32 for mean and Gaussian, as it would otherwise round,
and the camera's own type for the median.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from core.catalogue import create
from core.methods.apply import _processors, apply
from core.methods.base import Block, BlockMethod
from core.progress import Context
from core.stack import Stack

CASES: list[tuple[str, dict[str, Any]]] = [
    ("box", {"size": 3}),
    ("box", {"size": 5}),
    ("box", {"size": 31}),
    ("gaussian", {"sigma": 1.0}),
    ("gaussian", {"sigma": 1.5}),
    ("gaussian", {"sigma": 5.0}),
    ("box-3d", {"size": 5, "depth": 5}),
    ("gaussian-3d", {"sigma": 1.5, "depth": 1.5}),
    ("box-3d", {"depth": 5, "axes": "T"}),
    ("median", {"size": 3}),
    ("median", {"size": 5}),
    ("median", {"size": 7}),
    ("median-3d", {"depth": 5, "axes": "T"}),
    ("median-3d", {"size": 3, "depth": 3}),
    ("median-3d", {"size": 5, "depth": 3}),
    ("median-3d", {"size": 5, "depth": 5}),
]


def scipy_call(operation: BlockMethod, axes: str) -> Callable[[np.ndarray], np.ndarray]:
    """The same filter with scipy."""
    if operation.name.startswith("gaussian"):
        sigmas = operation._sigmas(axes)  # type: ignore[attr-defined]
        return lambda pixels: ndimage.gaussian_filter(pixels.astype(np.float32), sigmas)
    window = operation._window(axes)  # type: ignore[attr-defined]
    if operation.name.startswith("box"):
        return lambda pixels: ndimage.uniform_filter(pixels.astype(np.float32), window)
    return lambda pixels: ndimage.median_filter(pixels, window)


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Processor time and clock time."""
    processor, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - clock


def turns(
    stack: Stack, operation: BlockMethod, planes: int, repeats: int
) -> tuple[float, float, float, float]:
    """Medians of scipy's processor time, its clock time, our processor time, our threads' clock time."""
    pixels = stack.read()
    call = scipy_call(operation, stack.axes)
    share = pixels[:planes] if operation.name.startswith("median") and pixels.ndim == 3 else pixels
    scale = pixels.size / share.size
    block = Block(pixels=pixels, axes=stack.axes, origin=(0,) * pixels.ndim, shape=pixels.shape)
    operation.compute(block, Context())  # writes the network down, once in a program's life
    rows = []
    for _ in range(repeats):
        theirs = seconds(lambda: call(share))
        single = seconds(lambda: operation.compute(block, Context()))
        threaded = seconds(lambda: apply(stack, operation))
        rows.append((theirs[0] * scale, theirs[1] * scale, single[0], threaded[1]))
    a, b, c, d = (statistics.median(column) for column in zip(*rows, strict=True))
    return a, b, c, d


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks filters", description=__doc__)
    parser.add_argument("--shape", type=int, nargs="+", default=[100, 512, 512], help="T Y X, or Y X")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--scipy-planes", type=int, default=8, help="planes scipy gets where it is slow (scaled)"
    )
    parser.add_argument("--only", default="", help="only methods whose name contains this")
    given = parser.parse_args(arguments)
    axes = "TYX"[-len(given.shape) :]
    pixels = np.random.default_rng(0).poisson(300, given.shape).astype(np.uint16)
    stack = Stack.of(pixels, axes)
    print(f"{'x'.join(map(str, given.shape))} uint16, median of {given.repeats} alternating turns, "
          f"{_processors()} processors")  # fmt: skip
    heads = ("scipy CPU s", "ours CPU s", "ratio", "scipy s", "threads s", "ratio")
    print(f"{'filter':<34}" + "".join(f"{head:>12}" for head in heads))
    for name, values in CASES:
        if given.only not in name or ("3d" in name and axes == "YX"):
            continue
        operation = create(name, values)
        assert isinstance(operation, BlockMethod)
        theirs, clock, single, threaded = turns(stack, operation, given.scipy_planes, given.repeats)
        words = f"{name} " + ", ".join(f"{k} {v}" for k, v in values.items())
        numbers = (theirs, single, theirs / single, clock, threaded, clock / threaded)
        formats = ("12.4f", "12.4f", "12.1f", "12.4f", "12.4f", "12.1f")
        print(
            f"{words:<34}" + "".join(format(n, f) for n, f in zip(numbers, formats, strict=True)), flush=True
        )
