"""Handling of insufficient memory, on a device that simulates it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from torch import Tensor

from core import machine, memory
from core.cuda_graphs import Repeated, _tensors, _with
from core.errors import QuietfieldError
from core.learning import device as devices
from core.learning.base import Learned
from core.learning.methods import DivNoising, ProbabilisticNoise2Void
from core.learning.network import UNet
from core.methods.apply import evaluate
from tests.core.learning_data import scene, small, trained

if sys.platform != "win32":
    import resource

ROOT = Path(__file__).parents[2]


def test_pieces_are_halved_until_they_fit() -> None:
    sides = []

    def work(side: int) -> str:
        sides.append(side)
        if side > 100:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return "done"

    assert memory.in_pieces(work, 512, 48, "cuda:0") == "done"
    assert sides == [512, 256, 128, 64]


def test_pieces_that_do_not_fit_are_not_tried() -> None:
    """Because some libraries end the process when they get no memory."""
    sides, most = [], machine.available_memory()

    def work(side: int) -> str:
        sides.append(side)
        return "done"

    needed = {512: 4 * most, 256: 2 * most, 128: 2**20}
    assert memory.in_pieces(work, 512, 48, "cpu", needed.__getitem__) == "done"
    assert sides == [128]
    with pytest.raises(QuietfieldError, match="not enough memory on cpu"):
        memory.in_pieces(work, 512, 200, "cpu", lambda _: 2 * most)
    assert memory.in_pieces(work, 512, 48, "cuda:0", lambda _: 2 * most) == "done"
    assert sides == [128, 512]


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
@pytest.mark.parametrize("megabytes", [300, 680, 760])
def test_too_little_memory_is_a_sentence(tmp_path: Path, megabytes: int) -> None:
    """Too little for the import of torch, for any use of it, and for a tile of Instant."""
    tifffile.imwrite(tmp_path / "a.tif", np.random.default_rng(0).poisson(30, (512, 512)).astype(np.uint16))
    done = subprocess.run(
        [sys.executable, "-m", "app", "denoise", tmp_path / "a.tif", "-o", tmp_path / "b.tif",
         "--method", "instant", "--quality", "best"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "There is not enough memory" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_what_does_not_fit_at_all_is_a_sentence() -> None:
    sides = []

    def work(side: int) -> None:
        sides.append(side)
        raise torch.OutOfMemoryError("CUDA")

    with pytest.raises(QuietfieldError, match="not enough memory on cuda:0"):
        memory.in_pieces(work, 512, 200, "cuda:0")
    assert sides == [512, 256, 200]


def test_other_errors_stay_what_they_are() -> None:
    def work(side: int) -> None:
        raise RuntimeError(f"shapes do not fit {side}")

    with pytest.raises(RuntimeError, match="do not fit 512"):
        memory.in_pieces(work, 512, 64, "cpu")


def test_a_network_that_does_not_fit_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA")

    network = torch.nn.Conv2d(1, 1, 3)
    monkeypatch.setattr(network, "to", full)
    with pytest.raises(QuietfieldError, match="not enough memory on cpu"):
        devices.placed(network, torch.device("cpu"))


@pytest.mark.parametrize("cls", [ProbabilisticNoise2Void, DivNoising])
def test_memory_is_asked_for_before_a_network_runs(
    monkeypatch: pytest.MonkeyPatch, cls: type[Learned]
) -> None:
    """Libraries end the process where they get none."""
    stack, _ = scene(frames=2)
    method = cls(steps=1, seconds=0.0, patch=64, batch=1, validation_patches=1, epoch=1)
    model, _ = trained(stack, method)
    asked = []

    def none(needed: int) -> bool:
        asked.append(needed)
        return False

    monkeypatch.setattr(memory, "can_get", none)
    with pytest.raises(QuietfieldError, match="not enough memory on cpu to train"):
        trained(stack, method)
    with pytest.raises(QuietfieldError, match="not enough memory on cpu to use"):
        evaluate(stack, model.prediction("cpu"))
    assert min(asked) > 300 * 64 * 64


def test_smaller_pieces_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where anything above 140 x 140 pixels, margins included, is too large."""
    stack, _ = scene(frames=2, side=160)
    model, _ = trained(stack, small())
    whole = evaluate(stack, model.prediction("cpu"))[0]
    forward, asked = UNet.forward, []

    def limited(self: UNet, images: Tensor) -> Tensor:
        asked.append(images.shape[-1] * images.shape[-2] * len(images))
        if asked[-1] > 140 * 140:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return forward(self, images)

    monkeypatch.setattr(UNet, "forward", limited)
    found = evaluate(stack, model.prediction("cpu"))[0]
    assert max(asked) > 140 * 140 >= min(asked)
    np.testing.assert_allclose(found, whole, atol=1e-3)


@dataclass(frozen=True)
class Inner:
    first: Tensor
    nothing: None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    second: Tensor
    word: str = "word"


def test_work_on_a_processor_is_done_each_time() -> None:
    times = []

    def work(given: Outer) -> Tensor:
        times.append(given.word)
        return given.inner.first.sum() * given.second

    repeated = Repeated(work)
    for number in range(8):
        given = Outer(Inner(torch.full((2,), float(number))), torch.tensor(3.0))
        assert float(repeated(given)) == 6.0 * number
    assert len(times) == 8
    assert repeated.recorded == 0


def test_tensors_are_found_and_replaced_at_any_depth() -> None:
    given = Outer(Inner(torch.zeros(2)), torch.ones(()))
    assert [tensor.shape for tensor in _tensors(given)] == [(2,), ()]
    other = _with(given, iter([torch.full((2,), 5.0), torch.tensor(7.0)]))
    assert other.word == "word"
    assert other.inner.nothing is None
    assert other.inner.first.tolist() == [5.0, 5.0]
    assert float(other.second) == 7.0
