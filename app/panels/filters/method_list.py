"""A list of methods under the headings of their groups."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy

from app.theme import colors, current
from core.methods.base import Group, methods, summary

SHORTEST = 5
"""Rows that are always visible."""

ROW, HEADING = 21, 27
"""Heights of a method and of a heading in pixels at 100 %."""


class MethodList(QListWidget):
    """Methods of some groups, each group under a heading; as high as its content or lower."""

    def __init__(self, groups: Mapping[Group, str]) -> None:
        super().__init__()
        self.setAccessibleName("Methods")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._headings: list[QListWidgetItem] = []
        for group, heading in groups.items():
            self._add_heading(heading)
            for method in methods(group):
                item = QListWidgetItem(f"  {method.label}")
                item.setData(Qt.ItemDataRole.UserRole, method.name)
                item.setToolTip(f"<p>{summary(method)}</p>")
                item.setSizeHint(QSize(0, ROW))
                self.addItem(item)
        current().changed.connect(self.refresh_colors)
        self.refresh_colors()

    def _add_heading(self, words: str) -> None:
        item = QListWidgetItem(words)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setTextAlignment(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft)
        item.setSizeHint(QSize(0, HEADING if self._headings else ROW))
        font = item.font()
        font.setBold(True)
        item.setFont(font)
        self.addItem(item)
        self._headings.append(item)

    @Slot()
    def refresh_colors(self) -> None:
        """Take the colours of the theme."""
        for item in self._headings:
            item.setForeground(QColor(colors().muted))

    def sizeHint(self) -> QSize:
        rows = sum(self.item(row).sizeHint().height() for row in range(self.count()))
        return QSize(super().sizeHint().width(), rows + 2 * self.frameWidth() + 2)

    def fit(self, room: int) -> None:
        """Take at most so many pixels of height, but never less than some rows."""
        self.setFixedHeight(max(SHORTEST * ROW, min(room, self.sizeHint().height())))
        if self.currentItem() is not None:
            self.scrollToItem(self.currentItem())

    def choose(self, name: str) -> None:
        """Select a method by name."""
        for row in range(self.count()):
            if self.item(row).data(Qt.ItemDataRole.UserRole) == name:
                self.setCurrentRow(row)

    def chosen(self) -> str:
        """Name of the selected method."""
        return str(self.currentItem().data(Qt.ItemDataRole.UserRole))
