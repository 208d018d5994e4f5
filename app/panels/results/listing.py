"""The list of results: rows, painting and keys."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.shell import theme

KEY = Qt.ItemDataRole.UserRole
DETAILS = Qt.ItemDataRole.UserRole + 1
NOTE = Qt.ItemDataRole.UserRole + 2
DEPTH = Qt.ItemDataRole.UserRole + 3
SHOWN = Qt.ItemDataRole.UserRole + 4
NUMBER = Qt.ItemDataRole.UserRole + 5
LABEL = Qt.ItemDataRole.UserRole + 6

MARGIN, INDENT, DOT = 8, 12, 10
LONGEST = 80
"""Maximum length of a name, in characters."""


class ResultsList(QListWidget):
    """A list in which a digit selects the result with this number, F2 renames one and Delete deletes it.

    Attributes
    ----------
    delete_wanted : Signal of int
        The user wants to delete the result with this key.
    """

    delete_wanted = Signal(int)

    @property
    def editing(self) -> bool:
        """Whether the user types a name."""
        return self.state() == QListWidget.State.EditingState

    def event(self, event: QEvent) -> bool:
        """Do not let digits trigger shortcuts of the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _digit(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Select a result by its number, or delete it."""
        digit, current = _digit(event), self.currentItem()
        if digit:
            for row in range(self.count()):
                if self.item(row).data(NUMBER) == digit:
                    self.setCurrentRow(row)
        elif event.key() == Qt.Key.Key_Delete and current is not None:
            self.delete_wanted.emit(current.data(KEY))
        else:
            super().keyPressEvent(event)


class ResultDelegate(QStyledItemDelegate):
    """Paints a result on two lines; the displayed one has a filled dot and a bold name.

    Attributes
    ----------
    renamed : Signal of (int, str)
        The user typed another name for the result with this key.
    """

    renamed = Signal(int, str)

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        """Return a line for the name."""
        del option, index
        editor = QLineEdit(parent)
        editor.setObjectName("result-name")
        editor.setMaxLength(LONGEST)
        return editor

    def setEditorData(self, editor: QWidget, index: QModelIndex | QPersistentModelIndex) -> None:
        """Begin with the present name, without its number."""
        if isinstance(editor, QLineEdit):
            editor.setText(str(index.data(LABEL)))
            editor.selectAll()

    def setModelData(
        self,
        editor: QWidget,
        model: QAbstractItemModel,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Pass the typed name on; the document decides."""
        del model
        if isinstance(editor, QLineEdit):
            self.renamed.emit(index.data(KEY), editor.text())

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Cover the whole row."""
        del index
        editor.setGeometry(option.rect.adjusted(3, 1, -3, -1))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        lines = 2 if index.data(DETAILS) else 1
        return QSize(100, lines * option.fontMetrics.height() + 12)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        shown = bool(index.data(SHOWN))
        rect: QRect = option.rect
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme.colors()
        if shown or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.selection if shown else colors.hover))
            painter.drawRoundedRect(rect.adjusted(3, 1, -3, -1), 5, 5)
        text = palette.color(QPalette.ColorRole.Text)
        faint = palette.color(QPalette.ColorRole.PlaceholderText)
        left = rect.left() + MARGIN + INDENT * min(int(index.data(DEPTH)), 3)
        height = option.fontMetrics.height()
        top = rect.top() + 6
        accent = QColor(colors.accent)
        painter.setPen(QPen(accent if shown else faint, 1.5))
        painter.setBrush(accent if shown else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QRect(left, top + (height - DOT) // 2 + 1, DOT - 2, DOT - 2))
        left += DOT + 6
        right = rect.right() - MARGIN
        font = option.font
        font.setBold(shown)
        painter.setFont(font)
        painter.setPen(text)
        name = painter.fontMetrics().elidedText(str(index.data()), Qt.TextElideMode.ElideRight, right - left)
        painter.drawText(QRect(left, top, right - left, height), int(Qt.AlignmentFlag.AlignVCenter), name)
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(faint)
        note = str(index.data(NOTE))
        width = painter.fontMetrics().horizontalAdvance(note)
        below = top + height
        line = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRect(right - width, below, width, height), line, note)
        room = right - left - (width + 8 if note else 0)
        elide = Qt.TextElideMode.ElideRight
        details = painter.fontMetrics().elidedText(str(index.data(DETAILS)), elide, room)
        painter.drawText(QRect(left, below, room, height), line, details)
        painter.restore()


def _digit(event: QKeyEvent) -> int:
    text = event.text()
    return int(text) if len(text) == 1 and text in "123456789" else 0
