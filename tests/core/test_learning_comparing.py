"""Comparison of networks with the raw image and with Instant, by predictions whose errors are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from core.catalogue import create
from core.findings.kinds import TRAINING_USELESS
from core.findings.training_kinds import (
    AS_GOOD_AS_INSTANT,
    BETTER_THAN_INSTANT,
    WORSE_THAN_INSTANT,
    WORSE_THAN_RAW,
)
from core.instant.method import Instant
from core.learning.comparing import compare
from core.learning.methods import Noise2Noise, Noise2Void, Quietfield
from core.learning.outcome import decibels, level_of_instant
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.methods.base import Operation
from core.progress import Context
from core.stack import Stack, plane_regions
from tests.core.learning_data import kinds_in, only, small, trained


def scene(frames: int = 4, side: int = 96, noise: float = 20.0) -> tuple[Stack, np.ndarray]:
    """One scene in several noisy frames, and the scene."""
    rng = np.random.default_rng(3)
    truth = 400 + 60 * ndimage.gaussian_filter(rng.normal(size=(side, side)), 4, mode="wrap") * 14
    return Stack.of(rng.normal(truth, noise, (frames, side, side)).astype(np.float32), "TYX"), truth


@dataclass(frozen=True, kw_only=True, eq=False)
class Known(Operation):
    """Gives the truth with an error of known standard deviation, whatever it sees."""

    truth: np.ndarray
    error: float = 0.0

    def halo(self, axes):
        return {}

    def compute(self, block, context):
        height, width = block.pixels.shape[-2:]
        assert (height, width) == self.truth.shape
        wrong = np.random.default_rng(5).normal(0, 1, self.truth.shape) * self.error
        return (np.broadcast_to((self.truth + wrong).astype(np.float32), block.pixels.shape),)


WAYS = [{}, {"frames": True}, {"target": True}]


def judged(stack, truth, prediction, way):
    target = Stack.of(np.broadcast_to(3 * truth + 7, stack.shape).astype(np.float32), "TYX")
    known = {**way, "target": target} if "target" in way else way
    return compare(stack, plane_regions(stack.shape), prediction, Context(), **known)


@pytest.mark.parametrize("way", WAYS, ids=["hidden", "frames", "clean"])
def test_what_is_right_is_worse_than_nothing(way):
    stack, truth = scene()
    (best,) = judged(stack, truth, Known(truth=truth), way)
    assert best.kind == BETTER_THAN_INSTANT
    assert best.value > 1.0
    (same,) = judged(stack, truth, Instant(), way)
    assert same.kind == AS_GOOD_AS_INSTANT


def test_how_much_better_is_the_ratio_of_errors_in_decibels():
    """Against clean pixels nothing is subtracted: 10 log10 of the ratio of the mean squared errors."""
    stack, truth = scene()
    error = np.square(evaluate(stack, Instant())[0] - truth).mean()
    (found,) = judged(stack, truth, Known(truth=truth, error=2.0), {"target": True})
    assert found.kind == BETTER_THAN_INSTANT
    assert found.value == pytest.approx(10 * np.log10(error / 4), abs=0.3)
    assert f"lower by {found.value:.2f} dB" in found.text


def test_the_level_of_instant_is_in_the_units_of_the_loss():
    """The loss of the truth on noisy pixels of deviation 20, in units of 40, is 1/4."""
    stack, truth = scene()
    regions, known = plane_regions(stack.shape), Known(truth=truth)
    (found,) = compare(stack, regions, known, Context(), frames=True, units=(40.0,), loss=0.25)
    error = np.square(evaluate(stack, Instant())[0] - truth).mean()
    assert level_of_instant((found,)) == pytest.approx((400 + error) / 1600, rel=0.03)


def test_errors_below_the_uncertainty_of_the_noise_do_not_count():
    assert decibels(1.2, 1.1, 1.0) == pytest.approx(10 * np.log10(2), abs=1e-6)
    most = pytest.approx(10 * np.log10(0.2 / 0.03))
    assert decibels(1.2, 0.9, 1.0) == most
    assert decibels(1.2, 1.03, 1.0) == most


@pytest.mark.parametrize("way", WAYS, ids=["hidden", "frames", "clean"])
def test_errors_are_measured_in_those_of_the_raw_image(way):
    """The raw image has noise of standard deviation 20. Hidden pixels are somewhat harder for Instant."""
    stack, truth = scene()
    error = np.square(evaluate(stack, Instant())[0] - truth).mean() / 20**2
    assert error < 0.1
    (worse,) = judged(stack, truth, Known(truth=truth, error=10.0), way)
    assert worse.kind == WORSE_THAN_INSTANT
    assert worse.value == pytest.approx(0.25 - error, abs=0.05)
    (worst,) = judged(stack, truth, Known(truth=truth, error=30.0), way)
    assert worst.kind == WORSE_THAN_RAW
    assert worst.value == pytest.approx(2.25, rel=0.15)
    assert judged(stack, truth, Known(truth=truth, error=18.0), way)[0].kind == WORSE_THAN_INSTANT


def test_nothing_is_said_where_hidden_pixels_say_nothing():
    """Noise that neighbouring pixels share, a stack without noise, and planes too small to know it."""
    stack, truth = scene()
    shared = ndimage.gaussian_filter(stack.read() - truth, (0, 0, 1.5)) * 3 + truth
    far = Known(truth=truth, error=60.0)
    assert judged(Stack.of(shared.astype(np.float32), "TYX"), truth, far, {}) == ()
    assert judged(Stack.of(np.full((4, 96, 96), 5.0, np.float32), "TYX"), truth, far, {}) == ()
    tiny = Stack.of(stack.read()[:, :6, :6], "TYX")
    assert compare(tiny, plane_regions(tiny.shape), create("gaussian", {"sigma": 3.0}), Context()) == ()


def test_channels_are_judged_together_with_their_own_noise():
    stack, _ = scene()
    dim = stack.read() / 10
    both = Stack.of(np.stack([stack.read(), dim], 1), "TCYX")
    regions = plane_regions(both.shape)
    (same,) = compare(both, regions, Instant(), Context())
    assert same.kind == AS_GOOD_AS_INSTANT
    (worst,) = compare(both, regions, create("gaussian", {"sigma": 30.0}), Context())
    assert worst.kind == WORSE_THAN_RAW


@pytest.mark.parametrize("cls", [Noise2Void, Noise2Noise])
def test_a_training_that_was_too_short_says_so(cls):
    stack, _ = scene()
    model, reports = trained(stack, small(cls, steps=4))
    found = only(model.record.findings, WORSE_THAN_RAW)
    assert "Do not use it" in found.text
    assert found in reports[-1].findings
    assert found.proposal.method == "quietfield"


def test_quietfield_begins_at_the_level_of_instant():
    """Its loss before training is that of Instant; the noise is 1 of it."""
    stack, _ = scene()
    method = small(Quietfield, steps=20, patch=64, epoch=10)
    trainer = Trainer(stack, method, device="cpu", threads=1)
    reports = list(trainer.run())
    first, last = trainer.instant, min(loss for _, _, loss in trainer.model().record.curve)
    assert first is not None
    assert first == pytest.approx(1.05, abs=0.25)
    findings = {finding.kind: finding for finding in reports[-1].findings}
    if last < first:
        assert findings[BETTER_THAN_INSTANT].value == pytest.approx(decibels(first, last, 1.0))
        assert level_of_instant(trainer.model().record.findings) == first
    else:
        assert TRAINING_USELESS in findings


def test_quietfield_is_not_compared_with_itself():
    model, _ = trained(scene()[0], small(Quietfield, steps=2, patch=64))
    assert not {WORSE_THAN_INSTANT, WORSE_THAN_RAW} & kinds_in(model.record.findings)
