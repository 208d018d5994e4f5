"""File > Simulate: the dialog, the opened stack, and its ground truth as reference."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.documents.opening import load_simulation
from app.documents.simulate_dialog import SimulateDialog
from app.window.help_window import HelpWindow
from core.findings import kinds
from core.simulation.experiment import Simulation

SMALL = {"kind": "volume", "specimen": "nuclei", "size": 64, "planes": 3, "detector": "photomultiplier"}


def open_dialog(driver) -> SimulateDialog:
    driver.trigger("simulate")
    dialog = driver.window.findChild(SimulateDialog)
    assert dialog.isVisible()
    return dialog


def test_a_volume_opens_with_its_truth_on_offer(driver) -> None:
    dialog = open_dialog(driver)
    dialog.form.set_values(SMALL)
    dialog.simulate_button.click()
    driver.wait(lambda: driver.window.session.snapshot.source is not None)
    now = driver.window.session.snapshot
    assert now.source.stack.axes == "ZYX"
    assert now.source.stack.shape == (3, 64, 64)
    assert now.source.stack.dtype == np.uint8
    assert now.truth is not None
    assert now.truth.shape == (3, 64, 64)
    assert now.source.stack.meta.findings[0].kind is kinds.SIMULATED
    assert "photomultiplier" in now.source.stack.meta.findings[0].text.lower()


def test_the_same_settings_give_the_same_stack() -> None:
    first, second = (load_simulation(Simulation(**SMALL)) for _ in range(2))
    np.testing.assert_array_equal(first.stack.read(), second.stack.read())
    assert set(first.levels) == {0}


def test_what_does_not_fit_cannot_be_asked_for(driver) -> None:
    dialog = open_dialog(driver)
    assert dialog.simulate_button.isEnabled()
    assert "10 × 256 × 256" in dialog.hint.text()
    dialog.form.set_values({"kind": "volume", "size": 4096, "planes": 1000})
    dialog.form.changed.emit()
    assert not dialog.simulate_button.isEnabled()
    assert "memory" in dialog.hint.text()


def test_cancelled_it_changes_nothing(driver) -> None:
    dialog = open_dialog(driver)
    dialog.reject()
    assert driver.window.session.snapshot.source is None


def test_f1_explains_it(driver) -> None:
    dialog = open_dialog(driver)
    dialog.activateWindow()
    driver.qtbot.waitUntil(dialog.isActiveWindow)
    QTest.keyClick(dialog, Qt.Key.Key_F1)
    assert driver.window.findChild(HelpWindow).page == "simulate"
