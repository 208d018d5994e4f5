"""The row of the form that shows which PSF a method uses."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from app.panels.training.psf.picture import KernelPicture
from app.panels.training.psf.words import sampling, title, widths
from app.widgets.fields import Field
from core.params import Param, Value
from core.psf import Psf

SIDE = 58
"""Side of the picture in points."""

DIALOG_HELP = (
    "<p>Choose the PSF: a Gaussian, or from the optics, from an image of beads, from the data or from a "
    "file.</p>"
)
SWEEP_HELP = (
    "<p>Train with several sigmas for the same time, compare the results, and find the sigma that the data "
    "prefer.</p>"
)


class PsfField(Field):
    """Picture and words of a PSF, with buttons for the dialog and the sweep.

    The value is the text that asks for the PSF; "" for a Gaussian of the sigma above.

    Attributes
    ----------
    asked, sweep_asked : Signal
        The user wants the dialog, or a sweep.
    """

    asked = Signal()
    sweep_asked = Signal()
    wide = True

    def __init__(self, p: Param, name: str) -> None:
        super().__init__(p)
        self._text = ""
        self.picture = KernelPicture(f"{name}-picture", SIDE, sections=False)
        self.words = QLabel()
        self.words.setObjectName(f"{name}-words")
        self.words.setWordWrap(True)
        self.choose = QPushButton("PSF…")
        self.sweep = QPushButton("Sweep…")
        self.sweep.setObjectName(f"{name}-sweep")
        self.take(self.choose, name)  # first, as it puts the button into the row
        self.row.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(self.words, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.choose)
        buttons.addWidget(self.sweep)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addWidget(self.sentence)
        self.row.addLayout(column, 1)
        self.choose.setAccessibleName("Choose the PSF")
        self.choose.setToolTip(DIALOG_HELP)
        self.allow_sweep("")
        self.choose.clicked.connect(self.asked)
        self.sweep.clicked.connect(self.sweep_asked)

    def value(self) -> Value:
        return self._text

    def set_value(self, value: Value) -> None:
        self._text = str(value)

    def allow_sweep(self, reason: str) -> None:
        """Enable the sweep, or disable it with a reason."""
        self.sweep.setEnabled(not reason)
        self.sweep.setToolTip(f"<p>{reason}</p>" if reason else SWEEP_HELP)

    def show_psf(self, psf: Psf, spacing: Mapping[str, float]) -> None:
        """Show picture and width of the PSF, on pixels of this size in micrometres."""
        self.sentence.clear()
        words = f"{title(psf)}\n{widths(psf, spacing)}"
        self.words.setText(words + (" ⚠ undersampled" if psf.undersampled else ""))
        self.words.setToolTip(f"<p>{sampling(psf)}</p>" if psf.undersampled else "")
        self.picture.show_psf(psf, words)

    def show_words(self, words: str, *, problem: str = "") -> None:
        """Show words instead of a PSF, and perhaps why there is none."""
        self.sentence.say(problem)
        self.words.setText(words)
        self.words.setToolTip("")
        self.picture.show_psf(None)
