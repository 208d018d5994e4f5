"""The Log panel: what the program did and what went wrong, in the order it happened."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtGui import QFontDatabase, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

MAX_LINES = 5000


class LogPanel(QWidget):
    """Lines with the time of day; can be read and copied, not edited."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QPlainTextEdit()
        self.text.setObjectName("log")
        self.text.setReadOnly(True)
        self.text.setUndoRedoEnabled(False)
        self.text.setMaximumBlockCount(MAX_LINES)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setPlaceholderText("What is done here is written down here.")
        self.text.setToolTip("What was done and what went wrong; select to copy")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)

    def append(self, text: str) -> None:
        """Add a line."""
        bar = self.text.verticalScrollBar()
        at_end = bar.value() == bar.maximum()
        self.text.appendPlainText(f"{datetime.now():%H:%M:%S}  {text}")
        if at_end:
            bar.setValue(bar.maximum())

    def lines(self, count: int) -> str:
        """Return the last lines."""
        return "\n".join(self.text.toPlainText().splitlines()[-count:])

    def clear(self) -> None:
        """Remove all lines."""
        self.text.clear()
        self.text.moveCursor(QTextCursor.MoveOperation.Start)
