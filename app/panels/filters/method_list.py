"""A compact list of methods that leaves room for the form of the selected one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QSizePolicy, QVBoxLayout, QWidget

from app.widgets.common import Section
from core.catalogue import methods
from core.methods.base import Group, summary

COLUMNS = 2


class MethodList(QWidget):
    """Methods under headings, one of which is selected; all headings but the first can be closed.

    Attributes
    ----------
    changed : Signal
        Another method was selected.
    """

    changed = Signal()

    def __init__(self, headings: Mapping[str, Sequence[Group]], name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._parts: dict[_Columns, Section | None] = {}
        self._chosen = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for heading, groups in headings.items():
            part, section = _Columns(groups, heading), None
            group = groups[-1]
            part.setObjectName(f"{name}-{group}")
            if self._parts:
                section = Section(heading, f"{name}-{group}-open")
                section.body.addWidget(part)
                section.button.toggled.connect(self.updateGeometry)
            column.addWidget(section or part)
            part.itemSelectionChanged.connect(self._on_selected)
            self._parts[part] = section
        self._follow()

    def choose(self, name: str) -> None:
        """Select a method by name."""
        for part in self._parts:
            for row in range(part.count()):
                if part.item(row).data(Qt.ItemDataRole.UserRole) == name:
                    part.setCurrentRow(row)

    def chosen(self) -> str:
        """Return the name of the selected method."""
        return self._chosen

    def _on_selected(self) -> None:
        chosen = next((part for part in self._parts if part is self.sender()), None)
        items = chosen.selectedItems() if chosen is not None else []
        name = str(items[0].data(Qt.ItemDataRole.UserRole)) if items else ""
        if not name or name == self._chosen:
            return
        self._chosen = name
        for part in self._parts:
            if part is not chosen:
                part.clearSelection()
        self._follow()
        self.changed.emit()

    def _follow(self) -> None:
        """Keep the group of the selected method open."""
        for part, section in self._parts.items():
            if section is not None:
                here = bool(part.selectedItems())
                section.button.setChecked(here or section.button.isChecked())
                section.button.setEnabled(not here)
                usual = "Show or hide methods that add noise, for tests with known ground truth"
                section.button.setToolTip("One of these methods is selected" if here else usual)


class _Columns(QListWidget):
    """Methods of some groups in columns, without a scroll bar."""

    def __init__(self, groups: Sequence[Group], heading: str) -> None:
        super().__init__()
        self.setAccessibleName(heading)
        self.setProperty("class", "cells")
        self.setFlow(QListView.Flow.TopToBottom)
        self.setWrapping(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for method in (method for group in groups for method in methods(group)):
            item = QListWidgetItem(method.label)
            item.setData(Qt.ItemDataRole.UserRole, method.name)
            item.setToolTip(f"<p>{summary(method)}</p>")
            self.addItem(item)
        self._fit()

    def _fit(self) -> None:
        """Set the size of the cells; their height depends on the font."""
        row = self.fontMetrics().height() + 6
        rows = -(-self.count() // COLUMNS)
        frame = 2 * self.frameWidth() + 2
        cell = QSize(max(1, (self.width() - frame) // COLUMNS), row)
        for index in range(self.count()):
            self.item(index).setSizeHint(cell)
        self.setFixedHeight(rows * row + frame)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and self.count():
            self._fit()
