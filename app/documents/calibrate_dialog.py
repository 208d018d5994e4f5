"""The dialog that calibrates a camera."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.documents.calibrating import Wanted
from core.errors import QuietfieldError
from core.noise.cameras import check_name

ROWS = {
    "dark": ("Dark frames", "Frames without light: they give offset and read noise. Ten or more are best."),
    "flat": ("Flat stack", "Frames of a uniform light, without a specimen: they give the gain."),
    "repeats": ("Repeats", "Frames of one static scene, if there is no flat stack."),
}  # fmt: skip
"""Label and help of each file."""


class CalibrateDialog(QDialog):
    """Non-modal dialog for the name of a camera and the files it is calibrated from.

    Parameters
    ----------
    ask : callable
        Asks for a file; returns None if the user cancels.
    parent : QWidget, optional
        Parent.

    Attributes
    ----------
    wanted : Signal of Wanted
        The user pressed Calibrate.
    help_wanted : Signal
        The user wants help.
    """

    wanted = Signal(object)
    help_wanted = Signal()

    def __init__(self, ask: Callable[[], Path | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ask = ask
        self.setObjectName("calibrate-dialog")
        self.setWindowTitle("Calibrate Camera")
        self.setProperty("helpPage", "noise")
        QShortcut(QKeySequence(QKeySequence.StandardKey.HelpContents), self, self.help_wanted.emit)
        words = QLabel(
            "Measures gain, offset and read noise of a camera once, for all later stacks in the same mode. "
            "Name dark frames and a flat stack; one of them, or repeats, is enough for a part."
        )
        words.setWordWrap(True)
        self.name = QLineEdit()
        self.name.setObjectName("calibrate-name")
        self.name.setPlaceholderText("camera and mode, such as sCMOS 16-bit fast")
        self.name.textChanged.connect(self._check)
        grid = QGridLayout()
        label = QLabel("&Name")
        label.setBuddy(self.name)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self.name, 0, 1, 1, 2)
        self.files: dict[str, QLineEdit] = {}
        for number, (what, (title, help)) in enumerate(ROWS.items(), start=1):
            field = self.files[what] = QLineEdit()
            field.setObjectName(f"calibrate-{what}")
            field.setToolTip(f"<p>{help}</p>")
            field.textChanged.connect(self._check)
            button = QPushButton("Choose…")
            button.setObjectName(f"calibrate-choose-{what}")
            button.setProperty("what", what)
            button.setToolTip(f"<p>{help}</p>")
            button.setAutoDefault(False)
            button.clicked.connect(self._on_choose)
            grid.addWidget(QLabel(title), number, 0)
            grid.addWidget(field, number, 1)
            grid.addWidget(button, number, 2)
        self.overwrite = QCheckBox("Replace the calibration of this name")
        self.overwrite.setObjectName("calibrate-overwrite")
        self.overwrite.toggled.connect(self._check)
        self.hint = QLabel()
        self.hint.setObjectName("calibrate-hint")
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(2 * self.hint.fontMetrics().height())
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.buttons.addButton("Calibrate", QDialogButtonBox.ButtonRole.AcceptRole)
        self.accept_button.setObjectName("calibrate-accept")
        self.accept_button.setProperty("primary", True)
        self.buttons.accepted.connect(self._on_accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(words)
        column.addSpacing(6)
        column.addLayout(grid)
        column.addWidget(self.overwrite)
        column.addWidget(self.hint)
        column.addWidget(self.buttons)
        self.accept_button.setDefault(True)  # only a button inside the dialog becomes its default
        self.setMinimumWidth(480)
        self._check()

    @Slot()
    def _check(self) -> None:
        """Enable the button, or show what is missing."""
        reason = ""
        if not self.name.text().strip():
            reason = "Enter a name."
        elif not any(self._path(what) for what in ROWS):
            reason = "Choose dark frames, a flat stack, or repeats."
        elif self._path("flat") and self._path("repeats"):
            reason = "A flat stack and repeats both give the gain. Choose one of them."
        else:
            try:
                check_name(self.name.text().strip(), overwrite=self.overwrite.isChecked())
            except QuietfieldError as error:
                reason = str(error).replace(" (--overwrite)", "")
        self.hint.setText(reason)
        self.accept_button.setEnabled(not reason)

    def _path(self, what: str) -> Path | None:
        text = self.files[what].text().strip()
        return Path(text) if text else None

    @Slot()
    def _on_choose(self) -> None:
        path = self._ask()
        if path is not None:
            self.files[str(self.sender().property("what"))].setText(str(path))

    @Slot()
    def _on_accept(self) -> None:
        dark, flat, repeats = (self._path(what) for what in ROWS)
        name, overwrite = self.name.text().strip(), self.overwrite.isChecked()
        self.wanted.emit(Wanted(name=name, dark=dark, flat=flat, repeats=repeats, overwrite=overwrite))
        self.accept()
