"""Driver for the window: performs user actions on widgets and actions, by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QListWidget,
    QWidget,
)

from app.window.main_window import MainWindow

SHOTS = os.environ.get("QUIETFIELD_SHOTS", "")
"""Folder for screenshots; none are kept where the variable is not set."""


@dataclass(slots=True, kw_only=True)
class Answers:
    """Answers the questions of a window instead of the dialogs of the system.

    Attributes
    ----------
    to_open : list of Path
        Files to open.
    paths : dict of str to Path
        Folder, recipe and network to choose, and the folder to save in, by the names of the questions.
    leave : bool
        Whether to close the window while something runs.
    lose : {"export", "discard", "cancel"}
        What to do with expensive results that were not exported.
    asked : list of list of str
        What ran, or what would be lost, whenever that was asked.
    """

    to_open: list[Path] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    leave: bool = True
    lose: str = "discard"
    asked: list[list[str]] = field(default_factory=list)

    def files(self, folder: str) -> list[Path]:
        return self.to_open

    def folder(self, folder: str) -> Path | None:
        return self.paths.get("folder")

    def recipe(self, folder: str) -> Path | None:
        return self.paths.get("recipe")

    def network(self, folder: str) -> Path | None:
        return self.paths.get("network")

    def noise_model(self, folder: str) -> list[Path]:
        return [self.paths["noise model"]] if "noise model" in self.paths else []

    def save(self, title: str, proposed: Path, kinds: str) -> Path | None:
        return self.paths["save"] / proposed.name if "save" in self.paths else None

    def lost(self, name: str, results: Sequence[str], *, closing: bool) -> str:
        self.asked.append([name, *results, "close" if closing else "open"])
        return self.lose

    def close(self, running: Sequence[str]) -> bool:
        self.asked.append(list(running))
        return self.leave


class Driver:
    """Operates a window by mouse and keyboard."""

    def __init__(self, qtbot: Any, window: MainWindow, answers: Answers) -> None:
        self.qtbot, self.window, self.answers = qtbot, window, answers

    def widget(self, name: str) -> Any:
        """Find a widget of the window, or of one of its dialogs, by its name."""
        found = self.window.findChild(QWidget, name)
        assert found is not None, f"there is no widget called {name}"
        return found

    def action(self, name: str) -> QAction:
        """Find an action by its name."""
        found = self.window.findChild(QAction, name)
        assert found is not None, f"there is no action called {name}"
        return found

    def trigger(self, name: str) -> None:
        """Choose an action from its menu."""
        action = self.action(name)
        assert action.isEnabled(), f"{name} cannot be chosen: {action.toolTip()}"
        action.trigger()

    def click(self, name: str) -> None:
        """Click on a button with the left mouse button."""
        button = self.widget(name)
        assert button.isVisible(), f"{name} is not on the screen"
        assert button.isEnabled(), f"{name} cannot be clicked: {button.toolTip()}"
        where = button.rect().center()
        if isinstance(button, QAbstractButton) and not button.hitButton(where):
            where = QPoint(10, button.height() // 2)  # check boxes react on their words only
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)

    def method(self, name: str) -> None:
        """Choose a method in the list of the filter panel with the arrow keys."""
        for methods in self.window.filter_panel.findChildren(QListWidget):
            for row in range(methods.count()):
                item = methods.item(row)
                if item.data(Qt.ItemDataRole.UserRole) == name:
                    assert methods.isVisible(), f"{name} is not on the screen"
                    methods.setFocus()
                    QTest.keyClick(methods, Qt.Key.Key_Home)
                    for _ in range(row):
                        QTest.keyClick(methods, Qt.Key.Key_Down)
                    assert self.window.filter_panel.methods.list.chosen() == name
                    return
        raise AssertionError(f"there is no method called {name}")

    def filter(self, name: str = "gaussian") -> None:
        """Choose a method and apply it."""
        self.method(name)
        self.click("filter-apply")

    def keys(self, text: str, name: str = "") -> None:
        """Type on the keyboard, into a widget or the window."""
        QTest.keyClicks(self.widget(name) if name else self.window, text)

    def key(self, key: Qt.Key, name: str = "", modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
        """Press one key."""
        if not name and not self.window.isActiveWindow():  # a tooltip may have taken it
            self.window.activateWindow()
            self.qtbot.waitUntil(self.window.isActiveWindow)
        QTest.keyClick(self.widget(name) if name else self.window, key, modifiers)

    def set(self, name: str, value: object) -> None:
        """Type a value into a field in place of the old one, and confirm it."""
        field = self.widget(name)
        assert field.isEnabled(), f"{name} cannot be changed: {field.toolTip()}"
        edit = field.lineEdit() if isinstance(field, QAbstractSpinBox) else field
        assert isinstance(edit, QLineEdit)
        field.setFocus()
        edit.selectAll()
        QTest.keyClick(field, Qt.Key.Key_Delete)
        QTest.keyClicks(field, str(value))
        QTest.keyClick(field, Qt.Key.Key_Tab)

    def choose(self, name: str, text: str) -> None:
        """Choose an item of a drop-down list with the arrow keys."""
        box = self.widget(name)
        assert isinstance(box, QComboBox)
        index = next((i for i in range(box.count()) if box.itemText(i).startswith(text)), -1)
        assert index >= 0, f"{name} offers {[box.itemText(i) for i in range(box.count())]}, not {text}"
        box.setFocus()
        for _ in range(box.count()):
            if box.currentIndex() == index:
                return
            QTest.keyClick(box, Qt.Key.Key_Down if box.currentIndex() < index else Qt.Key.Key_Up)
        assert box.currentIndex() == index

    def drag(self, name: str, start: tuple[int, int], stop: tuple[int, int]) -> None:
        """Press the left mouse button, move, let go."""
        widget, left = self.widget(name), Qt.MouseButton.LeftButton
        first, last = QPoint(*start), QPoint(*stop)
        QTest.mousePress(widget, left, Qt.KeyboardModifier.NoModifier, first)
        for part in range(1, 5):
            QTest.mouseMove(widget, first + (last - first) * part / 4)
        QTest.mouseRelease(widget, left, Qt.KeyboardModifier.NoModifier, last)

    def hover_files(self, paths: Sequence[Path], onto: QWidget | None = None) -> tuple[QWidget, QMimeData]:
        """Drag files over a widget without letting go; return what lies under the pointer."""
        target = onto or self.window
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(p)) for p in paths])
        copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        middle = target.rect().center()
        QApplication.sendEvent(target, QDragEnterEvent(middle, copy, mime, left, none))
        QApplication.sendEvent(target, QDragMoveEvent(middle, copy, mime, left, none))
        return target, mime

    def leave(self, target: QWidget) -> None:
        """Drag out of the window again."""
        QApplication.sendEvent(target, QDragLeaveEvent())

    def drop(self, *paths: Path, onto: QWidget | None = None) -> None:
        """Drop files on a widget, by default the window, and wait until they are open."""
        target, mime = self.hover_files(paths, onto)
        copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(target, QDropEvent(QPointF(target.rect().center()), copy, mime, left, none))
        self.wait()

    def wait(self, until: Callable[[], bool] | None = None, seconds: float = 120) -> None:
        """Wait until no job runs, and until a condition holds."""
        jobs = self.window.jobs
        self.qtbot.waitUntil(
            lambda: not jobs.running and (until is None or until()), timeout=round(1000 * seconds)
        )

    def shot(self, name: str) -> None:
        """Keep a screenshot, where a folder for them is given."""
        if SHOTS:
            self.window.grab().save(str(Path(SHOTS) / f"{name}.png"))
