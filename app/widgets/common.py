"""Small widgets shared by several panels."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QApplication,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.jobs import Job, Outcome
from core.errors import QuietfieldError


class Sentence(QLabel):
    """A wrapped, selectable message; hidden while empty."""

    def __init__(self, name: str = "", *, warning: bool = True) -> None:
        super().__init__()
        self.setObjectName(name)
        self._warning = warning
        self.setProperty("class", "warning" if warning else "muted")
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def say(self, text: str) -> None:
        """Show a message; hide the widget if it is empty."""
        self.setText(f"⚠ {text}" if text and self._warning else text)
        self.setVisible(bool(text))

    def clear(self) -> None:
        """Remove the message."""
        self.say("")


class Section(QWidget):
    """A heading with an arrow that opens and closes its `body`."""

    def __init__(self, title: str, name: str, help: str = "") -> None:
        super().__init__()
        self.button = QToolButton()
        self.button.setObjectName(name)
        self.button.setText(title)
        self.button.setProperty("class", "section")
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.button.setToolTip(help)
        self._content = QWidget()
        self.body = QVBoxLayout(self._content)
        self.body.setContentsMargins(0, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._content)
        self.button.toggled.connect(self.set_open)
        self.set_open(False)

    def set_open(self, open: bool) -> None:
        """Show or hide the body."""
        self.button.setArrowType(Qt.ArrowType.DownArrow if open else Qt.ArrowType.RightArrow)
        self._content.setVisible(open)


class ProgressRow(QWidget):
    """Progress bar of one job with a cancel button; hidden without a job."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._job: Job | None = None
        self.bar = QProgressBar()
        self.bar.setObjectName(f"{name}-progress")
        self.bar.setRange(0, 1000)
        self.bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setObjectName(f"{name}-cancel")
        self.cancel_button.setToolTip("Stop this work; nothing is changed")
        self.cancel_button.setAutoDefault(False)  # the Enter that starts the work must not cancel it
        self.cancel_button.clicked.connect(self._on_cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar, 1)
        layout.addWidget(self.cancel_button)
        self.hide()

    def follow(self, job: Job | None) -> None:
        """Show the progress of a job, or hide the row."""
        self._job = job
        self.setVisible(job is not None)
        self.cancel_button.setEnabled(True)
        self.refresh()

    def refresh(self) -> None:
        """Update from the progress of the job; connect to ``Jobs.changed``."""
        if self._job is not None:
            self.bar.setValue(round(1000 * self._job.fraction))
            self.bar.setFormat(f"{self._job.text or self._job.label} %p %")

    def _on_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self.cancel_button.setEnabled(False)
            self.bar.setFormat("Stopping…")


def is_chosen(panel: QWidget) -> bool:
    """Return whether a panel is visible, or would be if its dock were shown; not behind another tab."""
    page = panel
    while (above := page.parentWidget()) is not None and not isinstance(above, QStackedWidget):
        page = above
    return not panel.isHidden() and not page.isHidden() and panel.window().isVisible()


def pass_drops_on(widget: QWidget) -> None:
    """Pass drops on a child widget to the window, which opens files."""
    for part in widget.findChildren(QWidget):
        if part.acceptDrops():
            part.setAcceptDrops(False)


class _WheelPasser(QObject):
    """Event filter that gives the wheel to the scroll bar of the panel around a plot."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget):
            return False
        around = watched.parentWidget()
        while around is not None and not isinstance(around, QScrollArea):
            around = around.parentWidget()
        if around is not None:
            QApplication.sendEvent(around.verticalScrollBar(), event)
        return True


def pass_wheel_on(plot: QAbstractScrollArea) -> None:
    """Pass the mouse wheel over a plot to the panel, which scrolls."""
    plot.viewport().installEventFilter(_WheelPasser(plot))


def failure(outcome: Outcome, what: str) -> str:
    """Return a message that explains why work failed; "" if it did not fail."""
    if outcome.state != "failed":
        return ""
    if isinstance(outcome.error, QuietfieldError):
        return str(outcome.error)
    return f"{what} failed ({type(outcome.error).__name__}: {outcome.error}). Nothing was changed."
