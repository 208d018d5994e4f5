"""Cancellation inside a step, a validation and a prediction, and what it leaves."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from core.errors import QuietfieldError
from core.findings.training_kinds import BATCH_REDUCED
from core.instant.method import Instant
from core.interrupting import Interruptible
from core.learning.architecture import Architecture
from core.learning.methods import Noise2Void, Quietfield
from core.learning.network import UNet
from core.learning.trainer import Trainer
from core.methods.apply import apply
from core.progress import Cancelled, Context
from core.stack import Stack
from tests.core.learning_data import kinds_in, only, scene, small, trained, watched
from tests.network_runs import before_each_run


class Fuse(Context):
    """A context that is cancelled when it has been asked a number of times."""

    def __init__(self, left: float) -> None:
        super().__init__()
        self.left = left

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.cancel()
        super().check()


def gradients(network, images, check):
    network.zero_grad()
    with Interruptible(check):
        torch.autograd.backward(network(images).square().mean())
    return [parameter.grad.clone() for parameter in network.parameters()]


def test_a_network_is_interrupted_at_every_convolution_and_its_gradients_stay_the_same():
    network = UNet(Architecture(width=4, depth=2))
    images = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    network(images).square().mean().backward()
    expected = [parameter.grad.clone() for parameter in network.parameters()]
    calls = []
    for one, other in zip(gradients(network, images, lambda: calls.append(0)), expected, strict=True):
        assert torch.equal(one, other)
    assert len(calls) == 2 * 8  # seven convolutions and a transposed one, forward and backward
    for last in range(len(calls)):
        fuse = Fuse(last)
        with pytest.raises(Cancelled):
            gradients(network, images, fuse.check)
        assert fuse.left == -1  # at once
        assert torch.is_grad_enabled()


def test_settings_of_torch_are_restored():
    convolution = torch.nn.Conv2d(1, 1, 3)

    def work(check):
        with Interruptible(check), torch.no_grad():
            convolution(torch.zeros(1, 1, 5, 5))

    with pytest.raises(Cancelled):
        work(Fuse(0).check)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("cls", [Noise2Void, Quietfield])
def test_a_training_cancelled_anywhere_goes_on_as_if_it_had_not_been(cls):
    stack = scene()[0]
    method = small(cls, patch=64 if cls is Quietfield else 32, steps=6)
    whole, _ = trained(stack, method)
    broken = Trainer(stack, method, device="cpu")
    cuts = 0
    for left in (3, 11, 17, 40, 59, 77, 120, 121, 400, 1000, 10**9):
        fuse = Fuse(left)
        try:
            for _ in broken.run(fuse, every=0.0):
                pass
        except Cancelled:
            cuts += 1
    assert cuts > 5
    assert broken.finished
    model = broken.model()
    assert model.record.steps == 6
    assert model.record.curve == whole.record.curve
    assert all(torch.equal(model.weights[name], whole.weights[name]) for name in whole.weights)


def slowed(seconds):
    """Noise2Void whose loss takes so many seconds for a patch."""

    def see(_, __, losses):
        if torch.is_grad_enabled():
            time.sleep(seconds * len(losses))
        return losses

    return watched(Noise2Void, see)


def test_a_step_that_would_take_the_time_limit_is_made_of_fewer_patches():
    method = small(slowed(0.05), batch=32, steps=0, seconds=0.4)  # 1.6 s a step
    model, reports = trained(scene()[0], method)
    found = only(reports[-1].findings, BATCH_REDUCED)
    assert found.limit == 32
    assert 1 <= found.value <= 2  # a quarter of the limit
    assert model.record.steps >= 1
    assert model.method.batch == 32
    _, reports = trained(scene()[0], small(slowed(0.05), batch=2, steps=2, seconds=60.0))
    assert BATCH_REDUCED not in kinds_in(reports[-1].findings)


def test_a_network_that_is_too_slow_for_the_time_limit_is_refused():
    trainer = Trainer(scene()[0], small(slowed(1.2), batch=32, steps=0, seconds=0.05), device="cpu")
    with pytest.raises(QuietfieldError, match="a single patch of 32 px takes longer than the time limit"):
        list(trainer.run())


def test_measuring_a_step_changes_no_weight():
    """A limit of time that is far away beside the same limit of steps."""
    one, _ = trained(scene()[0], small())
    other, _ = trained(scene()[0], small(seconds=1e6))
    assert all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_a_prediction_is_cancelled_within_a_tile():
    stack, _ = scene()
    one_plane = Stack.of(np.asarray(stack.read()[0]), "YX")
    model, _ = trained(stack, small())
    for method in (model.prediction("cpu"), Instant()):
        context, seen = Context(), []

        def cancel(shape, context=context, seen=seen):
            seen.append(shape)
            if len(seen) == 9:
                context.cancel()

        with before_each_run(cancel, torch.nn.Conv2d), pytest.raises(Cancelled):
            apply(one_plane, method, context)
        assert len(seen) == 9  # the rest of the one tile is not computed
