"""The ranking of a comparison as a list: two lines a method, or the sentence of its failure."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.panels.compare import words
from app.panels.compare.run import ordered
from app.shell import theme

if TYPE_CHECKING:  # imports scipy, which the first window does not need
    from core.report import Comparison

PLACE = Qt.ItemDataRole.UserRole
TITLE, VALUE, NOTE, FAILURE = (PLACE + 1, PLACE + 2, PLACE + 3, PLACE + 4)

MARGIN, BADGE = 8, 22


class RankingList(QListWidget):
    """Methods, best first.

    Attributes
    ----------
    chosen : Signal of int
        The user chose the method with this index in `ordered`.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("compare-ranking")
        self.setAccessibleName("Ranking of the compared methods")
        self.setItemDelegate(_Delegate(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setToolTip(
            "<p>Best first. Choose a method to see its result large beside the source. Time covers training "
            "and denoising; memory is the largest increase of the memory in use meanwhile.</p>"
        )
        self.itemClicked.connect(self._on_item)
        self.itemActivated.connect(self._on_item)
        self.currentRowChanged.connect(self._on_row)
        self._quiet = False

    def show_compared(self, found: Comparison | None, current: int | None) -> None:
        """Show the methods that are complete or have failed, with the chosen one marked."""
        self._quiet = True
        try:
            self.clear()
            ranked = len(found.verdict.ranking) if found is not None else 0
            for place, entry in enumerate(ordered(found) if found is not None else ()):
                item = QListWidgetItem(words.spoken(place + 1, entry))
                item.setData(PLACE, str(place + 1) if place < ranked else "")
                item.setData(TITLE, entry.method.label if entry.failure else entry.label)
                item.setData(VALUE, words.value(entry))
                item.setData(NOTE, words.note(entry))
                item.setData(FAILURE, entry.failure)
                item.setToolTip(f"<p>{html.escape(words.spoken(place + 1, entry))}</p>")
                if entry.result is None:
                    item.setFlags(Qt.ItemFlag.ItemIsEnabled)
                self.addItem(item)
            if current is not None and current < self.count():
                self.setCurrentRow(current)
        finally:
            self._quiet = False

    def _on_item(self, item: QListWidgetItem) -> None:
        self._choose(self.row(item))

    def _on_row(self, row: int) -> None:
        self._choose(row)

    def _choose(self, row: int) -> None:
        item = self.item(row)
        if not self._quiet and item is not None and not item.data(FAILURE):
            self.chosen.emit(row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()  # sentences are wrapped anew


class _Delegate(QStyledItemDelegate):
    """Paints rank, name and PSNR, and below them interval, time and memory."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        height = option.fontMetrics.height()
        below = self._failure_box(option, index, 0).height() if index.data(FAILURE) else height
        return QSize(100, height + below + 12)

    def _failure_box(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex, top: int
    ) -> QRect:
        view = self.parent()
        width = view.viewport().width() if isinstance(view, QListWidget) else 300
        room = QRect(MARGIN + BADGE, top, width - 2 * MARGIN - BADGE, 10_000)
        flags = int(Qt.TextFlag.TextWordWrap)
        used = option.fontMetrics.boundingRect(room, flags, str(index.data(FAILURE)))
        return QRect(room.left(), top, room.width(), used.height())

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        palette: QPalette = option.palette
        colors = theme.colors()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        marked = bool(state & QStyle.StateFlag.State_Selected)
        if marked or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.selection if marked else colors.hover))
            painter.drawRoundedRect(rect.adjusted(3, 1, -3, -1), 5, 5)
        height, top = option.fontMetrics.height(), rect.top() + 6
        left, right = rect.left() + MARGIN, rect.right() - MARGIN
        line = int(Qt.AlignmentFlag.AlignVCenter)
        text = palette.color(QPalette.ColorRole.Text)
        faint = text if marked else palette.color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(QColor(colors.accent) if index.data(PLACE) == "1" else faint)
        font = option.font
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(QRect(left, top, BADGE, height), line, str(index.data(PLACE) or "–"))
        left += BADGE
        painter.setPen(text)
        value = str(index.data(VALUE))
        width = painter.fontMetrics().horizontalAdvance(value)
        painter.drawText(QRect(right - width, top, width, height), line, value)
        room = right - left - width - 8
        title = painter.fontMetrics().elidedText(str(index.data(TITLE)), Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(left, top, room, height), line, title)
        font.setBold(False)
        painter.setFont(font)
        if index.data(FAILURE):
            painter.setPen(QColor(colors.warning))
            box = self._failure_box(option, index, top + height)
            box.moveLeft(left)
            painter.drawText(box, int(Qt.TextFlag.TextWordWrap), str(index.data(FAILURE)))
        else:
            painter.setPen(faint)
            note = painter.fontMetrics().elidedText(
                str(index.data(NOTE)), Qt.TextElideMode.ElideRight, right - left
            )
            painter.drawText(QRect(left, top + height, right - left, height), line, note)
        painter.restore()
