"""What a person asks for and has to be asked back: which file, under which name, how."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from app.documents.export_dialog import ExportDialog
from app.documents.exporting import Export
from app.file_kinds import NETWORKS
from app.window.questions import Questions

if TYPE_CHECKING:
    from app.main_window import MainWindow


class Dialogs(QObject):
    """Asks for what is missing, and hands it to those who do the work."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.questions = Questions(window)

    @property
    def _folder(self) -> str:
        return self._window.preferences.folder

    def choose_files(self) -> None:
        """Ask for files and open them."""
        self._window.opener.open(self.questions.files(self._folder))

    def choose_folder(self) -> None:
        """Ask for a folder and open it."""
        folder = self.questions.folder(self._folder)
        if folder is not None:
            self._window.opener.open([folder])

    def simulate(self) -> None:
        """Ask what to simulate, and open it."""
        from app.documents.simulate_dialog import SimulateDialog  # the start does not wait for it

        dialog = SimulateDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(self._window.opener.simulate)
        dialog.help_wanted.connect(self._window.show_help)
        dialog.open()

    def choose_recipe(self) -> None:
        """Ask for a recipe and run it."""
        path = self.questions.recipe(self._folder)
        if path is not None:
            self._window.tasks.run_recipe(path)

    def choose_network(self) -> None:
        """Ask for a trained network and apply it."""
        path = self.questions.network(self._folder)
        if path is not None:
            self._window.tasks.apply_network(path)

    def save_network(self) -> None:
        """Ask for a name and save the network that made the shown result."""
        model, result = self._window.tasks.shown_model(), self._window.session.snapshot.result
        if model is None or result is None or result.step is None or result.step.model is None:
            return
        proposed = Path(self._folder) / result.step.model.file
        path = self.questions.save("Save Trained Network", proposed, NETWORKS)
        if path is not None:
            self._window.tasks.save_network(path, model)

    def export(self, key: int | None = None) -> None:
        """Ask how to export a result, by default the shown one, and do it."""
        snapshot = self._window.session.snapshot
        if len(snapshot.results) < 2:
            return
        wanted = snapshot.find(key) if key is not None else snapshot.result
        if wanted is None or wanted.step is None:
            wanted = snapshot.results[-1]
        dialog = ExportDialog(self._window.session, wanted.key, self._window.preferences, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(self._on_export_wanted)
        dialog.help_wanted.connect(self._window.show_help)
        dialog.open()

    def _on_export_wanted(self, wanted: Export) -> None:
        dialog = self.sender()
        if isinstance(dialog, ExportDialog):
            self._window.remember(dialog.remember(self._window.preferences))
        self._window.exporter.start(wanted)

    def compare_filters(self) -> None:
        """Run every classic filter, where its measures will be seen."""
        self._window.arrangement.go_to(self._window.metrics_panel)
        self._window.metrics_panel.comparing.start()

    def export_metrics(self) -> None:
        """Save the table of metrics."""
        self._window.arrangement.go_to(self._window.metrics_panel)
        self._window.metrics_panel.export_csv()

    def copy_recipe(self) -> None:
        """Copy the recipe of the shown result."""
        self._window.tasks.copy_recipe(self._window.session.snapshot.shown)

    def copy_methods(self) -> None:
        """Copy a paragraph on the shown result."""
        self._window.tasks.copy_methods(self._window.session.snapshot.shown)
