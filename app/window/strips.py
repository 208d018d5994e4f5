"""Strips above the canvas: messages, notes on a file, questions; each can be closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.shell import theme
from core.findings import Finding

Kind = Literal["info", "success", "problem", "question"]
_ICONS: dict[Kind, str] = {"info": "info", "success": "success", "problem": "warning", "question": "question"}


class Strip(QFrame):
    """A line with an icon, wrapped text, room for controls, and a close button.

    Attributes
    ----------
    dismissed : Signal
        The user closed the strip.
    """

    dismissed = Signal()

    def __init__(self, name: str, kind: Kind = "info", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._mark = QLabel()
        self._mark.setFixedSize(18, 18)
        self.words = QLabel()
        self.words.setObjectName(f"{name}-text")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.controls = QHBoxLayout()
        self.controls.setSpacing(6)
        self.close_button = QToolButton()
        self.close_button.setObjectName(f"{name}-dismiss")
        self.close_button.setAutoRaise(True)
        self.close_button.setToolTip("Close this message")
        self.close_button.setAccessibleName("Dismiss")
        self.close_button.clicked.connect(self.dismiss)
        line = QHBoxLayout(self)
        line.setContentsMargins(10, 5, 6, 5)
        line.setSpacing(8)
        line.addWidget(self._mark)
        line.addWidget(self.words, 1)
        line.addLayout(self.controls)
        line.addWidget(self.close_button)
        self.set_kind(kind)
        self.hide()

    def set_kind(self, kind: Kind) -> None:
        """Set icon and colours."""
        self.kind: Kind = kind
        self.setProperty("strip", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self.refresh_icons()

    def refresh_icons(self) -> None:
        """Redraw the icons in the colours of the theme."""
        self._mark.setPixmap(theme.icon(_ICONS[self.kind]).pixmap(18, 18))
        self.close_button.setIcon(theme.icon("close"))

    def say(self, text: str) -> None:
        """Show a text; an empty text hides the strip."""
        self.words.setText(text)
        self.setVisible(bool(text))

    def dismiss(self) -> None:
        """Close the strip."""
        self.hide()
        self.dismissed.emit()


class MessageStrip(Strip):
    """The last message: an error and what to do, or completed work."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("message", "info", parent)
        self._action: Callable[[], None] | None = None
        self.button = QPushButton()
        self.button.setObjectName("message-action")
        self.button.clicked.connect(self._on_action)
        self.button.hide()
        self.controls.addWidget(self.button)

    def show_message(
        self, text: str, kind: Kind = "info", label: str = "", action: Callable[[], None] | None = None
    ) -> None:
        """Show a message, optionally with a button."""
        self.set_kind(kind)
        self._action = action
        self.button.setText(label)
        self.button.setToolTip(label)
        self.button.setVisible(action is not None)
        self.say(text)

    def _on_action(self) -> None:
        if self._action is not None:
            self._action()


class _CalmBox(QComboBox):
    """A drop-down list that ignores the wheel, since every selection opens something."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class NotesStrip(Strip):
    """Findings about a file, and the image series that is shown.

    Attributes
    ----------
    series_chosen : Signal of int
        The user selected another series.
    """

    series_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("notes", "info", parent)
        self.series = _CalmBox()
        self.series.setObjectName("series")
        self.series.setToolTip("Image series of the file; selecting another one opens it instead")
        self.series.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.series.setMinimumContentsLength(24)
        self.series.activated.connect(self.series_chosen)
        self.controls.addWidget(self.series)

    def show_notes(self, findings: Sequence[Finding], series: Sequence[str] = (), index: int = 0) -> None:
        """Show the findings about a stack and the series of its file; hide the strip if there are none."""
        self.series.clear()
        self.series.addItems(list(series))
        self.series.setCurrentIndex(index)
        several = len(series) > 1
        self.series.setVisible(several)
        words = [finding.text for finding in findings]
        if several and not words:
            words = [f"The file contains {len(series)} image series."]
        self.say(" ".join(words))
