"""The question about the axes of a stack whose file does not specify them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QPushButton, QWidget

from app.documents.opening import axis_choices
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.window.strips import Strip
from core.stack import Stack

CHOICES: Mapping[str, str] = {"T": "Time", "Z": "Depth (Z)", "C": "Channels"}
_WORDS = {"T": "time", "Z": "depth", "C": "channels"}
_HELP = {
    "T": "The planes are time points of a time series",
    "Z": "The planes are depths of a focus series (z-stack)",
    "C": "The planes are channels, such as colours or polarisations",
}


def question(stack: Stack) -> str:
    """Return the question about the axes of a stack; "" if they are known."""
    letters = axis_choices(stack)
    if stack.meta.axes_certain or len(letters) < 2:
        return ""
    words = [_WORDS[letter] for letter in letters]
    return f"{stack.shape[0]} planes: {', '.join(words[:-1])} or {words[-1]}? The file does not specify."


class AxesStrip(Strip):
    """Asks once for the axis of the planes; `choose` is called with its letter."""

    def __init__(
        self, session: Session, choose: Callable[[str], None], parent: QWidget | None = None
    ) -> None:
        super().__init__("axes", "question", parent)
        self._choose = choose
        self._buttons: dict[str, QPushButton] = {}
        for letter, label in CHOICES.items():
            button = QPushButton(label)
            button.setObjectName(f"axes-{letter}")
            button.setToolTip(_HELP[letter])
            button.clicked.connect(self._on_clicked)
            button.setProperty("axis", letter)
            self.controls.addWidget(button)
            self._buttons[letter] = button
        self.close_button.setToolTip("Keep the current axis; Image > Axes changes it later")
        session.changed.connect(self._on_changed)

    def _on_clicked(self) -> None:
        self._choose(self.sender().property("axis"))

    def _on_changed(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            letters = axis_choices(new.source.stack) if new.source else ""
            for letter, button in self._buttons.items():
                button.setVisible(letter in letters)
            self.say(question(new.source.stack) if new.source else "")
