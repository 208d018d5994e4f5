"""The PSF of a training in the window: its row, and the dialog that chooses it, used as by a hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.documents.opening import first_levels
from app.panels.training.psf.dialog import PsfDialog
from app.panels.training.psf.picture import KernelPicture, central
from app.window.help_window import HelpWindow
from core.files import save_stack
from core.psf import gaussian
from core.psf.value import FWHM
from core.simulation import sample
from core.simulation.experiment import Simulation
from core.stack import Metadata, Stack
from tests.core.test_psf_beads import beads

OME = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Instrument ID="I:0"><Objective ID="O:0" '
    'LensNA="1.2" Immersion="Water"/></Instrument><Image ID="Image:0"><ObjectiveSettings ID="O:0"/>'
    '<Pixels ID="P:0"><Channel ID="C:0" EmissionWavelength="600"/></Pixels></Image></OME>'
)


def open_sample(driver: Any, **changes: Any) -> Stack:
    """Open a small stack with pixels of 0.1 µm, and choose DecoNoising in the Train tab."""
    stack = sample(frames=2, shape=(64, 64)).noisy
    meta = Metadata(name="cells.tif", spacing={"X": 0.1, "Y": 0.1}, unit="µm", **changes)
    stack = Stack.of(stack.read(), "TYX", meta)
    driver.window.session.open(stack, first_levels(stack))
    driver.trigger("show-train")
    driver.choose("training-method", "DecoNoising")
    driver.wait()
    return stack


def open_dialog(driver: Any) -> PsfDialog:
    driver.qtbot.waitUntil(lambda: driver.window.findChild(PsfDialog) is None)  # a former one is deleted
    driver.click("deconoising-psf")
    (dialog,) = (one for one in driver.window.findChildren(PsfDialog) if one.isVisible())
    return dialog


def until(driver: Any, condition: Callable[[], bool], seconds: float = 60) -> None:
    driver.qtbot.waitUntil(condition, timeout=round(1000 * seconds))


def method(driver: Any) -> Any:
    return driver.window.training_panel.settings.method()


def words(driver: Any) -> str:
    return str(driver.widget("deconoising-psf-words").text())


def test_the_row_says_which_psf_is_used(driver: Any) -> None:
    open_sample(driver)
    assert "Gaussian, sigma 1 px" in words(driver)
    assert f"FWHM {FWHM:.3g} px ({FWHM / 10:.3g} µm)" in words(driver).replace("\u00a0", " ")
    picture: KernelPicture = driver.widget("deconoising-psf-picture")
    assert picture.psf == gaussian(1.0)
    driver.set("deconoising-sigma", "1.5")
    assert "Gaussian, sigma 1.5 px" in words(driver)
    assert picture.psf == gaussian(1.5)
    driver.set("deconoising-sigma", "0")
    assert "Noise2Void" in words(driver)
    assert picture.psf is None
    driver.choose("training-method", "Noise2Void")
    assert not driver.widget("deconoising-psf").isVisible()


def test_the_picture_is_the_kernel_on_its_pixels(driver: Any) -> None:
    picture = KernelPicture("picture", 70, sections=False)
    driver.qtbot.addWidget(picture)
    psf = gaussian(1.0)
    picture.show_psf(psf, "a Gaussian")
    assert picture.accessibleName() == "a Gaussian"
    part = central(psf.kernel, psf.fwhm["X"])
    assert part.shape == (7, 7)
    image = picture.grab().toImage()
    scale = image.width() / 70
    for row, column in ((3, 3), (0, 0), (5, 0)):  # away from the ellipse
        x, y = (round((n * 10 + 3) * scale) for n in (column, row))
        expected = 255 * np.sqrt(part[row, column] / part.max())
        assert image.pixelColor(x, y).lightness() == pytest.approx(expected, abs=6)


def test_a_gaussian_of_the_dialog_becomes_the_sigma(driver: Any) -> None:
    open_sample(driver)
    dialog = open_dialog(driver)
    until(driver, dialog.use.isEnabled)
    assert "Gaussian, sigma 1 px" in dialog.facts.text()
    driver.set("psf-sigma-x", "1.7")
    driver.set("psf-sigma-y", "1.7")
    until(driver, lambda: "sigma 1.7 px" in dialog.facts.text())
    driver.click("psf-use")
    assert method(driver).sigma == 1.7
    assert method(driver).psf == ""
    dialog = open_dialog(driver)
    driver.set("psf-sigma-y", "1.2")
    until(driver, lambda: "X 1.7, Y 1.2" in dialog.facts.text())
    driver.click("psf-use")
    assert method(driver).psf == "gaussian:x=1.7,y=1.2"
    assert not driver.widget("deconoising-sigma").isEnabled()
    assert "instead" in driver.widget("deconoising-sigma").parentWidget().toolTip()


def test_optics_are_filled_in_from_the_metadata(driver: Any) -> None:
    open_sample(driver, ome_xml=OME)
    dialog = open_dialog(driver)
    driver.choose("psf-source", "Optics")
    assert driver.widget("psf-optics-na").value() == 1.2
    assert driver.widget("psf-optics-n").value() == 1.333
    assert driver.widget("psf-optics-emission").value() == 600
    assert driver.widget("psf-optics-pixel").value() == 0.1
    assert "numerical aperture" in driver.widget("psf-optics-origin").text()
    assert "doi:10.1364/AO.46.001819" in driver.widget("psf-optics-formula").text()
    # 600 nm / (4 * 1.2), of a widefield microscope
    assert "at most 0.125 µm" in driver.widget("psf-optics-sampling").text()
    assert not driver.widget("psf-optics-pinhole").isEnabled()
    until(driver, dialog.use.isEnabled)
    assert "From optics (widefield)" in dialog.facts.text()
    assert "µm" in dialog.facts.text()
    driver.set("psf-optics-pixel", "0.3")
    assert "undersampled" in driver.widget("psf-optics-sampling").text()
    until(driver, lambda: "Undersampled along" in dialog.facts.text())
    driver.set("psf-optics-pixel", "0.1")
    until(driver, lambda: dialog.use.isEnabled() and "Undersampled" not in dialog.facts.text())
    driver.click("psf-use")
    assert method(driver).psf == "optics:na=1.2,n=1.333,emission=600,kind=widefield"
    driver.wait()
    assert "From optics" in words(driver)
    assert open_dialog(driver).source.currentData() == "optics"


def test_what_the_optics_cannot_be_is_said(driver: Any) -> None:
    open_sample(driver)
    dialog = open_dialog(driver)
    driver.choose("psf-source", "Optics")
    assert "Not in the metadata" in driver.widget("psf-optics-origin").text()
    driver.set("psf-optics-n", "1.33")
    assert "the aperture must be smaller" in dialog.problem.text()
    assert not dialog.use.isEnabled()
    driver.set("psf-optics-na", "1.2")
    until(driver, dialog.use.isEnabled)
    assert not dialog.problem.isVisible()
    driver.set("psf-optics-pixel", "0.002")
    until(driver, lambda: "too many for a kernel" in dialog.problem.text())
    driver.choose("psf-source", "Gaussian")
    driver.set("psf-sigma-x", "0")
    until(driver, lambda: "must be a finite number above 0" in dialog.problem.text())
    driver.set("psf-sigma-x", "30")
    until(driver, lambda: "Increase the patch side" in dialog.problem.text())
    assert not dialog.use.isEnabled()
    dialog.reject()
    assert method(driver).sigma == 1.0


def test_beads_are_dropped_counted_and_used(driver: Any, tmp_path: Path) -> None:
    open_sample(driver)
    image = Stack.of(beads((1.3, 1.3)), "YX", spacing={"X": 0.1, "Y": 0.1}, unit="µm")
    path = save_stack(tmp_path / "beads.tif", image).path
    dialog = open_dialog(driver)
    driver.drop(path, onto=dialog)
    assert dialog.source.currentData() == "beads"
    until(driver, dialog.use.isEnabled)
    assert "bright points are used as beads" in driver.widget("psf-beads-found").text()
    small = dialog.picture.psf.fwhm["X"]
    driver.set("psf-bead-diameter", "0.25")
    until(driver, lambda: dialog.use.isEnabled() and dialog.picture.psf.fwhm["X"] < small)
    # variances of bead and PSF add up
    assert dialog.picture.psf.fwhm["X"] == pytest.approx(FWHM * np.sqrt(1.3**2 - 2.5**2 / 20), rel=0.05)
    driver.set("psf-bead-diameter", "3")
    until(driver, lambda: "too narrow for a diameter of 3 µm" in dialog.problem.text())
    driver.set("psf-bead-diameter", "0.25")
    until(driver, dialog.use.isEnabled)
    driver.click("psf-use")
    assert method(driver).psf == f"beads:diameter=0.25,{path}"
    assert "beads" in words(driver)


def test_bad_beads_are_refused_and_nothing_is_lost(driver: Any, tmp_path: Path) -> None:
    open_sample(driver)
    dialog = open_dialog(driver)
    driver.choose("psf-source", "Image of beads")
    assert not dialog.use.isEnabled()
    saturated = np.minimum(beads((1.5, 1.5)), 300).astype(np.uint16)
    far = beads((1.5, 1.5))
    empty = np.random.default_rng(0).poisson(20.0, (80, 80)).astype(np.uint16)
    cases = (
        (saturated, 0.1, "saturated"), (empty, 0.1, "No beads"), (far, 5.0, "Correct the pixel size"),
    )  # fmt: skip
    for number, (pixels, step, wanted) in enumerate(cases):
        image = Stack.of(pixels, "YX", spacing={"X": step, "Y": step}, unit="µm")
        path = save_stack(tmp_path / f"{number}.tif", image).path
        dialog.beads.ask = lambda path=path: str(path)
        driver.click("psf-beads-choose")
        until(driver, lambda wanted=wanted: wanted in dialog.problem.text())
        assert not dialog.use.isEnabled()
        assert "There is no PSF" in dialog.use.toolTip()
    driver.set("psf-beads-path", str(tmp_path / "missing.tif"))
    until(driver, lambda: "missing.tif" in dialog.problem.text())
    dialog.reject()
    assert method(driver).psf == ""
    assert "Gaussian" in words(driver)


def test_an_estimate_is_made_on_request_and_can_be_cancelled(driver: Any) -> None:
    made = Simulation(specimen="text", sigma=1.2, photons=30, size=128, planes=2).run().noisy
    driver.window.session.open(made, first_levels(made))
    driver.trigger("show-train")
    driver.choose("training-method", "DecoNoising")
    dialog = open_dialog(driver)
    driver.choose("psf-source", "Estimated")
    assert not dialog.use.isEnabled()
    driver.click("psf-estimate")
    until(driver, dialog.progress.isVisible)
    driver.click("psf-cancel")
    until(driver, lambda: not driver.window.jobs.running and dialog.estimate.run.isEnabled())
    assert not dialog.use.isEnabled()
    driver.click("psf-estimate")
    until(driver, dialog.use.isEnabled)
    assert "standard error" in driver.widget("psf-estimate-found").text()
    sigma = dialog.picture.psf.sigmas[0]
    assert sigma == pytest.approx(1.2, rel=0.1)
    driver.click("psf-use")
    assert method(driver).psf == "estimate"
    assert f"sigma {sigma:.4g} px" in words(driver)  # known, without another estimate


def test_a_psf_is_saved_and_opened_again(driver: Any, tmp_path: Path) -> None:
    open_sample(driver)
    dialog = open_dialog(driver)
    driver.set("psf-sigma-x", "2")
    until(driver, lambda: dialog.use.isEnabled() and "X 2" in dialog.facts.text())
    dialog.ask_save = lambda: str(tmp_path / "mine.json")
    driver.click("psf-save")
    until(driver, (tmp_path / "mine.json").exists)
    driver.wait()
    driver.drop(tmp_path / "mine.json", onto=dialog)
    assert dialog.source.currentData() == "file"
    until(driver, dialog.use.isEnabled)
    driver.click("psf-use")
    assert method(driver).psf == f"file:{tmp_path / 'mine.json'}"
    assert driver.window.session.snapshot.source.stack.meta.name == "cells.tif"


def test_f1_explains_it(driver: Any) -> None:
    open_sample(driver)
    dialog = open_dialog(driver)
    dialog.activateWindow()
    until(driver, dialog.isActiveWindow)
    QTest.keyClick(dialog, Qt.Key.Key_F1)
    assert driver.window.findChild(HelpWindow).page == "psf"
