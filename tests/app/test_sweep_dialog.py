"""A sweep in the window: sigmas are trained as one job, ranked, shown side by side, and one is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from app.documents.opening import first_levels
from app.panels.training.psf.sweep_dialog import SweepDialog
from app.window.help_window import HelpWindow
from core.simulation.experiment import Simulation
from core.stack import Stack
from tests.app.test_training_panel import TINY

RESULTS = ["raw", *["DecoNoising", "DecoNoising, deconvolved"] * 2]


def open_dialog(driver: Any) -> SweepDialog:
    """Open a page of text with a sigma of 1 px, and the dialog for a tiny network."""
    made = Simulation(specimen="text", sigma=1.0, photons=30, size=96, planes=2, seed=5).run().noisy
    driver.window.session.open(made, first_levels(made))
    driver.trigger("show-train")
    driver.choose("training-method", "DecoNoising")
    driver.window.training_panel.settings.form.set_values(TINY | {"steps": 5})
    driver.wait()
    driver.click("deconoising-psf-sweep")
    dialog: SweepDialog = driver.window.findChild(SweepDialog)
    assert dialog.isVisible()
    return dialog


def labels(driver: Any) -> list[str]:
    return [result.label for result in driver.window.session.snapshot.results]


def test_the_preferred_sigma_is_found_and_taken(driver: Any) -> None:
    dialog = open_dialog(driver)
    assert driver.widget("sweep-sigmas").text() == "0.5 1.0 1.5"
    assert not dialog.take.isEnabled()
    driver.set("sweep-sigmas", "1,0 0.5")
    driver.set("sweep-seconds", "0.5")
    driver.click("sweep-start")
    assert not driver.widget("training-start").isEnabled()
    assert "sweep is running" in driver.widget("training-start").toolTip()
    driver.wait(lambda: len(dialog.table.selectedItems()) > 0 and dialog.table.rowCount() == 2, 120)
    assert labels(driver) == RESULTS
    assert "Sigma 1 px is preferred" in dialog.verdict.text()
    assert driver.window.session.snapshot.result.step.params["sigma"] == 1.0
    assert dialog.table.item(0, 0).text() == "1 px"
    assert dialog.table.item(0, 1).text() == "0.0000" or float(dialog.table.item(0, 1).text()) < float(
        dialog.table.item(1, 1).text()
    )
    # a click on a picture shows that result in the viewer
    session = driver.window.session
    driver.click("sweep-deconvolved-0.5")
    shown = session.snapshot.result
    assert shown.label == "DecoNoising, deconvolved"
    assert shown.step.params["sigma"] == 0.5
    assert shown.step.model.file.endswith("_sigma0.5.quietfield")
    assert not driver.widget("sweep-denoised-1").icon().isNull()
    driver.click("sweep-take")
    method = driver.window.training_panel.settings.method()
    assert (method.sigma, method.psf) == (1.0, "")
    assert "sigma 1 px" in driver.widget("deconoising-psf-words").text()
    driver.trigger("undo")  # one sigma at a time
    assert labels(driver) == RESULTS[:3]
    gone = [b for b in dialog.findChildren(QToolButton) if b.objectName() == "sweep-denoised-1"]
    assert not gone[-1].isEnabled()


def test_cancelling_keeps_what_is_complete(driver: Any) -> None:
    dialog = open_dialog(driver)
    driver.set("sweep-sigmas", "0.5 1 1.5")
    driver.set("sweep-seconds", "1")
    driver.click("sweep-start")
    driver.qtbot.waitUntil(lambda: dialog.table.rowCount() == 1, timeout=120_000)
    assert dialog.verdict.text() == "1 of 3 sigmas are complete."
    driver.click("sweep-cancel")
    driver.wait()
    assert "cancelled" in dialog.problem.text()
    assert "complete are kept" in dialog.problem.text()
    assert labels(driver)[:3] == RESULTS[:3]
    assert len(labels(driver)) < 7
    assert driver.widget("training-start").isEnabled()


def test_another_document_does_not_show_results_of_the_former_one(driver: Any) -> None:
    dialog = open_dialog(driver)
    driver.set("sweep-sigmas", "0.5 1")
    driver.set("sweep-seconds", "0.5")
    driver.click("sweep-start")
    driver.wait(lambda: dialog.table.rowCount() == 2, 120)
    session = driver.window.session
    other = Stack.of(np.random.default_rng(0).poisson(50, (5, 32, 40)).astype(np.uint16), "TYX")
    session.open(other, first_levels(other))
    session.move(T=4)  # the swept stack has two planes
    driver.wait()
    assert dialog.table.rowCount() == 0
    assert not dialog.verdict.isVisible()
    assert not dialog.take.isEnabled()
    session.bring_back()
    driver.wait()
    assert dialog.table.rowCount() == 2
    assert dialog.verdict.isVisible()
    assert driver.widget("sweep-denoised-1").isEnabled()


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "2 to 20"), ("1", "2 to 20"), ("1 x", "are no numbers"), ("0 1", "cannot be swept")],
)
def test_sigmas_that_make_no_sense_are_refused(driver: Any, text: str, words: str) -> None:
    dialog = open_dialog(driver)
    driver.set("sweep-sigmas", text)
    assert words in dialog.problem.text()
    assert not dialog.start.isEnabled()
    assert words in dialog.start.toolTip()


def test_without_a_stack_it_says_so(driver: Any) -> None:
    driver.trigger("show-train")
    driver.choose("training-method", "DecoNoising")
    assert not driver.widget("deconoising-psf-sweep").isEnabled()
    assert "No stack is open" in driver.widget("deconoising-psf-sweep").toolTip()


def test_the_text_target_is_a_sample(driver: Any) -> None:
    driver.trigger("sample-text")
    driver.wait(lambda: driver.window.session.snapshot.source is not None)
    snapshot = driver.window.session.snapshot
    assert snapshot.source.stack.shape == (10, 256, 256)
    assert snapshot.truth is not None
    assert any("sigma of 1 px" in finding.text for finding in snapshot.source.stack.meta.findings)


def test_f1_explains_it(driver: Any) -> None:
    dialog = open_dialog(driver)
    dialog.activateWindow()
    driver.qtbot.waitUntil(dialog.isActiveWindow)
    QTest.keyClick(dialog, Qt.Key.Key_F1)
    assert driver.window.findChild(HelpWindow).page == "psf"
