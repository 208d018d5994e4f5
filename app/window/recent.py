"""The menu of files that were opened lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu


class RecentMenu:
    """Keeps a menu in step with the files opened lately.

    Parameters
    ----------
    open_path : callable
        Opens one of them.
    """

    def __init__(self, open_path: Callable[[Path], None]) -> None:
        self._open = open_path
        self.menu: QMenu | None = None

    def fill(self, recent: Sequence[str]) -> None:
        """List files, the latest first."""
        menu = self.menu
        if menu is None:
            return
        menu.clear()
        for text in recent:
            action = menu.addAction(menu.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 480))
            action.setToolTip(text)
            action.setData(text)
            action.triggered.connect(lambda _checked=False, path=Path(text): self._open(path))
        menu.setEnabled(bool(recent))
