"""Enter in a dialog does what its main button says, as by a hand that never leaves the keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPushButton

from tests.app.test_main_window import make
from tests.app.test_sweep_dialog import open_dialog as open_sweep
from tests.driver import Driver


def the_dialog(driver: Driver) -> QDialog:
    """Return the only dialog on the screen, active."""
    (dialog,) = (found for found in driver.window.findChildren(QDialog) if found.isVisible())
    dialog.activateWindow()
    driver.qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def press_enter(dialog: QDialog) -> None:
    """Press Enter where the keyboard focus is."""
    QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Return)


def defaults(dialog: QDialog) -> list[str]:
    """Return the names of the buttons that Enter presses."""
    return [button.objectName() for button in dialog.findChildren(QPushButton) if button.isDefault()]


def test_export_needs_ctrl_s_and_enter_only(driver: Driver, tmp_path: Path) -> None:
    driver.drop(make(tmp_path / "cells.tif"))
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    driver.key(Qt.Key.Key_S, modifiers=Qt.KeyboardModifier.ControlModifier)
    dialog = the_dialog(driver)
    dialog.choose_file = lambda proposed: pytest.fail("Enter opened Browse")  # type: ignore[attr-defined]
    press_enter(dialog)
    assert not dialog.isVisible()
    driver.wait((tmp_path / "cells_denoised.tif").exists)


def test_enter_exports_from_the_file_name_and_browses_on_browse_only(driver: Driver, tmp_path: Path) -> None:
    driver.drop(make(tmp_path / "cells.tif"))
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    driver.trigger("export")
    dialog: Any = the_dialog(driver)
    asked: list[str] = []
    dialog.choose_file = lambda proposed: asked.append(proposed) or ""
    dialog.findChild(QPushButton, "export-browse").setFocus()
    press_enter(dialog)
    assert asked == [dialog.path_edit.text()]
    driver.set("export-path", tmp_path / "mine.tif")
    dialog.path_edit.setFocus()
    press_enter(dialog)
    driver.wait((tmp_path / "mine.tif").exists)
    assert len(asked) == 1


def test_enter_simulates(driver: Driver) -> None:
    driver.trigger("simulate")
    dialog: Any = the_dialog(driver)
    dialog.form.set_values({"size": 64, "planes": 2})
    press_enter(dialog)
    driver.wait(lambda: driver.window.session.snapshot.source is not None)
    assert driver.window.session.snapshot.source.stack.shape == (2, 64, 64)


def test_main_buttons_of_noise_model_psf_and_calibration_are_the_defaults(
    driver: Driver, tmp_path: Path
) -> None:
    driver.drop(make(tmp_path / "cells.tif"))
    driver.trigger("show-train")
    driver.choose("training-method", "PN2V")
    driver.click("training-noise-model")
    dialog = the_dialog(driver)
    assert defaults(dialog) == ["noise-model-use"]
    driver.wait(driver.widget("noise-model-use").isEnabled)
    press_enter(dialog)
    assert not dialog.isVisible()
    driver.choose("training-method", "DecoNoising")
    driver.wait()
    driver.click("deconoising-psf")
    dialog = the_dialog(driver)
    assert defaults(dialog) == ["psf-use"]
    driver.qtbot.waitUntil(driver.widget("psf-use").isEnabled)
    press_enter(dialog)
    assert not dialog.isVisible()
    driver.window.dialogs.calibrate()
    assert defaults(the_dialog(driver)) == ["calibrate-accept"]


def test_enter_among_the_sigmas_starts_the_sweep(driver: Driver) -> None:
    dialog = open_sweep(driver)
    driver.set("sweep-sigmas", "1.0 0.5")
    dialog.sigmas.setFocus()
    press_enter(the_dialog(driver))
    assert dialog.isVisible()
    assert [job.label for job in driver.window.jobs.running]
    driver.click("sweep-cancel")
    driver.wait()
