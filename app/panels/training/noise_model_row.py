"""The noise model of a training in words, and a button for the dialog that makes one."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.widgets.form import Form
from core.learning.noise_knowledge import brief

NAME = "noise_model"
"""Parameter of the methods that have a noise model."""

HELP = (
    "Choose the noise model: measured on this stack, from calibration frames, repeats, a first denoising, or "
    "a file; compare it with the data, and save it."
)


class NoiseModelRow(QWidget):
    """Shows the noise model of the selected method; hidden for methods without one.

    Attributes
    ----------
    wanted : Signal
        The user wants to choose or make a noise model.
    """

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.words = QLabel()
        self.words.setObjectName("training-noise-model-words")
        self.words.setWordWrap(True)
        self.button = QPushButton("&Noise model…")
        self.button.setObjectName("training-noise-model")
        self.button.clicked.connect(self.wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.words, 1)
        row.addWidget(self.button)
        self.allow("")

    def allow(self, reason: str) -> None:
        """Enable the button, or say why it is disabled."""
        self.button.setEnabled(not reason)
        self.button.setToolTip(f"<p>{reason or HELP}</p>")

    def show_form(self, form: Form) -> None:
        """Show the noise model of a form."""
        values = form.values()
        self.setVisible(NAME in values)
        if NAME in values:
            text = str(values[NAME])
            self.words.setText(f"Noise model: {brief(text)}")
