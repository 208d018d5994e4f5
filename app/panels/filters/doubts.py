"""What speaks against a preview, and the button that takes a proposal up."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.widgets.common import Sentence
from core.instant.reach import STANDS


class Doubts(QWidget):
    """Sentences about the preview; where they propose to average frames, a button that does so.

    Signals
    -------
    averaging()
        A person wants the frames averaged.
    """

    averaging = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = Sentence("filter-doubts", warning=False)
        self.words.setToolTip("<p>Found in the plane shown; others of the stack may differ.</p>")
        self.average = QPushButton("Avera&ge frames")
        self.average.setObjectName("filter-average")
        self.average.setToolTip("<p>Choose Mean of frames under Neighbours.</p>")
        self.average.clicked.connect(self.averaging)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.words)
        layout.addWidget(self.average, 0, Qt.AlignmentFlag.AlignRight)
        self.clear()

    def say(self, sentences: tuple[str, ...]) -> None:
        """Show sentences, or nothing."""
        words = " ".join(sentences)
        if words != self.words.text():
            self.words.say(words)
        self.average.setVisible(STANDS in sentences)
        self.setVisible(bool(words))

    def clear(self) -> None:
        """Show nothing."""
        self.say(())
