"""Selection of the clean stack for methods that need one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QMenu, QToolButton, QWidget

from app.shell import file_kinds


class TargetRow(QWidget):
    """A button that asks for a file or a folder, and the name of the chosen one.

    Attributes
    ----------
    changed : Signal
        The user chose another clean stack.
    path : Path or None
        File or folder of the clean stack.
    home : str
        Folder in which the dialogs begin: that of the open stack.
    ask_file, ask_folder : callable
        Ask for a path; "" for none.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None
        self.home = ""
        self.ask_file: Callable[[], str] = self._ask_file
        self.ask_folder: Callable[[], str] = self._ask_folder
        self.button = QToolButton()
        self.button.setObjectName("training-target")
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.button)
        menu.addAction("&File…", self._on_file)
        menu.addAction("F&older…", self._on_folder)
        self.button.setMenu(menu)
        self.name = QLabel()
        self.name.setObjectName("training-target-name")
        self.name.setWordWrap(True)
        help = (
            "<p>Clean stack for training: the same pixels as the open stack, without noise or with much less "
            "noise. A file, or a folder of images with the same names as those of the open stack.</p>"
        )
        for widget in (self.button, self.name):
            widget.setToolTip(help)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.button, 0, 0)
        grid.addWidget(self.name, 0, 1)
        self.show_path(None)

    def show_path(self, path: Path | None) -> None:
        """Show another clean stack, or none."""
        self.path = path
        self.button.setText("Clean stack…")
        self.name.setText(path.name if path is not None else "not chosen yet")

    @Slot()
    def _on_file(self) -> None:
        self._take(self.ask_file())

    @Slot()
    def _on_folder(self) -> None:
        self._take(self.ask_folder())

    def _take(self, text: str) -> None:
        if text:
            self.show_path(Path(text))
            self.changed.emit()

    def _ask_file(self) -> str:
        return QFileDialog.getOpenFileName(self, "Clean stack", self._folder(), file_kinds.images())[0]

    def _ask_folder(self) -> str:
        return QFileDialog.getExistingDirectory(self, "Folder of clean images", self._folder())

    def _folder(self) -> str:
        return str(self.path.parent) if self.path is not None else self.home
