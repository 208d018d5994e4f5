"""The noise model dialog: made, shown, saved, loaded and used for training, as a hand would."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication

from core.noise.model_text import from_text, load_models, save_models
from core.noise.models import PoissonGaussian
from tests.driver import Driver

CAMERA = PoissonGaussian.camera(gain=2.5, offset=100.0, read_noise=4.0)


def frames(count: int, brightest: float, seed: int = 1) -> np.ndarray:
    """Repeated frames of a ramp of light, 0.5 photons to the brightest."""
    light = np.linspace(0.5, brightest, 96)[:, None] * np.ones(96)
    mean = np.repeat(100 + 2.5 * light[None], count, axis=0)
    return np.rint(CAMERA.sample(mean, np.random.default_rng(seed))).astype(np.uint16)


def save(path: Path, pixels: np.ndarray) -> Path:
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX"})
    return path


@pytest.fixture
def opened(driver: Driver, tmp_path: Path) -> Driver:
    driver.drop(save(tmp_path / "cells.tif", frames(8, 40.0)))
    driver.trigger("show-train")
    driver.choose("training-method", "PN2V")
    driver.click("training-noise-model")
    driver.wait(lambda: dialog(driver).made is not None)
    return driver


def dialog(driver: Driver):
    return driver.widget("noise-model-dialog")


def origin(driver: Driver, name: str) -> None:
    driver.click(f"noise-model-{name}")
    driver.wait()
    assert driver.widget(f"noise-model-{name}").isChecked()
    assert dialog(driver).made.wanted.origin == name


def chosen(driver: Driver):
    return driver.window.training_panel.settings.method()


def words(driver: Driver) -> str:
    return driver.widget("training-noise-model-words").text()


def test_the_measured_noise_is_the_default_and_covers_everything(opened):
    made = dialog(opened).made
    assert made.wanted.origin == "measured"
    assert made.models.channels[0].gain == pytest.approx(2.5, rel=0.1)
    assert "formula and covers every signal" in opened.widget("noise-model-range").text()
    line, points = opened.widget("noise-model-deviation").listDataItems()[::-1]
    signal, deviation = points.getData()
    bright = signal > 110  # below, the estimated read noise decides
    assert np.interp(signal, *line.getData())[bright] == pytest.approx(deviation[bright], rel=0.1)
    opened.click("noise-model-use")
    assert not dialog(opened).isVisible()
    assert chosen(opened).noise_model == ""
    assert words(opened) == "Noise model: as measured"


def test_a_model_from_repeats_is_used_for_training(opened):
    origin(opened, "repeats")
    (model,) = dialog(opened).made.models.channels
    signal = np.array([120.0, 150.0, 190.0])
    assert model.variance(signal) == pytest.approx(CAMERA.variance(signal), rel=0.12)
    assert "covers signals from" in opened.widget("noise-model-range").text()
    for number in (1, 2, 3):
        plot = opened.widget(f"noise-model-histogram-{number}")
        curve = plot.listDataItems()[-1]
        x, density = curve.getData()
        assert np.trapezoid(density, x) == pytest.approx(1.0, abs=0.03)
    opened.choose("noise-model-kind", "Histogram")
    opened.wait(lambda: type(dialog(opened).made.models.channels[0]).__name__ == "Histogram")
    opened.click("noise-model-use")
    assert words(opened) == "Noise model: repeated frames (cells.tif)"
    assert from_text(chosen(opened).noise_model, "it").source == "repeated frames (cells.tif)"
    opened.click("training-noise-model")  # all is as it was left
    opened.wait()
    assert opened.widget("noise-model-repeats").isChecked()
    assert dialog(opened).made.wanted.kind == "histogram"


def test_calibration_frames_that_the_stack_exceeds_are_refused_with_both_ranges(opened, tmp_path):
    opened.answers.to_open = [save(tmp_path / "dim.tif", frames(10, 12.0, 2))]
    origin(opened, "calibration")
    assert opened.widget("noise-model-calibration-name").text() == "dim.tif"
    told = opened.widget("noise-model-exceeds").text()
    assert "the stack exceeds them" in told
    assert not opened.widget("noise-model-use").isEnabled()
    assert "does not cover" in opened.widget("noise-model-use").toolTip()
    opened.answers.to_open = [save(tmp_path / "bright.tif", frames(10, 60.0, 3))]
    opened.click("noise-model-choose-calibration")
    opened.wait(lambda: opened.widget("noise-model-use").isEnabled())
    assert not opened.widget("noise-model-exceeds").isVisible()


def test_dropped_frames_make_a_model_that_is_saved_and_loaded(opened, tmp_path):
    files = [save(tmp_path / f"flat{n}.tif", one[None]) for n, one in enumerate(frames(8, 60.0, 4))]
    window = dialog(opened)
    target, mime = opened.hover_files(files, window)
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(target, QDropEvent(QPointF(50, 50), copy, mime, left, none))
    opened.wait(lambda: window.made.wanted.origin == "calibration")
    assert opened.widget("noise-model-calibration-name").text() == "8 files, from flat0.tif"
    opened.answers.paths["save"] = tmp_path
    opened.click("noise-model-save")
    opened.wait()
    path = tmp_path / "cells_noise_model.json"
    assert "Saved as" in opened.widget("noise-model-notes").text()
    assert load_models(path).of(0).span == pytest.approx(window.made.models.of(0).span, rel=1e-4)
    opened.click("noise-model-use")
    assert chosen(opened).noise_model == str(path)
    assert words(opened) == f"Noise model: {path.name}"
    opened.click("training-noise-model")
    opened.answers.paths["noise model"] = path
    origin(opened, "file")
    assert opened.widget("noise-model-file-name").text() == path.name


def test_what_fails_is_a_sentence_and_the_model_before_stays(opened, tmp_path):
    before = dialog(opened).made
    for name, content in (("not.json", json.dumps({"a": 1})), ("broken.json", "{")):
        path = tmp_path / name
        path.write_text(content)
        opened.answers.paths["noise model"] = path
        opened.click("noise-model-choose-file")
        opened.wait()
        assert name in opened.widget("noise-model-problem").text()
        assert dialog(opened).made is before
        assert opened.widget("noise-model-measured").isChecked()
    opened.answers.to_open = [save(tmp_path / "few.tif", frames(3, 40.0))]
    opened.click("noise-model-calibration")
    opened.wait()
    assert "needs 5 frames or more" in opened.widget("noise-model-problem").text()
    assert dialog(opened).made is before
    opened.answers.to_open = []  # the question is cancelled
    opened.click("noise-model-calibration")
    assert opened.widget("noise-model-measured").isChecked()


def test_another_number_of_channels_is_refused(opened, tmp_path):
    from core.noise.model_text import NoiseModels

    path = save_models(tmp_path / "two.json", NoiseModels(channels=(CAMERA, CAMERA)))
    opened.answers.paths["noise model"] = path
    opened.click("noise-model-file")
    opened.wait()
    assert "has 2 channels and cells.tif has 1" in opened.widget("noise-model-problem").text()


def test_the_noise_tab_opens_it_and_a_method_without_a_model_becomes_pn2v(driver, tmp_path):
    driver.drop(save(tmp_path / "cells.tif", frames(1, 40.0)))
    driver.trigger("show-noise")
    driver.wait()
    driver.click("noise-model-open")
    driver.wait(lambda: dialog(driver).made is not None)
    origin(driver, "denoised")
    (model,) = dialog(driver).made.models.channels
    assert model.variance(150.0) == pytest.approx(CAMERA.variance(150.0), rel=0.2)
    driver.click("noise-model-repeats")
    driver.wait()
    assert "no repeated frames" in driver.widget("noise-model-problem").text()
    assert driver.widget("noise-model-denoised").isChecked()
    driver.click("noise-model-use")
    assert chosen(driver).name == "pn2v"
    assert driver.window.training_panel.isVisible()
    driver.wait()


def test_closing_stops_the_work_and_another_stack_gets_its_own_dialog(opened, tmp_path):
    first = dialog(opened)
    opened.widget("noise-model-repeats").click()
    first.close()
    opened.wait()
    opened.drop(save(tmp_path / "other.tif", frames(6, 30.0, 5)))
    opened.click("training-noise-model")
    opened.wait(lambda: "other.tif" in opened.window.dialogs._noise_model.windowTitle())
    assert first is not opened.window.dialogs._noise_model
