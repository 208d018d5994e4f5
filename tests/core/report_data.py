"""Finished comparisons for tests of reports."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from core import catalogue
from core.methods.base import Method
from core.noise.models import PoissonGaussian
from core.progress import Context
from core.report import Comparison
from core.stack import Metadata, Stack
from core.work.contest import contest, make_judge, part_of
from tests.core.test_quality_judge import scene

HOSTILE = "<script>alert(1)</script>&\"'\u2028.tif"
"""Name of a stack that wants to be more than a name."""

WHEN = datetime.datetime(2026, 3, 4, 5, 6, tzinfo=datetime.UTC)
SIDE = 160


def truth() -> np.ndarray:
    return 100 + 5 * 20 * (scene(SIDE) + 0.05)


def frames(count: int) -> np.ndarray:
    """Noisy frames of one scene: gain 5, offset 100, 20 photons in bright parts."""
    model = PoissonGaussian.camera(gain=5.0, offset=100.0, read_noise=5.0)
    rng = np.random.default_rng(3)
    return np.rint([model.sample(truth(), rng) for _ in range(count)]).astype(np.float32)


def noisy_stack(count: int = 1, **known: Any) -> Stack:
    meta = Metadata(**{"name": "cells.tif", "spacing": {"Y": 0.1, "X": 0.1}, **known})
    return Stack.of(frames(count), "TYX", meta) if count > 1 else Stack.of(frames(1)[0], "YX", meta)


def clean_stack() -> Stack:
    return Stack.of(truth().astype(np.float32), "YX", Metadata(name="clean.tif"))


def methods(*names: str) -> list[Method]:
    made = [catalogue.create(name, {}) for name in names]
    assert all(isinstance(one, Method) for one in made)
    return made


def compared(
    stack: Stack, *names: str, reference: Stack | None = None, affine: bool = False, seconds: float = 0.0
) -> Comparison:
    """Run a contest, by default of three quick methods of which one cannot be applied."""
    region = part_of(stack)
    judge = make_judge(stack, region, 0, Context())
    entries = contest(
        stack, methods(*(names or ("gaussian", "median", "box-3d"))), region=region, reference=reference,
        affine=affine, judge=judge, seconds=seconds,
    )  # fmt: skip
    return Comparison(
        stack=stack, region=region, entries=tuple(entries), when=WHEN, reference=reference, affine=affine,
        seconds=seconds, doubts=judge.findings if judge is not None else (),
    )  # fmt: skip
