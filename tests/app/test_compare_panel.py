"""The Compare panel, used by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListWidget

from app.panels.compare.exhibits import exhibits
from app.panels.compare.ranking import PLACE
from app.panels.compare.run import ordered
from core import catalogue
from core.methods.apply import apply
from tests.core.test_quality_judge import camera
from tests.core.test_work_contest import Hungry
from tests.driver import Driver

NOISY, TRUTH = camera(20)


@pytest.fixture
def opened(driver: Driver, tmp_path: Path) -> Driver:
    """Open a stack with the Compare panel in front."""
    tifffile.imwrite(tmp_path / "noisy.tif", NOISY.astype(np.uint16))
    driver.drop(tmp_path / "noisy.tif")
    driver.trigger("show-compare")
    driver.wait(lambda: driver.widget("compare-methods").count() > 0)
    return driver


def tick(driver: Driver, *labels: str) -> None:
    """Tick these methods only, with the space bar."""
    methods: QListWidget = driver.widget("compare-methods")
    for row in range(methods.count()):
        item = methods.item(row)
        wanted = any(item.text().startswith(label) for label in labels)
        if wanted != (item.checkState() == Qt.CheckState.Checked):
            methods.setFocus()
            methods.setCurrentRow(row)
            QTest.keyClick(methods, Qt.Key.Key_Space)
        assert wanted == (item.checkState() == Qt.CheckState.Checked)


def compare(driver: Driver, *labels: str) -> None:
    tick(driver, *labels)
    driver.click("compare-start")
    driver.wait(lambda: driver.window.compare_panel.found is not None)


def rows(driver: Driver) -> list[str]:
    ranking: QListWidget = driver.widget("compare-ranking")
    return [ranking.item(row).text() for row in range(ranking.count())]


def why_not(driver: Driver, name: str) -> str:
    button = driver.widget(name)
    assert not button.isEnabled()
    return str(button.toolTip())


def on_sheet(driver: Driver) -> bool:
    return bool(driver.widget("contact-sheet").isVisible())


def test_methods_are_proposed_and_ranked_by_the_estimated_error(opened: Driver) -> None:
    methods: QListWidget = opened.widget("compare-methods")
    ticked = [
        item.text() for item in (methods.item(row) for row in range(methods.count()))
        if item.checkState() == Qt.CheckState.Checked
    ]  # fmt: skip
    assert {"Instant", "Gaussian blur", "Quietfield", "N2V2", "DecoNoising"} <= set(ticked)
    assert not {"CARE", "structN2V"} & set(ticked)
    compare(opened, "Instant", "Gaussian", "Median")
    assert len(rows(opened)) == 3
    assert rows(opened)[0].startswith("1. Instant")
    assert "Estimated PSNR" in rows(opened)[0]
    assert "Instant" in opened.widget("compare-verdict").text()
    assert "Estimated PSNR, 95 % interval" in opened.widget("compare-legend").text()
    assert "better than" in opened.widget("compare-verdict").text()
    assert on_sheet(opened)
    opened.shot("compare")


def test_an_image_of_the_sheet_is_shown_large_and_applied(opened: Driver) -> None:
    compare(opened, "Gaussian", "Median")
    session = opened.window.session
    best = ordered(opened.window.compare_panel.found)[0]
    opened.click("sheet-1")
    assert not on_sheet(opened)
    preview = session.snapshot.preview
    assert preview is not None
    assert preview.label == best.label
    assert session.snapshot.layout == "split"
    opened.click("compare-apply")
    opened.wait(lambda: len(session.snapshot.results) == 2)
    made = session.snapshot.result
    assert made is not None
    assert made.step.method == best.method.name
    expected = apply(session.snapshot.results[0].stack, best.method)[0].read()
    np.testing.assert_array_equal(made.stack.read(), expected)
    # what was compared is what is applied
    np.testing.assert_array_equal(preview.pixels, expected[preview.region])
    opened.trigger("undo")
    assert len(session.snapshot.results) == 1


def test_the_sheet_is_used_by_keyboard(opened: Driver) -> None:
    compare(opened, "Gaussian", "Median", "Mean")
    panel, sheet = opened.window.compare_panel, opened.window.sheet
    first, second = opened.widget("sheet-1"), opened.widget("sheet-2")
    assert first.hasFocus()
    opened.key(Qt.Key.Key_Right, "sheet-1")
    assert second.hasFocus()
    opened.key(Qt.Key.Key_Return, "sheet-2")
    assert panel.current == 1
    assert not on_sheet(opened)
    opened.click("compare-sheet")
    assert on_sheet(opened)
    assert sheet.canvases[1].hasFocus()
    opened.key(Qt.Key.Key_Escape, "sheet-2")
    assert not on_sheet(opened)
    ranking = opened.widget("compare-ranking")
    ranking.setFocus()
    QTest.keyClick(ranking, Qt.Key.Key_Home)
    assert panel.current == 0


def test_images_of_the_sheet_share_zoom_and_contrast(opened: Driver) -> None:
    compare(opened, "Gaussian", "Median")
    canvases = opened.window.sheet.canvases
    before = canvases[0].camera
    QTest.mouseDClick(canvases[1], Qt.MouseButton.LeftButton)
    opened.window.sheet.zoom(2.0)
    assert {canvas.camera for canvas in canvases} == {canvases[0].camera}
    assert canvases[0].camera.scale == pytest.approx(2 * before.scale)
    opened.window.session.set_levels((100.0, 150.0))
    assert {canvas.picture.faces[0].layer.levels for canvas in canvases} == {(100.0, 150.0)}


def test_with_a_reference_the_truth_ranks_and_another_scale_is_fitted(opened: Driver, tmp_path: Path) -> None:
    session = opened.window.session
    tifffile.imwrite(tmp_path / "clean.tif", (TRUTH * 2).astype(np.float32))
    opened.window.metrics_panel.reference.ask_open = lambda: str(tmp_path / "clean.tif")
    box = opened.widget("metrics-reference")
    box.setCurrentIndex(1)
    box.activated.emit(1)
    opened.wait(lambda: session.snapshot.reference is not None)
    compare(opened, "Gaussian", "Median")
    panel = opened.window.compare_panel
    wrong = ordered(panel.found)[0].measures["psnr"]
    assert "another scale or offset" in opened.widget("compare-reference-note").text()
    opened.click("compare-fit")
    opened.window.jobs.cancel("compare")
    opened.wait()
    assert not panel.found.affine
    assert not session.snapshot.reference.affine  # what was cancelled changes nothing
    opened.click("compare-fit")
    opened.wait(lambda: panel.found.affine)
    assert session.snapshot.reference.affine
    assert ordered(panel.found)[0].measures["psnr"] > wrong + 5
    assert opened.widget("compare-reference-note").isHidden()
    assert "against the reference" in opened.widget("compare-verdict").text()


def test_rows_show_all_of_their_text_and_only_places_that_are_known(opened: Driver, tmp_path: Path) -> None:
    """Times such as "< 0.1 s" and names of files are no markup."""
    panel = opened.window.compare_panel
    compare(opened, "Gaussian", "Median")
    quick = [replace(entry, seconds=0.01) for entry in panel.found.entries]
    panel.ranking.show_compared(replace(panel.found, entries=tuple(quick)), None)
    shown = QTextDocument()
    for row, text in enumerate(rows(opened)):
        assert "< 0.1 s" in text
        shown.setHtml(panel.ranking.item(row).toolTip())
        assert shown.toPlainText() == text
    unranked = [replace(entry, judged=None) for entry in panel.found.entries]
    without = replace(panel.found, entries=tuple(unranked))
    panel.ranking.show_compared(without, None)
    assert {panel.ranking.item(row).data(PLACE) for row in range(2)} == {""}
    assert [shown.badge for shown in exhibits(without)] == ["–", "–", "raw"]  # none is called best
    tifffile.imwrite(tmp_path / "a<b>c.tif", TRUTH.astype(np.float32))
    opened.window.metrics_panel.reference.ask_open = lambda: str(tmp_path / "a<b>c.tif")
    box = opened.widget("metrics-reference")
    box.setCurrentIndex(1)
    box.activated.emit(1)
    opened.wait(lambda: opened.window.session.snapshot.reference is not None)
    shown.setHtml(opened.widget("compare-reference").toolTip())
    assert "a<b>c.tif" in shown.toPlainText()


def test_a_reference_of_another_size_says_so(opened: Driver, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "small.tif", np.ones((9, 9), np.float32))
    opened.window.metrics_panel.reference.ask_open = lambda: str(tmp_path / "small.tif")
    box = opened.widget("metrics-reference")
    box.setCurrentIndex(1)
    box.activated.emit(1)
    opened.wait(lambda: opened.window.session.snapshot.reference is not None)
    tick(opened, "Gaussian", "Median")
    opened.click("compare-start")
    opened.wait()
    assert "9 x 9 pixels, not 256 x 256" in opened.widget("compare-problem").text()
    assert opened.widget("compare-methods").isVisible()


def test_a_small_region_and_a_single_method_cannot_be_compared(opened: Driver) -> None:
    tick(opened, "Gaussian")
    assert "two methods" in why_not(opened, "compare-start")
    tick(opened, "Gaussian", "Median")
    opened.window.viewer.zoom(30.0)
    opened.wait(lambda: not opened.widget("compare-start").isEnabled())
    assert "64 x 64" in why_not(opened, "compare-start")
    assert "64 x 64" in opened.widget("compare-hint").text()
    opened.choose("compare-region", "Whole plane")
    assert opened.widget("compare-start").isEnabled()


def test_a_method_without_memory_is_a_row_with_its_sentence(opened: Driver) -> None:
    catalogue.add(Hungry)
    try:
        opened.window.compare_panel.choices.tick((Hungry(), catalogue.create("median", {})))
        opened.click("compare-start")
        opened.wait(lambda: opened.window.compare_panel.found is not None)
    finally:
        catalogue.remove("hungry")
    assert len(rows(opened)) == 2
    assert rows(opened)[0].startswith("1. Median")
    assert "not enough memory for Hungry" in rows(opened)[1]


def until(driver: Driver, condition: Callable[[], bool]) -> None:
    driver.qtbot.waitUntil(condition, timeout=60_000)


def test_cancelling_keeps_what_is_complete(opened: Driver) -> None:
    tick(opened, "Gaussian", "Median", "N2V2")
    opened.set("compare-seconds", 300)
    opened.click("compare-start")
    panel = opened.window.compare_panel
    until(opened, lambda: panel.found is not None and len(panel.found.entries) == 2)
    assert not opened.widget("compare-apply").isEnabled()
    opened.click("comparison-cancel")
    opened.wait()
    assert len(rows(opened)) == 2
    assert "2 methods were complete" in opened.widget("compare-problem").text()
    assert opened.widget("compare-apply").isEnabled()


def test_a_network_is_applied_as_it_was_trained(opened: Driver) -> None:
    tick(opened, "Gaussian", "N2V2")
    opened.set("compare-seconds", 5)
    opened.click("compare-start")
    panel, session = opened.window.compare_panel, opened.window.session
    opened.wait(lambda: panel.found is not None, seconds=60)
    at = [entry.method.name for entry in ordered(panel.found)].index("n2v2")
    panel.choose(at)
    compared = ordered(panel.found)[at].result.stacks[0].read()
    opened.click("compare-apply")
    opened.wait(lambda: len(session.snapshot.results) == 2)
    made = session.snapshot.result
    assert made.step.model is not None
    assert made.step.model.sha256 in session.snapshot.models
    np.testing.assert_allclose(made.stack.read()[panel.found.region], compared, rtol=1e-4)


def test_opening_another_stack_ends_the_comparison(opened: Driver, tmp_path: Path) -> None:
    tick(opened, "Gaussian", "N2V2")
    opened.set("compare-seconds", 300)
    opened.click("compare-start")
    panel = opened.window.compare_panel
    until(opened, lambda: panel.found is not None)
    assert on_sheet(opened)
    tifffile.imwrite(tmp_path / "other.tif", NOISY[:128].astype(np.uint16))
    opened.drop(tmp_path / "other.tif")
    assert panel.found is None
    assert rows(opened) == []
    assert not on_sheet(opened)
    tick(opened, "Gaussian", "Median")
    assert opened.widget("compare-start").isEnabled()


def test_closing_the_window_during_a_comparison_asks(opened: Driver) -> None:
    tick(opened, "Gaussian", "N2V2")
    opened.set("compare-seconds", 300)
    opened.click("compare-start")
    until(opened, lambda: opened.window.compare_panel.found is not None)
    opened.window.close()
    assert opened.answers.asked == [["Comparing methods"]]
    assert not opened.window.isVisible()


def test_other_tabs_and_results_take_the_preview_away(opened: Driver) -> None:
    compare(opened, "Gaussian", "Median")
    session = opened.window.session
    opened.click("sheet-2")
    assert session.snapshot.preview is not None
    opened.trigger("show-noise")
    assert session.snapshot.preview is None
    opened.trigger("show-compare")
    assert session.snapshot.preview is not None
    opened.wait()


def test_the_study_is_replayed_on_a_sample(driver: Driver) -> None:
    action = driver.window.findChild(QAction, "study-simulated")
    assert action is not None
    action.trigger()
    panel = driver.window.compare_panel
    until(driver, lambda: panel.found is not None and len(panel.found.entries) >= 2)
    names = [method.name for method in panel.choices.chosen()]
    assert names.count("deconoising") == 3
    assert "n2v" in names
    assert "gaussian" in names
    assert panel.found.reference is not None
    assert all("SNR" in row for row in rows(driver))
    driver.click("comparison-cancel")
    driver.wait()
