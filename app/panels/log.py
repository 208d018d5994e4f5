"""The Log panel: completed work and errors in chronological order."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtGui import QFontDatabase, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

MAX_LINES = 5000


class LogPanel(QWidget):
    """Read-only lines with the time of day."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QPlainTextEdit()
        self.text.setObjectName("log")
        self.text.setReadOnly(True)
        self.text.setUndoRedoEnabled(False)
        self.text.setMaximumBlockCount(MAX_LINES)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setPlaceholderText("Completed work and errors are listed here.")
        self.text.setToolTip("Completed work and errors; select text to copy it")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)

    def append(self, text: str) -> None:
        """Append a line."""
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
