"""The Noise panel: it shows the report of the open stack, and does what the findings propose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget

from core.noise.cameras import saved_cameras
from core.noise.models import PoissonGaussian
from core.noise.report import NoiseReport, report_noise
from core.noise.survey import Survey
from core.stack import Stack
from tests.driver import Driver

CAMERA = PoissonGaussian.camera(gain=2.5, offset=100.0, read_noise=4.0)


def recorded(frames: int = 6, *, correlated: bool = False) -> np.ndarray:
    """Frames of disks on a dark background."""
    y, x = np.mgrid[:96, :96]
    light = 40.0 * ((y % 32 - 16) ** 2 + (x % 32 - 16) ** 2 < 80) + 0.5
    rng = np.random.default_rng(1)
    noisy = CAMERA.sample(np.repeat(100 + 2.5 * light[None], frames, axis=0), rng)
    if correlated:
        noisy = (noisy + np.roll(noisy, 1, axis=2)) / 2
    return np.rint(noisy).astype(np.uint16)


def save(path: Path, pixels: np.ndarray) -> Path:
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX"})
    return path


def shown(driver: Driver) -> bool:
    return driver.window.noise_panel.report is not None


@pytest.fixture
def measured(driver: Driver, tmp_path: Path) -> Driver:
    driver.drop(save(tmp_path / "cells.tif", recorded()))
    driver.trigger("show-noise")
    driver.wait(lambda: shown(driver))
    return driver


def texts(driver: Driver) -> dict[str, str]:
    """Value of every line, by its topic."""
    labels = driver.window.noise_panel.findChildren(QLabel)
    ending = "-value"
    return {
        label.objectName().removeprefix("noise-").removesuffix(ending): label.text()
        for label in labels
        if label.objectName().endswith(ending)
    }


def test_the_lines_are_those_of_the_report(measured):
    report = report_noise(measured.window.session.snapshot.source.stack)
    found = texts(measured)
    assert list(found) == [entry.topic for entry in report.lines()]
    for entry in report.lines():
        assert entry.title in found[entry.topic]
        assert entry.text in found[entry.topic]
        light = measured.widget(f"noise-{entry.topic}-light").text()
        assert light.endswith(f" {entry.light}")  # the word, beside a shape in its colour
        assert any(sign in light for sign in "●◆▲■")


def test_sentences_of_good_lines_are_shown_on_request(measured):
    sentence = measured.widget("noise-gain-sentence")
    assert not sentence.isVisible()
    measured.click("noise-explain")
    assert sentence.isVisible()
    assert "counts" in sentence.text()
    measured.click("noise-explain")
    assert not sentence.isVisible()


def test_nothing_is_measured_while_another_panel_is_open(driver, tmp_path):
    driver.drop(save(tmp_path / "cells.tif", recorded()))
    driver.wait()
    assert not shown(driver)
    driver.trigger("show-noise")
    driver.wait(lambda: shown(driver))
    driver.drop(save(tmp_path / "other.tif", recorded(3)))
    driver.wait(lambda: shown(driver) and driver.window.noise_panel.report.name == "other.tif")


def test_averaging_frames_is_a_button(measured):
    measured.click("noise-advice-take")
    filters = measured.window.filter_panel
    assert filters.isVisible()
    assert filters.methods.form.values()["neighbours"] == "mean"
    measured.wait()


def test_lines_to_hide_are_chosen_in_the_train_panel(driver, tmp_path):
    driver.drop(save(tmp_path / "cells.tif", recorded(1, correlated=True)[0][None].repeat(1, axis=0)))
    pixels = recorded(6, correlated=True)
    driver.drop(save(tmp_path / "rows.tif", pixels))
    driver.trigger("show-noise")
    driver.wait(lambda: shown(driver))
    driver.click("noise-correlation-take")
    settings = driver.window.training_panel.settings
    assert settings.isVisible()
    method = settings.method()
    assert (method.name, method.line) == ("structn2v", "x")
    driver.wait()


def test_preset_and_neighbours_are_buttons_that_set_the_train_panel(driver, tmp_path):
    y, x = np.mgrid[:256, :256]
    light = np.stack([60 + 50 * np.sin((x + 3 * t) / 9) * np.cos(y / 11) for t in range(10)])
    pixels = np.rint(CAMERA.sample(100 + 2.5 * light, np.random.default_rng(4))).astype(np.uint16)
    driver.drop(save(tmp_path / "moving.tif", pixels))
    driver.trigger("show-train")
    driver.choose("training-method", "Noise2Void")
    driver.choose("training-preset", "Best")
    driver.trigger("show-noise")
    driver.wait(lambda: shown(driver))
    settings = driver.window.training_panel.settings
    assert "Preset Fast" in driver.widget("noise-data-take").text()
    driver.click("noise-data-take")
    assert settings.isVisible()
    assert (settings.method_class.name, settings.preset.currentData()) == ("n2v", "fast")
    assert settings.method().width == 16
    driver.trigger("show-noise")
    driver.wait(lambda: shown(driver))
    assert driver.widget("noise-shared-t-take").text() == "Use neighbouring frames"
    driver.click("noise-shared-t-take")
    method = settings.method()
    assert (method.name, method.neighbours) == ("quietfield", "T")
    driver.wait()


def test_hot_pixels_are_marked_in_the_image_on_request(driver, tmp_path):
    pixels = recorded()
    pixels[:, 40, 50] = 4000
    driver.drop(save(tmp_path / "hot.tif", pixels))
    driver.trigger("show-noise")
    driver.wait(lambda: shown(driver))
    canvas = driver.widget("canvas-1")
    before = canvas.grab().toImage()
    driver.window.noise_panel.findChild(QWidget, "noise-mark").setChecked(True)
    after = canvas.grab().toImage()
    at, size = canvas.to_canvas(50.5, 40.5), canvas.camera.scale
    edge = round(at.x() + max(6.0, 1.2 * size)), round(at.y())
    assert after.pixelColor(*edge) != before.pixelColor(*edge)
    assert after.pixelColor(5, canvas.height() - 5) == before.pixelColor(5, canvas.height() - 5)
    driver.window.noise_panel.findChild(QWidget, "noise-mark").setChecked(False)
    assert canvas.grab().toImage() == before


def test_a_flash_is_left_out_with_a_button_and_can_be_brought_back(driver, tmp_path):
    pixels = recorded(12)
    pixels[5] = pixels[5] * 20
    path = save(tmp_path / "flash.tif", pixels)
    driver.drop(path)
    driver.trigger("show-noise")
    driver.wait(lambda: shown(driver))
    assert texts(driver)["outlying"].endswith("frames 6</nobr>")
    driver.click("noise-outlying-take")
    driver.wait(lambda: driver.window.session.snapshot.source.stack.sizes["T"] == 11)
    rest = driver.window.session.snapshot.source.stack
    assert np.array_equal(rest.read(), np.delete(pixels, 5, axis=0))
    assert "without frames 6" in " ".join(finding.text for finding in rest.meta.findings)
    driver.wait(lambda: shown(driver))
    assert "outlying" not in texts(driver)
    assert np.array_equal(tifffile.imread(path), pixels)


def test_the_report_is_copied_as_json(measured):
    measured.click("noise-copy")
    told = json.loads(QGuiApplication.clipboard().text())
    assert NoiseReport.from_dict(told).name == "cells.tif"


def test_a_stack_that_is_too_small_gets_a_sentence(driver, tmp_path):
    driver.drop(save(tmp_path / "small.tif", np.ones((3, 8, 8), np.uint16)))
    driver.trigger("show-noise")
    driver.wait()
    assert "at least 12 x 12" in driver.widget("noise-problem").text()
    assert not driver.widget("noise-copy").isEnabled()


def test_without_a_stack_the_panel_says_what_to_do(driver):
    driver.trigger("show-noise")
    assert "No stack is open" in driver.widget("noise-hint").text()


def test_every_channel_has_its_own_lines(driver, tmp_path):
    pixels = np.stack([recorded(1)[0], recorded(1)[0] // 4])
    path = tmp_path / "two.tif"
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "CYX"})
    driver.drop(path)
    driver.trigger("show-noise")
    driver.wait(lambda: shown(driver))
    first = texts(driver)["gain"]
    driver.window.session.move(C=1)
    assert texts(driver)["gain"] != first


def test_a_stack_object_is_measured_once_for_panel_and_command(measured):
    stack: Stack = measured.window.session.snapshot.source.stack
    assert report_noise(stack).channels is measured.window.noise_panel.report.channels


def test_a_camera_is_calibrated_and_used_for_the_open_stack(measured, tmp_path):
    rng = np.random.default_rng(3)
    files = {}
    for what, light in (("dark", 0.0), ("flat", 150.0)):
        mean = np.full((8, 96, 96), 100 + 2.5 * light)
        files[what] = save(tmp_path / f"{what}.tif", np.rint(CAMERA.sample(mean, rng)).astype(np.uint16))
    measured.click("noise-calibrate")
    assert not measured.widget("calibrate-accept").isEnabled()
    assert measured.widget("calibrate-hint").text() == "Enter a name."
    measured.set("calibrate-name", "my camera")
    for what, path in files.items():
        measured.answers.to_open = [path]
        measured.click(f"calibrate-choose-{what}")
        assert measured.widget(f"calibrate-{what}").text() == str(path)
    measured.click("calibrate-accept")
    measured.wait(lambda: saved_cameras() == ("my camera",))
    measured.wait(lambda: measured.widget("noise-camera").findData("my camera") > 0)
    measured.choose("noise-camera", "my camera")
    measured.widget("noise-camera").activated.emit(measured.widget("noise-camera").currentIndex())
    panel = measured.window.noise_panel
    measured.wait(lambda: panel.report is not None and panel.report.camera == "my camera")
    assert texts(measured)["calibration"].endswith("my camera</nobr>")
    assert Survey.of(measured.window.session.snapshot.source.stack).camera.gain == pytest.approx(
        2.5, rel=0.05
    )
    measured.click("noise-calibrate")  # the name is taken now
    measured.set("calibrate-name", "my camera")
    measured.set("calibrate-dark", str(files["dark"]))
    assert "already a camera" in measured.widget("calibrate-hint").text()
    measured.widget("calibrate-dialog").close()


def test_a_calibration_that_fails_says_why(measured, tmp_path):
    constant = save(tmp_path / "constant.tif", np.full((4, 96, 96), 100, np.uint16))
    measured.click("noise-calibrate")
    measured.set("calibrate-name", "broken")
    measured.set("calibrate-dark", str(constant))
    measured.click("calibrate-accept")
    measured.wait()
    assert "All pixels of the dark frames" in measured.window.message.words.text()
    assert saved_cameras() == ()
