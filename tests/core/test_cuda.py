"""Training and prediction on a CUDA device; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core import cuda_graphs
from core.findings import kinds
from core.instant.making.examples import Batch, Examples
from core.instant.making.training import Settings, State, learn
from core.instant.network import InstantNetwork
from core.instant.weights import shipped_network
from core.learning.base import Learned
from core.learning.methods import Care, DecoNoising, Noise2Noise, Noise2Void, Noise2Void2, Quietfield
from core.learning.prediction import Prediction
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.methods.base import Block
from core.progress import Context
from core.stack import Stack
from tests.core.learning_data import kinds_in, scene, small

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.fixture(autouse=True)
def _all_memory() -> Iterator[None]:
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def run(trainer: Trainer) -> list[float]:
    list(trainer.run())
    return [loss for _, loss, _ in trainer.model().record.curve]


def methods() -> list[Learned]:
    kinds = (Noise2Void, Noise2Void2, DecoNoising, Noise2Noise, Care)
    return [small(kind, steps=40, epoch=10, precision="float32") for kind in kinds]


@pytest.mark.parametrize("method", methods(), ids=lambda method: type(method).__name__)
def test_repeated_steps_are_those_taken_one_by_one(method: Learned, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, truth = scene()
    clean = Stack.of(truth.astype(np.float32), "TYX") if method.needs_target else None
    trainer = Trainer(stack, method, device="cuda", target=clean)
    repeated = run(trainer)
    assert trainer._learner.update.recorded == 1
    monkeypatch.setattr(cuda_graphs, "EAGER", 10**9)
    other = Trainer(stack, method, device="cuda", target=clean)
    assert run(other) == pytest.approx(repeated, rel=2e-2)
    assert other._learner.update.recorded == 0
    cpu = Trainer(stack, method, device="cpu", target=clean)
    assert run(cpu) == pytest.approx(repeated, rel=5e-2)


def test_quietfield_learns_as_on_the_processor() -> None:
    stack, truth = scene(side=96)
    method = small(Quietfield, patch=64, steps=40, epoch=10, neighbours="none", train="yes")
    found = {}
    for name in ("cuda", "cpu"):
        trainer = Trainer(stack, method, device=name)
        curve = run(trainer)
        result = evaluate(stack, trainer.model().prediction(name))[0]
        found[name] = curve, float(np.square(result - truth).mean())
    assert found["cuda"][0] == pytest.approx(found["cpu"][0], rel=5e-2)
    assert found["cuda"][1] == pytest.approx(found["cpu"][1], rel=5e-2)


def test_a_prediction_is_that_of_the_processor() -> None:
    stack, _ = scene(side=96)
    trainer = Trainer(stack, small(width=16, steps=30), device="cuda")
    run(trainer)
    model = trainer.model()
    here, there = (evaluate(stack, model.prediction(name))[0] for name in ("cpu", "cuda"))
    assert np.abs(here - there).max() < 0.02 * here.std()


def test_the_networks_that_ship_stay_on_the_processor() -> None:
    stack, _ = scene(side=96)
    trainer = Trainer(stack, small(Quietfield, steps=4, train="no"), device="cuda")
    run(trainer)
    evaluate(stack, trainer.model().prediction("cuda"))
    assert {tensor.device.type for tensor in shipped_network("instant").parameters()} == {"cpu"}


def test_a_training_goes_on_after_a_state_was_loaded() -> None:
    stack, _ = scene()
    method = small(steps=60, epoch=10, precision="float32")
    whole = Trainer(stack, method, device="cuda")
    first = Trainer(stack, method, device="cuda")
    for report in first.run():
        if report.step >= 20:
            break
    second = Trainer(stack, method, device="cuda")
    second.restore(first.model())
    assert run(second) == pytest.approx(run(whole), rel=5e-2)
    assert second._learner.update.recorded == 1


def test_a_loss_that_is_no_number_starts_over_from_the_last_good_state() -> None:
    stack, _ = scene()
    trainer = Trainer(stack, small(steps=60, epoch=10, precision="float32"), device="cuda")
    broken = False
    for report in trainer.run():
        if report.step >= 30 and not broken:
            broken = True
            with torch.no_grad():
                next(trainer._learner.network.parameters()).fill_(torch.nan)
    assert broken
    assert kinds.TRAINING_BROKE_DOWN in kinds_in(report.findings)
    assert all(torch.isfinite(tensor).all() for tensor in trainer.model().weights.values())


def scarce(extra: int) -> None:
    """Leave so many bytes of the device's memory to this process beyond those it holds."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_reserved() + extra) / total))


def test_training_goes_on_in_smaller_portions_when_memory_runs_out() -> None:
    stack, _ = scene(side=256)
    method = small(width=64, patch=256, batch=32, steps=20, precision="float32")
    trainer = Trainer(stack, method, device="cuda")
    scarce(2 * 2**30)
    reports = list(trainer.run())
    assert reports[-1].step == 20
    assert kinds.MEMORY_SHORT in kinds_in(reports[-1].findings)


def test_prediction_goes_on_in_smaller_pieces_when_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stack, _ = scene(frames=4, side=512)
    trainer = Trainer(stack, small(width=64, steps=6, batch=2), device="cuda")
    run(trainer)
    model, sides = trainer.model(), []
    whole = evaluate(stack, model.prediction("cuda"))[0]
    predicted = Prediction._predicted

    def noted(self: Prediction, block: Block, side: int, context: Context) -> NDArray[np.float32]:
        sides.append(side)
        return predicted(self, block, side, context)

    monkeypatch.setattr(Prediction, "_predicted", noted)
    scarce(160 * 2**20)
    found = evaluate(stack, model.prediction("cuda"))[0]
    assert len(set(sides)) > 1
    assert np.abs(found - whole).max() < 0.02 * whole.std()


def test_the_network_of_instant_is_the_same_where_there_is_much_light() -> None:
    torch.manual_seed(0)
    network = InstantNetwork()
    images, told = 3000 + 200 * torch.rand(1, 1, 128, 128), torch.zeros(1, 5)
    with torch.inference_mode():
        here = network(images, told).denoised
        there = network.cuda()(images.cuda(), told.cuda()).denoised.cpu()
    assert float((here - there).abs().max()) < 0.05


def test_instant_learns_on_the_device_as_on_the_processor() -> None:
    settings = Settings(steps=1000, batch=4, side=64)
    found: dict[bool, Batch] = {}
    for batch in Examples(5, 4, 64):
        found.setdefault(batch.beside is not None, batch)
        if len(found) == 2:
            break
    here, there = (State("instant", settings, torch.device(name)) for name in ("cpu", "cuda"))
    for step in range(16):
        batch = found[step % 2 == 0]
        mine, other = (float(learn(state, batch.to(state.share.device), settings)) for state in (here, there))
        assert other == pytest.approx(mine, abs=0.02), step
    assert there.update.recorded == 2
