"""Opens what explains the program: help pages, keys, versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from app.window import help_dialogs
from app.window.help_pages import KeyGroup, page_of


class Help(QObject):
    """Shows help beside the window.

    Parameters
    ----------
    window : QWidget
        Owner of what is shown.
    keys : sequence of KeyGroup
        Every key of the program.
    device : callable
        Gives the name of the processor that networks run on; "" while it is not known.
    """

    def __init__(self, window: QWidget, keys: Sequence[KeyGroup], device: Callable[[], str]) -> None:
        super().__init__(window)
        self._window, self._keys, self._device = window, keys, device

    def show_page(self) -> None:
        """Explain the part of the window that has the keyboard."""
        from app.window.help_window import HelpWindow  # the start does not wait for it

        page = page_of(QApplication.focusWidget())
        shown = self._window.findChild(HelpWindow) or HelpWindow(self._keys, self._window)
        shown.show_page(page)

    def show_keys(self) -> None:
        """List all keys."""
        help_dialogs.keys_dialog(self._keys, self._window).show()

    def show_about(self) -> None:
        """Tell versions and licences."""
        help_dialogs.about_dialog(self._device(), self._window).show()
