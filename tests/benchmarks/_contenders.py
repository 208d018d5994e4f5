"""Compared methods: those of Quietfield, the best Gaussian blur, and denoisers of other libraries.

Every contender gets the noisy frames of a set and a time, and yields what it made of them at certain times of
that. The time is that of its own work: training for networks, everything for the others.
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core import params
from core.catalogue import create, find, methods
from core.learning.base import Learned
from core.params import Value
from core.work.compare import Budget, compare
from tests.benchmarks._sets import Image, Set, mean_score, score

SIGMAS = tuple(round(0.1 * tenths, 1) for tenths in range(4, 41))
"""Standard deviations in pixels among which the truth chooses the best Gaussian."""
GRIDS: Mapping[tuple[str, str], tuple[Value, ...]] = {
    ("sigma", "float"): (0.0, *SIGMAS), ("size", "int"): (1, 3, 5, 7, 9, 11),
    ("depth", "float"): (0.5, 1.0, 2.0, 8.0), ("depth", "int"): (3, 5, 9),
}  # fmt: skip
"""Values that classic filters are tried with, by name and kind of the parameter."""
WEIGHTS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
"""Strengths that scikit-image's denoisers are calibrated among, of images scaled to a deviation of 1."""

Result = tuple[float, NDArray[np.floating]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a contender gets: the set, noisy frames and their truth (T, Y, X), the frames that are scored,
    seconds, times to look at it, seed, device, threads, and values for parameters."""

    of: Set
    noisy: NDArray[np.generic]
    truth: Image
    frames: int
    seconds: float
    moments: tuple[float, ...]
    seed: int
    device: str = "auto"
    threads: int | None = None
    given: tuple[tuple[str, str], ...] = ()


Contender = Callable[[Task], Iterator[Result]]


def _raw(task: Task) -> Iterator[Result]:
    yield 0.0, task.noisy[: task.frames].astype(np.float32)


def _oracle(task: Task) -> Iterator[Result]:
    """Gaussian blur with the best sigma according to the ground truth, frame by frame."""
    began = time.perf_counter()
    best = []
    for frame, truth in zip(task.noisy[: task.frames].astype(np.float64), task.truth, strict=False):
        blurred = [ndimage.gaussian_filter(frame, sigma) for sigma in SIGMAS]
        best.append(max(blurred, key=lambda image, t=truth: score(image, t, task.of.measure)))
    yield time.perf_counter() - began, np.stack(best)


def _filters(task: Task) -> Iterator[Result]:
    """Best classic filter, in the plane and along time, chosen with the ground truth."""
    began = time.perf_counter()
    best = (-np.inf, task.truth)
    for filter in methods("filter"):
        grids = {p.name: GRIDS[p.name, p.kind] for p in params.describe(filter) if (p.name, p.kind) in GRIDS}
        if "depth" in grids and len(task.noisy) == 1:
            continue
        for values in itertools.product(*grids.values()):
            _, images = next(method(filter.name, task, **dict(zip(grids, values, strict=True))))
            best = max(best, (mean_score(images, task.truth, task.of.measure), images), key=itemgetter(0))
    yield time.perf_counter() - began, best[1]


def method(name: str, task: Task, *, chosen: str = "", **fixed: Value) -> Iterator[Result]:
    """Run a method by the comparison of the program; a learned one is used at every moment of its training.

    CARE is trained on other fields than those scored, whose ground truth it must not see.
    """
    cls, stack = find(name), task.of.stack(task.noisy[: task.frames])
    trained_on = target = None
    if issubclass(cls, Learned):
        known = {p.name: p for p in params.describe(cls)}
        given = {key: known[key].parse(text) for key, text in task.given if key in known}
        fixed = {**cls.preset_values(chosen), **given, "seed": task.seed, **fixed}
        trained_on = task.of.stack(task.noisy)
        if cls().needs_target:
            trained_on = task.of.stack(task.noisy[task.frames :])
            target = task.of.stack(task.truth[task.frames :].astype(np.float32))
    budget = Budget(
        seconds=task.seconds, moments=task.moments, device=task.device, threads=task.threads, target=target
    )
    for one in compare(stack, [create(name, fixed)], budget=budget, trained_on=trained_on):
        seconds = one.model.record.seconds if one.model is not None else one.seconds
        yield seconds, one.stacks[0].read().reshape(-1, *stack.shape[-2:])


def _calibrated(kind: str, task: Task) -> Iterator[Result]:
    """Denoiser of scikit-image, calibrated without ground truth by `calibrate_denoiser` (J-invariance)."""
    from skimage import restoration

    began = time.perf_counter()
    frames = task.noisy[: task.frames].astype(np.float64)
    scale, level = frames.std(), frames.mean()
    frames = (frames - level) / scale
    if kind == "tv":
        function, ranges = restoration.denoise_tv_chambolle, {"weight": np.array(WEIGHTS)}
    else:
        function = partial(restoration.denoise_nl_means, patch_size=5, patch_distance=6, fast_mode=True)
        ranges = {"h": np.array(WEIGHTS) * 2}
    corner = tuple(slice(0, min(n, 256)) for n in frames.shape[1:])
    chosen = restoration.calibrate_denoiser(frames[0][corner], function, denoise_parameters=ranges)
    values = chosen.keywords["denoiser_kwargs"]
    result = np.stack([function(frame, **values) for frame in frames])
    yield time.perf_counter() - began, result * scale + level


CAREAMICS = Path(__file__).with_name("_careamics.py")


def _careamics(python: Path, variant: str, task: Task) -> Iterator[Result]:
    """careamics in a separate environment, with its defaults and a time limit."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "noisy.npy", Path(folder) / "made.npz"
        np.save(given, task.noisy)
        words = [given, made, variant, task.seconds, task.frames, task.seed, 1]
        subprocess.run([python, CAREAMICS, *map(str, words)], check=True, cwd=folder)
        with np.load(made) as file:
            yield float(file["seconds"]), file["images"]


def suits(name: str, task: Task) -> bool:
    """Whether a method suits a set: pairs and means of frames need a static scene, CARE needs fields."""
    if name == "care":
        return task.of.fields and len(task.noisy) > task.frames
    return name not in ("noise2noise", "instant-still", "quietfield-still") or task.of.still


def contenders(chosen: str, careamics: Path | None) -> dict[str, Contender]:
    """All methods by name; those of careamics if the Python of its environment is given."""
    found: dict[str, Contender] = {
        "raw": _raw,
        "oracle-gaussian": _oracle,
        "oracle-filter": _filters,
        "skimage-tv": partial(_calibrated, "tv"),
        "skimage-nl-means": partial(_calibrated, "nl-means"),
    }
    found |= {m.name: partial(method, m.name) for m in methods("instant")}
    found["instant-best"] = partial(method, "instant", quality="best")
    found["instant-still"] = partial(method, "instant", quality="best", neighbours="mean")
    found |= {m.name: partial(method, m.name, chosen=chosen) for m in methods("learned")}
    for name, neighbours in (("alone", "none"), ("still", "mean")):
        found[f"quietfield-{name}"] = partial(method, "quietfield", chosen=chosen, neighbours=neighbours)
    if careamics is not None:
        found |= {f"careamics-{v}": partial(_careamics, careamics, v) for v in ("n2v", "n2v2")}
    return found
