"""The table of metrics: one row per result, one column per metric or estimate."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QSizePolicy, QTableWidget, QTableWidgetItem

from app.panels.metrics.columns import DOUBT, Cell, Column, Row, best, headings

BEST, TIED = "★", "☆"
"""Marks of the best result, and of those that may be as good."""
NAME_WIDTH = 130
"""Minimum width of the names, in pixels at 100 %."""
HEADING_SPACE, CELL_SPACE = 32, 30
"""Added to the width of texts: margins, and for headings the sort arrow."""
ROW = 26
"""Height of a row, in pixels at 100 %."""
KEY, VALUE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


class MetricsTable(QTableWidget):
    """The table; a click or an arrow key selects a result.

    Attributes
    ----------
    chosen : Signal of int
        Key of the result in the selected row.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("metrics-table")
        self.setAccessibleName("Measures of all results")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # takes what is left
        self.setMinimumHeight(3 * ROW)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        header = self.horizontalHeader()
        header.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        header.setSortIndicatorClearable(True)
        header.setHighlightSections(False)
        self.itemSelectionChanged.connect(self._on_selection)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Create the columns; rows are not sorted until a heading is clicked."""
        names = headings(columns)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        self.setColumnCount(len(names))
        own = (
            "Method of the result, with its parameters. A click shows the result.",
            "Number of input frames per frame of the result. Averaging frames of a static scene increases "
            "the metrics, but blurs moving specimens. Compare results with one input frame.",
            *(column.help for column in columns),
            "Computing time of the result in seconds, including training.",
        )
        falling = {2 + number for number, column in enumerate(columns) if column.better == "higher"}
        for column, (name, help) in enumerate(zip(names, own, strict=True)):
            item = QTableWidgetItem(name.replace(" ", "\n"))  # narrow headings keep all columns visible
            order = Qt.SortOrder.DescendingOrder if column in falling else Qt.SortOrder.AscendingOrder
            item.setData(Qt.ItemDataRole.InitialSortOrderRole, order)  # the first click sorts the best on top
            item.setToolTip(f"<p>{help}</p>")
            left = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(left | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)
        self.horizontalHeader().setMinimumSectionSize(50)

    def set_rows(self, columns: Sequence[Column], rows: Sequence[Row], shown: int) -> None:
        """Fill the table, and select the row of the result `shown`."""
        winners = best(columns, rows)
        with QSignalBlocker(self):
            self.setSortingEnabled(False)
            self.setRowCount(len(rows))
            for number, row in enumerate(rows):
                self._fill(number, row, columns, winners)
            self.setSortingEnabled(True)
            for number in range(self.rowCount()):
                if self._key(number) == shown:
                    self.setCurrentCell(number, 0)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Make the number columns as narrow as possible, and give the remaining width to the names."""
        bold = QFont(self.font())
        bold.setBold(True)
        metrics = QFontMetrics(bold)
        used = 0
        for column in range(1, self.columnCount()):
            header = self.horizontalHeaderItem(column)
            words = [*header.text().splitlines()] if header else []
            cells = [self.item(row, column) for row in range(self.rowCount())]
            inside = [c.text() for c in cells if c is not None]
            width = max(
                max((metrics.horizontalAdvance(w) for w in words), default=0) + HEADING_SPACE,
                max((metrics.horizontalAdvance(t) for t in inside), default=0) + CELL_SPACE,
            )
            self.setColumnWidth(column, width)
            used += width
        self.setColumnWidth(0, max(NAME_WIDTH, self.viewport().width() - used))

    def _fill(self, number: int, row: Row, columns: Sequence[Column], winners: Sequence[set[int]]) -> None:
        name = _Item(row.label, float(number))
        name.setData(KEY, row.key)
        name.setToolTip(f"<p>{html.escape(f'{row.label}: {row.details}')}</p>" if row.details else "")
        self.setItem(number, 0, name)
        self.setItem(number, 1, _Item(row.frames_text, row.frames, right=True))
        for place, column in enumerate(columns):
            cell = row.cells[place] if row.cells else None
            self.setItem(number, 2 + place, _item(column, cell, won=row.key in winners[place]))
        seconds = row.seconds if row.seconds else math.nan
        text = f"{row.seconds:.3g}" if row.seconds else "–"
        self.setItem(number, 2 + len(columns), _Item(text, seconds, right=True))

    def order(self) -> list[int]:
        """Return the keys of the results in the current order of the rows."""
        return [self._key(number) for number in range(self.rowCount())]

    def _key(self, number: int) -> int:
        item = self.item(number, 0)
        return int(item.data(KEY)) if item is not None else -1

    @Slot()
    def _on_selection(self) -> None:
        if self.selectedItems():
            self.chosen.emit(self._key(self.currentRow()))


def _item(column: Column, cell: Cell | None, *, won: bool) -> _Item:
    """Return the item of a cell, with its marks; None is being computed."""
    if cell is None:
        return _Item("…", math.nan, right=True)
    won = won and not cell.doubtful
    marks = [BEST] if won else [TIED] if cell.tied and not cell.doubtful else []
    marks += [DOUBT] if cell.doubtful else []
    item = _Item(" ".join([*marks, cell.text]), cell.value if column.ranks else math.nan, right=True)
    if won:
        font = item.font()
        font.setBold(True)
        item.setFont(font)
    words = "Best of all results. " if won else "May be as good as the best one. " if cell.tied else ""
    item.setToolTip(f"<p>{words}{html.escape(cell.note)}</p>" if words or cell.note else "")
    return item


class _Item(QTableWidgetItem):
    """An item sorted by a number; items without a number are last in both orders."""

    def __init__(self, text: str, value: float, *, right: bool = False) -> None:
        super().__init__(text)
        self.setData(VALUE, value)
        if right:
            self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        mine, theirs = float(self.data(VALUE)), float(other.data(VALUE))
        if math.isnan(mine) or math.isnan(theirs):
            if math.isnan(mine) and math.isnan(theirs):
                return False
            header = self.tableWidget().horizontalHeader()
            rising = header.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
            return math.isnan(theirs) if rising else math.isnan(mine)
        return mine < theirs
