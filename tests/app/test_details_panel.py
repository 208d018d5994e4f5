"""The Details tab: residual, repeats and ring correlation of the shown result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.panels.details.panel import describe
from core.catalogue import create
from core.methods.apply import apply
from core.quality.details import examine
from core.simulation import sample
from core.stack import Stack
from tests.driver import Driver

MADE = sample(frames=6, shape=(160, 192))


def show_details(driver: Driver) -> None:
    tabs = driver.widget("lower-tabs").tabBar()
    number = next(n for n in range(tabs.count()) if tabs.tabText(n) == "Details")
    QTest.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(number).center())
    driver.wait()


def test_a_wide_blur_is_said_to_remove_detail_and_a_narrow_one_is_not(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, MADE.noisy.read(), imagej=True, metadata={"axes": "TYX"})
    driver.window.filter_panel.preview.setChecked(False)
    show_details(driver)
    assert "Choose a result" in driver.widget("details-words").text()
    driver.drop(path)
    driver.method("gaussian")
    said = {}
    for sigma in (0.5, 8.0):
        driver.set("gaussian-sigma", sigma)
        driver.click("filter-apply")
        driver.wait()
        said[sigma] = driver.widget("details-words").text()
    assert "little more than noise was removed" in said[0.5]
    assert "detail was removed too" in said[8.0]
    assert "resolves" in said[8.0]
    plots = driver.window.details_panel.plots
    assert plots is not None
    assert plots.isVisible()
    driver.shot("details")


def test_what_was_said_of_another_image_disappears_when_nothing_can_be_said(
    driver: Driver, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "cells.tif", MADE.noisy.read()[0])
    tifffile.imwrite(tmp_path / "flat.tif", np.full((64, 64), 5, np.uint8))
    driver.drop(tmp_path / "cells.tif")
    show_details(driver)
    assert "resolves" in driver.widget("details-words").text()
    driver.drop(tmp_path / "flat.tif")
    driver.wait()
    assert "is constant" in driver.widget("details-problem").text()
    assert driver.widget("details-words").text() == ""


def test_the_error_from_repeats_agrees_with_the_truth() -> None:
    method = create("gaussian", {"sigma": 1.0})
    (result,) = apply(MADE.noisy, method)
    region = MADE.noisy.region(T=2)
    found = examine(MADE.noisy, result, region)
    truth = float(np.mean((result.read(region)[0] - MADE.clean.read()) ** 2))
    assert found.repeats == 5
    assert found.from_frames
    assert found.error is not None
    assert found.error.mse == pytest.approx(truth, abs=4 * found.error.error + 0.05 * truth)
    assert found.residual is not None
    assert found.residual.only_noise


def test_a_single_plane_is_split_for_the_correlation() -> None:
    plane = Stack.of(MADE.noisy.read()[0], "YX")
    found = examine(plane, None, plane.region())
    assert not found.from_frames
    assert found.residual is None
    assert found.error is None
    assert found.ring.frequency[-1] <= 0.25, "halves have pixels of twice the size"


def test_frames_that_were_never_recorded_are_no_repeats() -> None:
    """A camera that stopped early leaves blank frames at the end."""
    pixels = MADE.noisy.read().astype(np.float32)
    blank = np.zeros((2, *pixels.shape[1:]), np.float32)
    stopped = Stack.of(np.concatenate([pixels, blank]), "TYX")
    (complete, found) = (examine(one, None, one.region(T=5)) for one in (MADE.noisy, stopped))
    assert found.repeats == complete.repeats == 5
    assert found.psnr == pytest.approx(complete.psnr, abs=0.01)


def test_halves_of_an_image_whose_pixels_share_noise_are_doubted() -> None:
    rng = np.random.default_rng(2)
    clean = MADE.clean.read().reshape(MADE.clean.shape[-2:])
    white = rng.normal(0, 60, clean.shape)
    shared = (white + np.roll(white, 1, axis=1)) / np.sqrt(2)
    doubted = []
    for noise in (white, shared):
        stack = Stack.of((clean + noise).astype(np.float32), "YX")
        found = examine(stack, None, stack.region())
        doubted.append((found.shares_noise, "halves may share noise" in describe("Source", found)))
    assert doubted[1] == (True, True)
    assert doubted[0] == (False, False)
