"""Small stacks and fast methods for tests of learned methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from core import params
from core.learning.methods import Learned, Noise2Void
from core.learning.model import Model
from core.learning.trainer import Report, Trainer
from core.stack import Stack


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Compute in one thread: tests are small, and threads that wait for each other are slow beside others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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


def trained(stack: Stack, method: Learned) -> tuple[Model, list[Report]]:
    trainer = Trainer(stack, method, device="cpu")
    reports = list(trainer.run())
    return trainer.model(), reports
