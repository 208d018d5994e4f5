"""Opens help pages, keys and versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from app.window.help_pages import KeyGroup, page_of


class Help(QObject):
    """Shows help beside the window.

    Parameters
    ----------
    window : QWidget
        Parent of help windows.
    keys : sequence of KeyGroup
        All keys of the program.
    device : callable
        Returns the name of the device of networks; "" while it is unknown.
    """

    def __init__(self, window: QWidget, keys: Sequence[KeyGroup], device: Callable[[], str]) -> None:
        super().__init__(window)
        self._window, self._keys, self._device = window, keys, device

    def show_page(self) -> None:
        """Show the help page of the panel with the keyboard focus."""
        from app.window.help_window import HelpWindow  # imported on demand, for a fast start

        page = page_of(QApplication.focusWidget())
        shown = self._window.findChild(HelpWindow) or HelpWindow(self._keys, self._window)
        shown.show_page(page)

    def show_keys(self) -> None:
        """List all keys."""
        from app.window.help_dialogs import keys_dialog

        keys_dialog(self._keys, self._window).show()

    def show_about(self) -> None:
        """Show versions and licences."""
        from app.window.help_dialogs import about_dialog

        about_dialog(self._device(), self._window).show()
