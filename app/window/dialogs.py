"""Commands that need input from the user: a file, a name, or options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from app.documents.calibrating import Calibrator
from app.documents.exporting import Exporter
from app.documents.opening import Opener
from app.documents.reporting import Reporter, proposed_folder
from app.documents.tasks import Tasks
from app.shell.file_kinds import ALL, NETWORKS
from app.shell.jobs import Jobs
from app.shell.preferences import PreferenceStore
from app.shell.session import Session
from app.window.help import Help
from app.window.questions import Questions

if TYPE_CHECKING:
    from app.documents.noise_model_dialog import NoiseModelDialog
    from core.report import Comparison


class Dialogs(QObject):
    """Asks for missing input, and passes it on.

    Parameters
    ----------
    window : QWidget
        Parent of the dialogs.
    session : Session
        Open document.
    preferences : PreferenceStore
        Last used folder and options.
    opener, exporter, tasks : Opener, Exporter, Tasks
        Do the work.
    calibrator : Calibrator
        Calibrates cameras.
    reporter : Reporter
        Writes reports.
    jobs : Jobs
        Runs the work of dialogs.
    help : Help
        Help of a dialog.
    questions : Questions
        Asks for files and folders.

    Attributes
    ----------
    noise_model_used : Signal of str
        The user takes a noise model for training.
    """

    noise_model_used = Signal(str)

    def __init__(
        self,
        window: QWidget,
        *,
        session: Session,
        preferences: PreferenceStore,
        opener: Opener,
        exporter: Exporter,
        tasks: Tasks,
        calibrator: Calibrator,
        reporter: Reporter,
        jobs: Jobs,
        help: Help,
        questions: Questions,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._preferences = window, session, preferences
        self._opener, self._exporter, self._tasks, self._help = opener, exporter, tasks, help
        self._calibrator, self._questions = calibrator, questions
        self._jobs, self._reporter = jobs, reporter
        self._noise_model: NoiseModelDialog | None = None

    @property
    def _folder(self) -> str:
        return self._preferences.current.folder

    def choose_files(self) -> None:
        """Ask for files and open them."""
        self._opener.open(self._questions.files(self._folder))

    def choose_folder(self) -> None:
        """Ask for a folder and open it."""
        folder = self._questions.folder(self._folder)
        if folder is not None:
            self._opener.open([folder])

    def simulate(self) -> None:
        """Ask for simulation parameters, simulate, and open the stack."""
        from app.documents.simulate_dialog import SimulateDialog  # imported on demand, for a fast start

        dialog = SimulateDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(self._opener.simulate)
        dialog.help_wanted.connect(self._help.show_page)
        dialog.open()

    def calibrate(self) -> None:
        """Ask for a name and files, and calibrate a camera."""
        from app.documents.calibrate_dialog import CalibrateDialog  # imported on demand, for a fast start

        def ask() -> Path | None:
            return next(iter(self._questions.files(self._folder)), None)

        dialog = CalibrateDialog(ask, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(self._calibrator.calibrate)
        dialog.help_wanted.connect(self._help.show_page)
        dialog.open()

    def noise_model(self, text: str) -> None:
        """Show the noise model that is in use, and let the user make another one.

        Parameters
        ----------
        text : str
            Value of the parameter ``noise_model`` of the selected method.
        """
        from app.documents.noise_model_dialog import NoiseModelDialog  # imported on demand, for a fast start

        snapshot, dialog = self._session.snapshot, self._noise_model
        source = snapshot.source
        if source is None:
            return
        if dialog is None or dialog.source is not source:
            if dialog is not None:
                dialog.close()
                dialog.deleteLater()
            questions = self._questions
            dialog = self._noise_model = NoiseModelDialog(
                source, self._jobs, lambda: questions.files(self._folder),
                lambda: questions.noise_model(self._folder), questions.save, self._window,
            )  # fmt: skip
            dialog.used.connect(self.noise_model_used)
            dialog.help_wanted.connect(self._help.show_page)
        dialog.open()
        images = [result for result in snapshot.results[1:] if result.is_image]
        alike = [result for result in images if result.stack.sizes == source.stack.sizes]
        dialog.begin(text, alike, snapshot.channel)

    def write_report(self, comparison: Comparison) -> None:
        """Ask for a name and write the report of a comparison into a folder of that name."""
        proposed = proposed_folder(comparison)
        folder = self._questions.save("Write Report", proposed, ALL)
        if folder is not None:
            self._reporter.write(comparison, folder)

    def show_help(self) -> None:
        """Show the help page of the dialog or panel with the keyboard focus."""
        self._help.show_page()

    def choose_recipe(self) -> None:
        """Ask for a recipe and run it."""
        path = self._questions.recipe(self._folder)
        if path is not None:
            self._tasks.run_recipe(path)

    def choose_network(self) -> None:
        """Ask for a trained network and apply it."""
        path = self._questions.network(self._folder)
        if path is not None:
            self._tasks.apply_network(path)

    def save_network(self) -> None:
        """Ask for a name and save the network of the shown result."""
        model, result = self._tasks.shown_model(), self._session.snapshot.result
        if model is None or result is None or result.step is None or result.step.model is None:
            return
        proposed = Path(self._folder) / result.step.model.file
        path = self._questions.save("Save Trained Network", proposed, NETWORKS)
        if path is not None:
            self._tasks.save_network(path, model)

    def export(self, key: int | None = None) -> None:
        """Ask how to export a result, by default the shown one, and export it."""
        snapshot = self._session.snapshot
        if len(snapshot.results) < 2:
            return
        wanted = snapshot.find(key) if key is not None else snapshot.result
        if wanted is None or wanted.step is None:
            wanted = snapshot.results[-1]
        from app.documents.export_dialog import ExportDialog  # imported on demand, for a fast start

        dialog = ExportDialog(self._session, wanted.key, self._preferences, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(self._exporter.start)
        dialog.help_wanted.connect(self._help.show_page)
        dialog.open()
