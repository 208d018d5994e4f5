"""A list of methods under the headings of their groups."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy

from core.methods.base import Group, methods, summary


class MethodList(QListWidget):
    """Methods of some groups, each group under a heading; as high as its content."""

    def __init__(self, groups: Mapping[Group, str]) -> None:
        super().__init__()
        self.setAccessibleName("Methods")
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for group, heading in groups.items():
            title = QListWidgetItem(heading)
            title.setFlags(Qt.ItemFlag.NoItemFlags)
            font = title.font()
            font.setBold(True)
            title.setFont(font)
            self.addItem(title)
            for method in methods(group):
                item = QListWidgetItem(f"   {method.label}")
                item.setData(Qt.ItemDataRole.UserRole, method.name)
                item.setToolTip(f"<p>{summary(method)}</p>")
                self.addItem(item)

    def sizeHint(self) -> QSize:
        rows = self.sizeHintForRow(0) * self.count()
        return QSize(super().sizeHint().width(), rows + 2 * self.frameWidth())

    def choose(self, name: str) -> None:
        """Select a method by name."""
        for row in range(self.count()):
            if self.item(row).data(Qt.ItemDataRole.UserRole) == name:
                self.setCurrentRow(row)

    def chosen(self) -> str:
        """Name of the selected method."""
        return str(self.currentItem().data(Qt.ItemDataRole.UserRole))
