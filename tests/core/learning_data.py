"""Small stacks and fast methods for tests of learned methods."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from core import params
from core.findings import Finding, Kind
from core.learning.base import Learned
from core.learning.methods import Noise2Void
from core.learning.model import Model
from core.learning.parts.heads import Emitted
from core.learning.parts.objectives import Objective
from core.learning.parts.setup import Setup
from core.learning.patches import Patches
from core.learning.trainer import Report, Trainer
from core.stack import Stack

SMALL: dict[str, Any] = {
    "width": 8, "patch": 32, "batch": 4, "steps": 12, "seconds": 0.0, "epoch": 5, "validation_patches": 4,
    "warmup": 3, "validation": 0.25, "learning_rate": 1e-3, "box": 4,
}  # fmt: skip


def scene(
    frames: int = 4, side: int = 64, noise: float = 20.0, seed: int = 1
) -> tuple[Stack, NDArray[np.float64]]:
    """Noisy stack (T, Y, X) uint16 and the truth (T, Y, X) it was made from."""
    rng = np.random.default_rng(seed)
    truth = ndimage.gaussian_filter(rng.normal(size=(frames, side, side)), (0, 3, 3), mode="wrap")
    truth = 400 + 60 * truth / truth.std()
    noisy = rng.normal(truth, noise).clip(0).round().astype(np.uint16)
    return Stack.of(noisy, "TYX", name="scene"), truth


def small(cls: type[Learned] = Noise2Void, **changes: Any) -> Learned:
    known = {p.name for p in params.describe(cls)}
    return cls(**{**{name: value for name, value in SMALL.items() if name in known}, **changes})


def kinds_in(findings: Iterable[Finding]) -> set[Kind]:
    """Kinds of findings."""
    return {finding.kind for finding in findings}


def only(findings: Iterable[Finding], kind: Kind) -> Finding:
    """The one finding of a kind."""
    (found,) = (finding for finding in findings if finding.kind == kind)
    return found


See = Callable[[Emitted, Patches, Tensor], Tensor]
"""Receives what an objective is given and its losses, and returns the losses to use."""


class Watched:
    """Another objective, whose losses a function sees and may change."""

    def __init__(self, objective: Objective, see: See) -> None:
        self._objective, self._see = objective, see

    def losses(self, emitted: Emitted, patches: Patches) -> Tensor:
        return self._see(emitted, patches, self._objective.losses(emitted, patches))


def watched(cls: type[Learned], see: See) -> type[Learned]:
    """Method like another one, with a function that sees its losses and may change them."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Method(cls):  # type: ignore[valid-type, misc]
        def objective(self, setup: Setup) -> Objective:
            return Watched(cls.objective(self, setup), see)

    return Method


def spoilt(*steps: int, cls: type[Learned] = Noise2Void) -> type[Learned]:
    """Method like another one, whose loss is NaN at some steps, counted from 1 and with those repeated."""
    done = 0

    def see(_: Emitted, __: Patches, losses: Tensor) -> Tensor:
        nonlocal done
        done += torch.is_grad_enabled()
        return losses * math.nan if torch.is_grad_enabled() and done in steps else losses

    return watched(cls, see)


def trained(stack: Stack, method: Learned) -> tuple[Model, list[Report]]:
    trainer = Trainer(stack, method, device="cpu")
    reports = list(trainer.run())
    return trainer.model(), reports
