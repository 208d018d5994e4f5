"""The window without a stack, and while files are dragged over it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.documents.opening import SAMPLE_HELP, SAMPLES
from app.shell import theme

FORMATS = "TIFF, ND2, CZI, LIF, OIB, OME-Zarr, Imaris, HDF5, MRC, PNG, folders of single planes"


class Welcome(QWidget):
    """An empty canvas that explains how to start.

    Attributes
    ----------
    open_wanted : Signal
        The user wants to open a file.
    sample_wanted : Signal of str
        The user wants to open a sample.
    """

    open_wanted = Signal()
    sample_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = QLabel("Drop stacks here")
        title.setObjectName("welcome-title")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.9)
        title.setFont(font)
        formats = QLabel(FORMATS)
        formats.setObjectName("welcome-formats")
        formats.setWordWrap(True)
        formats.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        sample_line = QLabel("or begin with a sample")
        sample_line.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        for label in (title, formats, sample_line):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)

        open_button = QPushButton("Open…")
        open_button.setObjectName("welcome-open")
        open_button.setProperty("primary", True)
        open_button.setToolTip("Choose one or more image files (Ctrl+O)")
        open_button.setMinimumWidth(140)
        open_button.clicked.connect(self.open_wanted)
        samples = QGridLayout()  # in two rows: side by side they would widen the window
        samples.setColumnStretch(0, 1)
        samples.setColumnStretch(3, 1)
        for number, (name, words) in enumerate(SAMPLES.items()):
            button = QPushButton(words)
            button.setObjectName(f"welcome-{name}")
            button.setProperty("sample", name)
            button.setToolTip(SAMPLE_HELP[name])
            button.clicked.connect(self._on_sample)
            samples.addWidget(button, number // 2, 1 + number % 2)

        column = QVBoxLayout(self)
        column.setContentsMargins(48, 32, 48, 32)
        column.setSpacing(8)
        column.addStretch(3)
        column.addWidget(self._picture)
        column.addSpacing(8)
        column.addWidget(title)
        column.addWidget(formats)
        column.addSpacing(18)
        column.addWidget(open_button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(22)
        column.addWidget(sample_line)
        column.addLayout(samples)
        column.addStretch(4)
        self.refresh_icons()

    def refresh_icons(self) -> None:
        """Redraw the icons in the colours of the theme."""
        self._picture.setPixmap(theme.icon("quietfield").pixmap(64, 64))

    def _on_sample(self) -> None:
        self.sample_wanted.emit(self.sender().property("sample"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the dashed frame."""
        super().paintEvent(event)
        painter = QPainter(self)
        line = self.palette().color(QPalette.ColorRole.Mid)
        _dashed(painter, QRectF(self.rect()).adjusted(16, 16, -16, -16), line, QColor(0, 0, 0, 0))


class DropOverlay(QWidget):
    """Covers the window while files are dragged over it, and describes the effect of a drop."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self.setObjectName("drop-overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.text = ""
        self.hide()

    def cover(self, text: str) -> None:
        """Cover the parent and show a text."""
        self.text = text
        self.setGeometry(self._parent.rect())
        self.raise_()
        self.show()
        self.update()

    def enter(self, event: QDragEnterEvent) -> None:
        """Accept files that are dragged over the window, and describe the effect of a drop."""
        paths = _paths(event)
        if paths:
            self.cover(f"Drop to open {paths[0].name if len(paths) == 1 else f'{len(paths)} files'}")
            event.acceptProposedAction()

    def move_over(self, event: QDragMoveEvent) -> None:
        """Continue to accept files."""
        if _paths(event):
            event.acceptProposedAction()

    def take(self, event: QDropEvent) -> list[Path]:
        """Uncover the window; return the dropped paths."""
        self.hide()
        event.acceptProposedAction()
        return _paths(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Dim the window and paint the text in a frame."""
        painter = QPainter(self)
        palette = self.palette()
        veil = palette.color(QPalette.ColorRole.Window)
        veil.setAlpha(215)
        painter.fillRect(self.rect(), veil)
        accent = palette.color(QPalette.ColorRole.Highlight)
        tint = QColor(accent)
        tint.setAlpha(28)
        _dashed(painter, QRectF(self.rect()).adjusted(24, 24, -24, -24), accent, tint)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.9)
        painter.setFont(font)
        room = self.width() - 160
        words = painter.fontMetrics().elidedText(self.text, Qt.TextElideMode.ElideMiddle, room)
        plate = QRectF(painter.fontMetrics().boundingRect(words)).adjusted(-28, -16, 28, 16)
        plate.moveCenter(QRectF(self.rect()).center())
        painter.setPen(QPen(accent, 2))
        painter.setBrush(palette.color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(plate, 10, 10)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), words)


def _paths(event: QDropEvent) -> list[Path]:
    mime = event.mimeData()
    return [Path(u.toLocalFile()) for u in mime.urls() if u.isLocalFile()] if mime.hasUrls() else []


def _dashed(painter: QPainter, frame: QRectF, line: QColor, fill: QColor) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(line, 2)
    pen.setDashPattern([4, 4])
    painter.setPen(pen)
    painter.setBrush(fill)
    painter.drawRoundedRect(frame, 12, 12)
