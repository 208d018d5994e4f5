"""Modal questions: which file, and whether to close."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.shell import file_kinds
from app.shell.jobs import Jobs

Answer = Literal["export", "discard", "cancel"]

MOST_LISTED = 6
"""Maximum number of results that a question lists."""


class Questions:
    """Asks with system dialogs; None or an empty list means that the user cancelled."""

    def __init__(self, parent: QWidget, jobs: Jobs) -> None:
        self._parent, self._jobs = parent, jobs

    def files(self, folder: str) -> list[Path]:
        """Ask for the files to open."""
        kinds = file_kinds.images()
        return [Path(p) for p in QFileDialog.getOpenFileNames(self._parent, "Open", folder, kinds)[0]]

    def folder(self, folder: str) -> Path | None:
        """Ask for the folder to open."""
        found = QFileDialog.getExistingDirectory(self._parent, "Open Folder", folder)
        return Path(found) if found else None

    def recipe(self, folder: str) -> Path | None:
        """Ask for the recipe to run."""
        return self._one("Run Recipe", folder, file_kinds.RECIPES)

    def network(self, folder: str) -> Path | None:
        """Ask for the trained network to apply."""
        return self._one("Apply Trained Network", folder, file_kinds.NETWORKS)

    def noise_model(self, folder: str) -> list[Path]:
        """Ask for a noise model; an empty list if the user cancelled."""
        found = self._one("Noise Model", folder, file_kinds.NOISE_MODELS)
        return [] if found is None else [found]

    def _one(self, title: str, folder: str, kinds: str) -> Path | None:
        found = QFileDialog.getOpenFileName(self._parent, title, folder, kinds)[0]
        return Path(found) if found else None

    def save(self, title: str, proposed: Path, kinds: str) -> Path | None:
        """Ask for a file name to save to; the dialog confirms before a file is replaced."""
        found = QFileDialog.getSaveFileName(self._parent, title, str(proposed), kinds)[0]
        return Path(found) if found else None

    def lost(self, name: str, results: Sequence[str], *, closing: bool) -> Answer:
        """Ask what to do with results that exist in no file, before their stack is closed.

        Parameters
        ----------
        name : str
            Name of the stack.
        results : sequence of str
            Descriptions of the results.
        closing : bool
            Whether the window is closed; otherwise another stack is opened.
        """
        box = QMessageBox(self._parent)
        box.setObjectName("lost-results")
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle("Quietfield")
        one = len(results) == 1
        words = "One result" if one else f"{len(results)} results"
        box.setText(f"{words} of {name} {'was' if one else 'were'} not exported.")
        more = f"\n… and {len(results) - MOST_LISTED} more" if len(results) > MOST_LISTED else ""
        then = "close the window" if closing else "open the other stack"
        box.setInformativeText(
            "\n".join(results[:MOST_LISTED]) + more + f"\n\nAfter exporting, {then} again."
        )
        export = box.addButton("Export…", QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(export)
        box.setEscapeButton(cancel)
        box.exec()
        answers: dict[object, Answer] = {export: "export", discard: "discard"}
        return answers.get(box.clickedButton(), "cancel")

    def close(self, running: Sequence[str]) -> bool:
        """Ask whether to close while jobs are running; the question follows as they end."""
        box = QMessageBox(self._parent)
        box.setObjectName("still-running")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Quietfield")
        box.setText(f"Still running: {', '.join(running)}.")
        box.setInformativeText("Closing cancels this; no incomplete file is left.")
        leave = box.addButton("Close Anyway", QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Keep Running", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)

        def follow() -> None:
            now = [job.label for job in self._jobs.busy]
            box.setText(f"Still running: {', '.join(now)}." if now else "Nothing is running any more.")
            if not now:
                box.setInformativeText("")
                leave.setText("Close")
                stay.setText("Stay Open")

        following = self._jobs.changed.connect(follow)
        box.exec()
        self._jobs.changed.disconnect(following)
        return box.clickedButton() is leave
