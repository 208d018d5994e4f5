"""The menu of recently opened files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QMenu

from app.shell.preferences import PreferenceStore


class RecentMenu(QObject):
    """Updates a menu with the recently opened files.

    Parameters
    ----------
    menu : QMenu
        Menu that lists the files.
    preferences : PreferenceStore
        Stores the list.
    open_path : callable
        Opens a file.
    """

    def __init__(self, menu: QMenu, preferences: PreferenceStore, open_path: Callable[[Path], None]) -> None:
        super().__init__(menu)
        self.menu, self._preferences, self._open = menu, preferences, open_path
        preferences.changed.connect(self._fill)
        self._fill()

    @Slot()
    def _fill(self) -> None:
        """List files, newest first."""
        menu, recent = self.menu, self._preferences.current.recent
        if recent == tuple(action.data() for action in menu.actions()):
            return
        menu.clear()
        for text in recent:
            action = menu.addAction(menu.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 480))
            action.setToolTip(text)
            action.setData(text)
            action.triggered.connect(lambda _checked=False, path=Path(text): self._open(path))
        menu.setEnabled(bool(recent))
