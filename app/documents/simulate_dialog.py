"""The simulation dialog."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from app.widgets.form import Form
from core.errors import QuietfieldError
from core.simulation.experiment import Simulation


class SimulateDialog(QDialog):
    """Non-modal dialog for specimen, size, light and detector of a simulation.

    Attributes
    ----------
    wanted : Signal of Simulation
        The user pressed Simulate.
    help_wanted : Signal
        The user wants help.
    """

    wanted = Signal(object)
    help_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("simulate-dialog")
        self.setWindowTitle("Simulate")
        self.setProperty("helpPage", "simulate")
        QShortcut(QKeySequence(QKeySequence.StandardKey.HelpContents), self, self.help_wanted.emit)
        words = QLabel(
            "Opens a noisy stack of a simulated specimen, with its ground truth as reference for Metrics."
        )
        words.setWordWrap(True)
        self.form = Form(Simulation)
        self.form.changed.connect(self._check)
        self.hint = QLabel()
        self.hint.setObjectName("simulate-hint")
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(2 * self.hint.fontMetrics().height())
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.simulate_button = self.buttons.addButton("Simulate", QDialogButtonBox.ButtonRole.AcceptRole)
        self.simulate_button.setObjectName("simulate-accept")
        self.simulate_button.setProperty("primary", True)
        self.buttons.accepted.connect(self._on_accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(words)
        column.addSpacing(6)
        column.addWidget(self.form)
        column.addWidget(self.hint)
        column.addWidget(self.buttons)
        self.simulate_button.setDefault(True)  # only a button inside the dialog becomes its default
        self.setMinimumWidth(420)
        self._check()

    def _check(self) -> None:
        """Show the size of the stack, or why it cannot be simulated."""
        try:
            settings = self._settings()
            settings.check_memory()
        except QuietfieldError as error:
            self.hint.setText(str(error))
            self.simulate_button.setEnabled(False)
            return
        pixels = settings.planes * settings.size**2
        size = f"{settings.planes} × {settings.size} × {settings.size}"
        self.hint.setText(f"{size} pixels, {pixels / 1e6:.1f} million")
        self.simulate_button.setEnabled(True)

    def _settings(self) -> Simulation:
        settings = self.form.method()
        assert isinstance(settings, Simulation)
        return settings

    def _on_accept(self) -> None:
        self.wanted.emit(self._settings())
        self.accept()
