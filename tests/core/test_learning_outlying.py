"""Frames that are far from all others, such as a flash, do not spoil training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.catalogue import create
from core.findings import kinds
from core.instant.constants import beside
from core.learning.base import Learned
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.noise.survey import Survey
from core.stack import Stack
from tests.data import DATA, needs_data

FLASH = 5


def scene() -> np.ndarray:
    y, x = np.mgrid[:96, :96]
    return 300 + 200 * np.sin(x / 6) * np.cos(y / 9)


def frames() -> np.ndarray:
    """Twelve noisy frames of a scene (T, Y, X)."""
    return np.random.default_rng(0).poisson(np.broadcast_to(scene(), (12, 96, 96))).astype("u2")


def trained(pixels: np.ndarray, name: str, **params: object) -> tuple[np.ndarray, list]:
    """Train for a few steps; return the denoised stack, and the kinds of findings."""
    stack = Stack.of(pixels, "TYX", name="frames.tif")
    known = {"width": 8, "depth": 2, "patch": 32, "seconds": 0.0, "steps": 150, "epoch": 50, **params}
    method = create(name, known)
    assert isinstance(method, Learned)
    trainer = Trainer(stack, method, device="cpu", threads=1)
    for _ in trainer.run():
        pass
    model = trainer.model()
    return evaluate(stack, model.prediction("cpu"))[0], [one.kind for one in model.record.findings]


@pytest.mark.parametrize(
    ("name", "params"), [("n2v", {}), ("n2v", {"neighbours": "T"}), ("deconoising", {}), ("noise2noise", {})]
)
def test_a_flash_changes_no_other_frame(name, params):
    plain, flashed = frames(), frames()
    flashed[FLASH] = 65535
    rest = [t for t in range(12) if t != FLASH]

    def error(denoised):
        return float(np.sqrt(np.mean((denoised[rest] - scene()) ** 2)))

    expected, told = trained(plain, name, **params)
    assert kinds.FRAMES_OUTLYING not in told
    found, told = trained(flashed, name, **params)
    assert kinds.FRAMES_OUTLYING in told
    assert error(found) < 1.2 * error(expected)


@pytest.mark.parametrize("axis", ["T", "Z"])
@pytest.mark.parametrize(("at", "value"), [(0, 60000), (5, 60000), (11, 60000), (3, 0)])
def test_a_flash_or_a_blank_frame_far_from_the_others_is_found(axis, at, value):
    pixels = frames() + 20000
    pixels[at] = value
    assert Survey.of(Stack.of(pixels, f"{axis}YX")).outlying(axis) == (at,)


def test_what_changes_in_ordinary_stacks_is_not_outlying():
    draw, light = np.random.default_rng(1), scene()
    y, x = np.mgrid[:96, :96]
    spot = np.exp(-((y - 48) ** 2 + (x - 48) ** 2) / 200)
    stacks = {
        "bleaching": [light * 0.7**t for t in range(12)],
        "blinking": [light + 2000 * spot * (t == 4) for t in range(12)],
        "depth": [5 + 2000 * spot * np.exp(-((t - 6) ** 2) / 2) for t in range(12)],
        "switched on": [light * (0.05 if t < 5 else 3) for t in range(12)],
        "bright first": [light * (2 if t == 0 else 1) for t in range(12)],
    }
    for name, means in stacks.items():
        pixels = draw.poisson(np.stack(means)).astype("u2")
        for axis in "TZ":
            assert Survey.of(Stack.of(pixels, f"{axis}YX")).outlying(axis) == (), name


@needs_data
def test_recorded_stacks_have_no_outlying_frames():
    names = [
        path for path in sorted(Path(DATA).glob("stacks/*.tif")) if "_zyx" in path.name or "_tyx" in path.name
    ]
    assert names
    for path in names:
        axis = "Z" if "_zyx" in path.name else "T"
        pixels = tifffile.imread(path)
        if pixels.ndim == 3:
            assert Survey.of(Stack.of(pixels, f"{axis}YX")).outlying(axis) == (), path.name


def test_outlying_neighbours_are_replaced_by_near_ones():
    assert beside(5, 12) == (3, 4, 6, 7)
    assert beside(5, 12, without=(4,)) == (3, 6, 6, 7)
    assert beside(4, 12, without=(4,)) == (2, 3, 5, 6)
    assert beside(0, 12, without=(1,)) == (2, 2, 2, 2)
