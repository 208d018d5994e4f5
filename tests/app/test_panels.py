"""Panels hide and come back as they were: from the menu, with Tab, and over a start; full screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.viewer.canvas import Canvas
from app.window.main_window import MainWindow
from tests.app.test_main_window import make
from tests.driver import Answers, Driver

PANELS = ("Results", "Tools", "Measurements")


@pytest.fixture
def opened(driver: Driver, tmp_path: Path) -> Driver:
    driver.drop(make(tmp_path / "cells.tif"))
    return driver


def shown(window: MainWindow) -> list[str]:
    return [name for name, dock in window.arrangement.docks.items() if dock.isVisible()]


def sizes(window: MainWindow) -> list[tuple[int, int]]:
    QApplication.processEvents()
    return [(dock.width(), dock.height()) for dock in window.arrangement.docks.values()]


def canvas(driver: Driver) -> Canvas:
    """Return the first image on the screen."""
    return next(one for one in driver.window.findChildren(Canvas) if one.isVisible())


@pytest.mark.parametrize("name", PANELS)
def test_each_panel_is_switched_in_the_menu(opened: Driver, name: str) -> None:
    (switch,) = (a for a in opened.window.arrangement.switches() if a.text() == name)
    before = canvas(opened).size()
    assert switch.isEnabled()
    assert switch.isChecked()
    switch.trigger()
    QApplication.processEvents()
    assert shown(opened.window) == [one for one in PANELS if one != name]
    now = canvas(opened).size()
    assert now.width() * now.height() > before.width() * before.height()
    switch.trigger()
    assert shown(opened.window) == list(PANELS)


def test_tab_on_the_image_hides_all_and_brings_them_back(opened: Driver) -> None:
    window, docks = opened.window, opened.window.arrangement.docks
    window.resizeDocks([docks["Measurements"]], [300], Qt.Orientation.Vertical)
    window.resizeDocks([docks["Results"]], [260], Qt.Orientation.Horizontal)
    docks["Results"].toggleViewAction().trigger()  # a panel that was hidden stays hidden
    before = sizes(window)[1:]
    canvas(opened).setFocus()
    opened.key(Qt.Key.Key_Tab)
    QApplication.processEvents()
    assert shown(window) == []
    assert canvas(opened).mapTo(window, canvas(opened).rect().topLeft()).x() < 20
    opened.key(Qt.Key.Key_Tab)
    assert sizes(window)[1:] == before
    assert shown(window) == ["Tools", "Measurements"]


def test_tab_elsewhere_moves_the_focus(opened: Driver) -> None:
    field = opened.widget("filter-input")
    field.setFocus()
    opened.key(Qt.Key.Key_Tab, "filter-input")
    assert shown(opened.window) == list(PANELS)
    assert opened.window.focusWidget() is not field


def test_a_hidden_panel_stays_hidden_at_the_next_start_but_not_all_of_them(opened: Driver, qtbot) -> None:
    def start() -> MainWindow:
        window = MainWindow(Answers())  # type: ignore[arg-type]
        window.show()
        qtbot.waitExposed(window)
        return window

    opened.window.arrangement.docks["Measurements"].toggleViewAction().trigger()
    opened.trigger("toggle-panels")
    opened.trigger("full-screen")
    assert opened.window.isFullScreen()
    opened.window.close()
    window = start()
    assert shown(window) == ["Results", "Tools"]
    assert not window.isFullScreen()
    window.close()
    window.deleteLater()


def test_f11_fills_the_screen_and_gives_it_back(opened: Driver) -> None:
    window = opened.window
    before = window.geometry()
    opened.key(Qt.Key.Key_F11)
    QApplication.processEvents()
    assert window.isFullScreen()
    assert window.size() == window.screen().size()
    assert opened.action("full-screen").isChecked()
    opened.key(Qt.Key.Key_F11)
    QApplication.processEvents()
    assert window.geometry() == before
    assert not opened.action("full-screen").isChecked()


def test_measurements_shrink_to_a_few_lines_and_scroll(opened: Driver) -> None:
    dock = opened.window.arrangement.docks["Measurements"]
    before = canvas(opened).height()
    opened.window.resizeDocks([dock], [40], Qt.Orientation.Vertical)
    QApplication.processEvents()
    assert dock.height() <= 120
    assert canvas(opened).height() > before
    opened.trigger("compare-filters")
    opened.wait()
    assert opened.window.metrics_panel.table.rowCount() > 0


def test_the_preview_stays_when_the_panels_hide(opened: Driver) -> None:
    session = opened.window.session
    opened.wait(lambda: session.snapshot.preview is not None)
    before = session.snapshot.preview
    opened.trigger("toggle-panels")
    QApplication.processEvents()
    assert session.snapshot.preview is before
    session.move(T=2)
    opened.wait(lambda: session.snapshot.preview is not None and session.snapshot.preview is not before)
    opened.trigger("toggle-panels")
    opened.trigger("show-train")  # another tab still takes it away
    opened.wait(lambda: session.snapshot.preview is None)
