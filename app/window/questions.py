"""The few questions that stop a person: which file, and whether to close."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.shell import file_kinds


class Questions:
    """Asks with the dialogs of the system; a path that is None or a list that is empty means "no"."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def files(self, folder: str) -> list[Path]:
        """Which files to open."""
        kinds = file_kinds.images()
        return [Path(p) for p in QFileDialog.getOpenFileNames(self._parent, "Open", folder, kinds)[0]]

    def folder(self, folder: str) -> Path | None:
        """Which folder to open."""
        found = QFileDialog.getExistingDirectory(self._parent, "Open Folder", folder)
        return Path(found) if found else None

    def recipe(self, folder: str) -> Path | None:
        """Which recipe to run."""
        return self._one("Run Recipe", folder, file_kinds.RECIPES)

    def network(self, folder: str) -> Path | None:
        """Which trained network to apply."""
        return self._one("Apply Trained Network", folder, file_kinds.NETWORKS)

    def _one(self, title: str, folder: str, kinds: str) -> Path | None:
        found = QFileDialog.getOpenFileName(self._parent, title, folder, kinds)[0]
        return Path(found) if found else None

    def save(self, title: str, proposed: Path, kinds: str) -> Path | None:
        """Under which name to save; the dialog asks before it replaces a file."""
        found = QFileDialog.getSaveFileName(self._parent, title, str(proposed), kinds)[0]
        return Path(found) if found else None

    def close(self, running: Sequence[str]) -> bool:
        """Whether to close while something runs."""
        box = QMessageBox(self._parent)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Quietfield")
        box.setText(f"Still running: {', '.join(running)}.")
        box.setInformativeText("Closing cancels this; no incomplete file is left.")
        leave = box.addButton("Close Anyway", QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Keep Running", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.exec()
        return box.clickedButton() is leave
