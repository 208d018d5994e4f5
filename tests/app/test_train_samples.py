"""The slider through samples of DivNoising, and noise models in the form of the Train panel."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QSlider, QToolButton
from pytestqt.qtbot import QtBot

from app.panels.training.controls import TrainingControls
from app.panels.training.settings import TrainingSettings
from core.learning.methods import DivNoising, Noise2Void, ProbabilisticNoise2Void
from core.noise.model_text import NoiseModels, to_text
from core.noise.models import PoissonGaussian

CAMERA = to_text(
    NoiseModels(channels=(PoissonGaussian.camera(gain=4, offset=100, read_noise=6),) * 9, source="my camera")
)


def test_the_slider_steps_through_the_samples(qtbot: QtBot) -> None:
    controls = TrainingControls()
    qtbot.addWidget(controls)
    slider = controls.findChild(QSlider, "training-sample")
    controls.show()
    controls.offer(Noise2Void().outputs)
    assert not slider.isVisibleTo(controls)
    controls.offer(DivNoising(shown=3).outputs)
    assert slider.isVisibleTo(controls)
    assert (slider.minimum(), slider.maximum(), controls.output) == (0, 3, None)
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert controls.output is not None
    assert controls.output.name == "sample 1"
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert controls.output.name == "sample 3"
    controls.shows.setCurrentIndex(controls.shows.findText("sample 2"))
    assert slider.value() == 2
    controls.shows.setCurrentIndex(controls.shows.findText("deviation of samples"))
    assert slider.value() == 0
    QTest.keyClick(slider, Qt.Key.Key_End)
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert controls.output is None


@pytest.fixture
def settings(qtbot: QtBot) -> TrainingSettings:
    found = TrainingSettings()
    qtbot.addWidget(found)
    found.kind.setCurrentIndex(found.kind.findData("pn2v"))
    found.show()
    return found


def test_the_noise_model_of_a_network_is_described_and_kept(settings: TrainingSettings) -> None:
    box = settings.findChild(QLineEdit, "pn2v-noise_model")
    assert (box.text(), box.placeholderText()) == ("", "as measured")
    assert len(CAMERA) > 500
    settings.form.set_values({"noise_model": CAMERA})
    assert (box.text(), box.placeholderText()) == ("", "my camera")
    assert settings.method() == ProbabilisticNoise2Void(noise_model=CAMERA)
    QTest.keyClicks(box, "camera.json")
    assert settings.method() == ProbabilisticNoise2Void(noise_model="camera.json")
    settings.form.set_values({"noise_model": ""})
    assert (box.text(), box.placeholderText()) == ("", "as measured")


def test_a_noise_model_is_chosen_with_a_dialog(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "camera.json")
    button = settings.findChild(QToolButton, "pn2v-noise_model-choose")
    field = button.parent()
    for answer, expected in (("", ""), (path, path), ("", path)):
        monkeypatch.setattr(field, "ask", lambda a=answer: a)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert settings.method() == ProbabilisticNoise2Void(noise_model=expected)
