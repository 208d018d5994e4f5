"""A learned method with an objective of its own, made from the parts and added from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.cli.main import main
from app.panels.training.settings import TrainingSettings
from core import catalogue
from core.checkpoint import load_model, save_model
from core.learning.methods import BlindSpot
from core.learning.parts.heads import Emitted
from core.learning.parts.objectives import Objective, PixelError
from core.learning.parts.setup import Setup
from core.learning.patches import Patches
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.methods.base import named
from core.params import param
from core.stack import Stack

OPTIONS = (
    "--method", "robust", "--beta", "0.25", "--steps", "3", "--seconds", "0", "--width", "8", "--patch", "32",
    "--epoch", "3", "--threads", "1", "-q",
)  # fmt: skip


class SmoothError(PixelError):
    """Squared error up to `beta` standard deviations, absolute error beyond."""

    def __init__(self, beta: float) -> None:
        self._beta = beta

    def errors(self, emitted: Emitted, patches: Patches) -> torch.Tensor:
        return torch.nn.functional.smooth_l1_loss(
            emitted.signal, patches.target, reduction="none", beta=self._beta
        )


@named("robust", label="Robust", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Robust(BlindSpot):
    """Noise2Void in which large errors count linearly."""

    beta: float = param(1.0, "Linear from", unit="deviations", gt=0.0, le=100.0, step=0.1, help="Where.")

    def objective(self, setup: Setup) -> Objective:
        return SmoothError(self.beta)


@pytest.fixture(autouse=True)
def _robust() -> Iterator[None]:
    threads = torch.get_num_threads()
    catalogue.add(Robust)
    yield
    catalogue.remove("robust")
    torch.set_num_threads(threads)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(3).poisson(50, (4, 48, 48)).astype(np.uint16)


def test_it_trains_with_its_own_objective_and_is_saved_and_loaded(pixels: np.ndarray, tmp_path: Path) -> None:
    stack, models = Stack.of(pixels, "TYX"), []
    for beta in (0.25, 4.0):
        method = Robust(beta=beta, steps=3, seconds=0.0, width=8, patch=32, epoch=3)
        trainer = Trainer(stack, method, device="cpu", threads=1)
        *_, last = trainer.run()
        assert last.step == 3
        models.append(trainer.model())
    small, large = (model.weights["end.weight"] for model in models)
    assert not torch.equal(small, large)
    save_model(tmp_path / "robust.quietfield", models[0])
    loaded = load_model(tmp_path / "robust.quietfield")
    assert loaded.method == models[0].method
    first, again = (evaluate(stack, model.prediction("cpu"))[0] for model in (models[0], loaded))
    np.testing.assert_array_equal(first, again)


def test_it_is_on_the_command_line(
    pixels: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy, network, denoised = (tmp_path / name for name in ("noisy.tif", "net.quietfield", "out.tif"))
    tifffile.imwrite(noisy, pixels, imagej=True, metadata={"axes": "TYX"})
    assert main(["methods", "--json"]) == 0
    known = {method["name"]: method for method in json.loads(capsys.readouterr().out)}
    assert "beta" in {p["name"] for p in known["robust"]["parameters"]}
    assert "beta" not in known["robust"]["presets"]["best"]  # which leaves it as it is
    assert main(["train", str(noisy), "-o", str(network), *OPTIONS]) == 0
    assert json.loads(capsys.readouterr().out)["method"] == "robust"
    assert load_model(network).method == Robust(beta=0.25, steps=3, seconds=0.0, width=8, patch=32, epoch=3)
    assert main(["apply", str(network), str(noisy), "-o", str(denoised), "-q"]) == 0
    assert tifffile.imread(denoised).shape == pixels.shape


def test_it_is_in_the_training_form(qtbot: QtBot) -> None:
    settings = TrainingSettings()
    qtbot.addWidget(settings)
    settings.kind.setCurrentIndex(settings.kind.findData("robust"))
    settings.show()
    settings.form.set_values({"beta": 0.5})
    assert settings.method() == Robust(beta=0.5)
    assert settings.findChild(QWidget, "robust-beta").isVisibleTo(settings)
    assert not settings.findChild(QWidget, "robust-average").isVisibleTo(settings)  # under More
    assert settings.description.text() == "Noise2Void in which large errors count linearly."
